"""What the recording platform can do wrong, and what it remembers."""

import asyncio
import random
import threading
import time

import aiohttp
import pytest

from daemon.demo.platform.tokens import AgsScope
from tests.fakes.ags_tool import CLIENT, AgsTool
from tests.fakes.meters import BucketMeter, CreditMeter
from tests.fakes.platform import (
    RecordingPlatform,
    fails,
    held,
    in_turn,
    lands_late,
    login_page,
    lost,
    only,
    reset,
    throttled,
    well,
)

LATER, LATEST = "2026-11-22T10:15:31.000Z", "2026-11-22T10:15:32.000Z"


@pytest.fixture
async def platform(key):
    async with RecordingPlatform() as platform:
        platform.register(CLIENT, pem=key.as_pem(private=False).decode())
        yield platform


@pytest.fixture
async def tool(platform, key):
    tool = AgsTool(key, platform.token_url)
    await tool.authorize()
    return tool


@pytest.fixture
def line_item(platform):
    return platform.add_line_item()


@pytest.mark.parametrize(
    ("behaviour", "grade"),
    [(lost(), "0.5"), (lost("midway"), "0.5"), (reset(), None)],
    ids=["lost", "lost midway", "reset"],
)
async def test_a_connection_is_cut_with_or_without_storing(platform, tool, line_item, behaviour, grade):
    platform.behave = in_turn("score", behaviour)
    with pytest.raises((aiohttp.ClientError, ConnectionError)):
        await tool.send(line_item)
    assert platform.grade(line_item, "user-7") == grade
    assert (await tool.send(line_item, 0.75, LATER))[0] == 204
    assert [one.status for one in platform.of("score")] == [None, 204]


@pytest.mark.parametrize(
    ("behaviour", "status", "grade"),
    [
        (fails(503), 503, None),
        (fails(500, stored=True), 500, "0.5"),
        (login_page(), 200, None),
        (throttled(7), 429, None),
    ],
    ids=["503", "500, stored", "login page", "429"],
)
async def test_it_answers_something_else(platform, tool, line_item, behaviour, status, grade):
    platform.behave = only("score", behaviour)
    answered, text, reply = await tool.send(line_item)
    assert (answered, platform.grade(line_item, "user-7")) == (status, grade)
    assert reply.headers.get("Retry-After") == ("7" if status == 429 else None)
    assert ("<html>" in text) == (status == 200)


async def test_a_score_may_land_after_a_later_one_and_is_decided_by_its_time_then(platform, tool, line_item):
    platform.behave = in_turn("score", lands_late(0.2))
    with pytest.raises((aiohttp.ClientError, ConnectionError)):
        await tool.send(line_item, 0.5)
    await tool.send(line_item, 0.75, LATER)
    await platform.until(lambda: platform.at_rest)
    assert [one.decision for one in platform.sent("user-7", line_item)] == ["older", "stored"]
    assert platform.shown("user-7") == ["0.75"]


async def test_a_score_lands_though_its_token_was_revoked_after_it_arrived(platform, tool, line_item):
    platform.behave = in_turn("score", lands_late(0.2))
    with pytest.raises((aiohttp.ClientError, ConnectionError)):
        await tool.send(line_item, 0.5)
    platform.office.revoke()
    assert (await tool.send(line_item, 0.75, LATER))[0] == 401
    await platform.until(lambda: platform.at_rest)
    assert platform.shown("user-7") == ["0.5"]


async def test_some_tokens_are_revoked_by_chance(platform, tool, line_item):
    for _ in range(40):
        await tool.authorize()
    platform.revoke_some(random.Random(1))
    revoked = [token.revoked for token in platform.office.issued.values()]
    assert 10 < sum(revoked) < 31


async def test_scores_that_are_at_work_at_the_same_time_overlap(platform, tool, line_item):
    event = asyncio.Event()
    platform.behave = in_turn("score", held(event), well(), well())
    first = asyncio.ensure_future(tool.send(line_item, 0.5))
    await platform.until(lambda: platform.of("score"))
    await tool.send(line_item, 0.75, LATER)
    await tool.send(line_item, 0.25, LATER, userId="user-8")
    event.set()
    assert (await first)[0] == 409, "it is the older one by now"
    assert [(one.number, other.number) for one, other in platform.overlaps()] == [(1, 2)]
    assert platform.grades() == {(platform.column(line_item).path, user): grade for user, grade in
                                 (("user-7", "0.75"), ("user-8", "0.25"))}  # fmt: skip


async def test_token_requests_at_once_are_counted_by_client_and_scope(platform, tool):
    event = asyncio.Event()
    platform.behave = only("token", held(event))
    asked = [asyncio.ensure_future(tool.ask()) for _ in range(3)]
    asked.append(asyncio.ensure_future(tool.ask(tool.form(AgsScope.RESULTS))))
    await platform.until(lambda: len(platform.of("token")) == 5)
    event.set()
    assert [status for status, _ in await asyncio.gather(*asked)] == [200] * 4
    assert platform.most_tokens_at_once(CLIENT, AgsScope.SCORE) == 3
    assert platform.most_tokens_at_once(CLIENT, AgsScope.RESULTS) == 1
    assert platform.most_tokens_at_once("another", AgsScope.SCORE) == 0


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"timestamp": "2026-11-22T10:15:30.123Z"}, "a timestamp that is not in whole seconds of UTC"),
        ({"gradingProgress": "Pending"}, "progress ('Completed', 'Pending') with score '0.5'"),
        ({"userId": 7}, "field"),
    ],
    ids=["milliseconds", "pending", "a number for a user"],
)
async def test_it_notes_what_no_request_should_do(platform, tool, line_item, changes, fault):
    assert (await tool.send(line_item))[0] == 204
    assert platform.faults == []
    await tool.send(line_item, 0.5, **{"timestamp": LATER, **changes})
    assert platform.faults == [f"request 2: {fault}"]


async def test_a_credit_meter_refuses_until_the_minute_is_over(key):
    now = 1_795_430_000.0
    async with RecordingPlatform(meter=CreditMeter(budget=30), clock=lambda: now) as platform:
        tool = AgsTool(key, platform.token_url)
        answers = [await tool.request("GET", platform.issuer + "/") for _ in range(4)]
        assert [status for status, _, _ in answers] == [404, 404, 404, 429]
        assert [reply.headers["X-Rate-Limit-Remaining"] for _, _, reply in answers] == ["20", "10", "0", "0"]
        assert answers[3][2].headers["X-Rate-Limit-Reset"] == "60"
        platform.offset = 60
        assert (await tool.request("GET", platform.issuer + "/"))[0] == 404


async def test_a_bucket_meter_refuses_many_requests_at_once(platform, tool, line_item):
    platform.meter = BucketMeter()
    event = asyncio.Event()
    platform.behave = only("score", held(event))
    sent = [asyncio.ensure_future(tool.send(line_item, 0.5, userId=f"user-{number}")) for number in range(15)]
    await platform.until(lambda: len(platform.of("score")) == 15)
    event.set()
    statuses = [status for status, _, _ in await asyncio.gather(*sent)]
    refused = statuses.count(403)
    assert 1 <= refused < 15
    assert statuses.count(204) == 15 - refused
    assert sum(one.decision == "limit" for one in platform.requests) == refused


def test_it_runs_in_a_thread_and_ends_while_a_request_hangs(key):
    began = time.monotonic()
    with RecordingPlatform.in_thread(behave=only("score", held(threading.Event()))) as platform:
        platform.register(CLIENT, pem=key.as_pem(private=False).decode())
        tool = AgsTool(key, platform.token_url)
        asyncio.run(tool.authorize())
        line_item = platform.add_line_item()
        sender = threading.Thread(target=lambda: _ignore_cut(tool, line_item), daemon=True)
        sender.start()
        platform.wait_for(lambda: platform.of("score"))
        with pytest.raises(TimeoutError, match="2 requests came"):
            platform.wait_for(platform.grades, timeout=0.05)
    sender.join(10)
    assert not sender.is_alive()
    assert time.monotonic() - began < 60


def _ignore_cut(tool, line_item):
    with pytest.raises((aiohttp.ClientError, ConnectionError)):
        asyncio.run(tool.send(line_item))
