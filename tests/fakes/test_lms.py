"""The recording LMS: what other tests lean on."""

import asyncio
import threading
import time
import urllib.request
from itertools import count

import aiohttp
import pytest

from actors.protocols.lti11 import basic_outcome, oauth1
from tests.fakes import lms as fake
from tests.fakes.lms import RecordingLms

KEYS = {"campus": "s3cret"}
_numbers = count()


def signed(url: str, sourcedid: str = "s", score: str = "0.5", secret: str = "s3cret") -> tuple[bytes, dict[str, str]]:
    number = next(_numbers)
    body = basic_outcome.replace_result(sourcedid, score, message_id=f"message-{number}")
    headers = oauth1.sign(
        url, body, key="campus", secret=secret, nonce=f"nonce{number}", timestamp=str(int(time.time()))
    )
    return body, headers


async def send(lms: RecordingLms, sourcedid: str = "s", score: str = "0.5", path_qs: str = "/outcomes") -> int:
    body, headers = signed(lms.url(path_qs), sourcedid, score)
    async with (
        aiohttp.ClientSession() as session,
        session.post(lms.url(path_qs), data=body, headers=headers) as reply,
    ):
        await reply.read()
        return reply.status


async def test_a_signed_score_is_applied_and_recorded():
    async with RecordingLms(KEYS) as lms:
        assert await send(lms, "a<b&c", "0.25", "/outcomes?course=1") == 200
        (record,) = lms.requests
    assert lms.gradebook == {("/outcomes", "a<b&c"): "0.25"}
    assert lms.grade("a<b&c") == "0.25"
    assert (record.path_qs, record.score, record.status, record.verified) == (
        "/outcomes?course=1",
        "0.25",
        200,
        True,
    )
    assert record.nonce.startswith("nonce")
    assert record.message_id.startswith("message-")
    assert record.began <= record.ended
    assert lms.faults == []


async def test_a_wrong_signature_is_refused_and_not_applied():
    async with RecordingLms(KEYS) as lms:
        body, headers = signed(lms.url(), secret="other")
        async with aiohttp.ClientSession() as session, session.post(lms.url(), data=body, headers=headers) as reply:
            assert reply.status == 401
        assert lms.applied == []
        assert lms.faults == ["request 0: a signature that is not valid"]


async def test_a_changed_body_and_a_used_nonce_are_noticed():
    async with RecordingLms(KEYS) as lms, aiohttp.ClientSession() as session:
        body, headers = signed(lms.url())
        for sent in (body, body, body.replace(b"0.5", b"0.6")):
            async with session.post(lms.url(), data=sent, headers=headers) as reply:
                await reply.read()
        assert [record.verified for record in lms.requests] == [True, False, False]
        assert "request 1: a nonce that was used before" in lms.faults
        assert "request 2: a body hash that is not the body's" in lms.faults


async def test_a_request_without_a_signature_is_refused():
    async with RecordingLms(KEYS) as lms, aiohttp.ClientSession() as session:
        async with session.post(lms.url(), data=b"<x/>", headers={"Content-Type": "text/xml"}) as reply:
            assert reply.status == 401
        assert "request 0: content type 'text/xml'" in lms.faults


async def test_behaviours_are_taken_in_turn():
    turns = fake.in_turn(
        fake.failure("no such user", status=422),
        fake.unsupported(),
        fake.processing(),
        fake.answer(204),
        fake.html(503, headers={"Retry-After": "7"}),
    )
    async with RecordingLms(behave=turns) as lms:
        assert [await send(lms, score=f"0.{number}") for number in range(1, 7)] == [422, 200, 200, 204, 503, 200]
    assert lms.scores("s") == ["0.6"]


async def test_a_score_can_be_applied_after_the_sender_gave_up():
    async with RecordingLms(behave=fake.always(fake.success(latency=0.05))) as lms:
        body, headers = signed(lms.url())
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=0.02)) as session:
            with pytest.raises(TimeoutError):
                await session.post(lms.url(), data=body, headers=headers)
        assert lms.applied == []
        await lms.until(lambda: lms.grade("s") == "0.5")


async def test_a_score_can_be_applied_long_after_the_answer():
    async with RecordingLms(behave=fake.always(fake.processing(apply_after=0.03))) as lms:
        await send(lms)
        assert lms.applied == []
        await lms.until(lambda: lms.scores("s") == ["0.5"])


@pytest.mark.parametrize("where", ["before", "midway"])
async def test_a_connection_can_be_cut(where):
    async with RecordingLms(behave=fake.always(fake.cut(where))) as lms:
        with pytest.raises(aiohttp.ClientError):
            await send(lms)
        assert lms.grade("s") == "0.5"


async def test_a_held_request_waits_for_its_event_and_overlaps_the_next():
    event = asyncio.Event()
    async with RecordingLms(behave=fake.in_turn(fake.held(event))) as lms:
        first = asyncio.create_task(send(lms, score="0.1"))
        await lms.until(lambda: len(lms.requests) == 1)
        assert await send(lms, score="0.2") == 200
        assert await send(lms, sourcedid="other") == 200
        event.set()
        await first
    assert [(a.score, b.score) for a, b in lms.overlaps()] == [("0.1", "0.2")]
    assert lms.scores("s") == ["0.2", "0.1"]


async def test_requests_one_after_the_other_do_not_overlap():
    async with RecordingLms() as lms:
        await send(lms)
        await send(lms)
        await lms.until(lambda: all(record.ended for record in lms.requests))
    assert lms.overlaps() == []


async def test_a_body_can_trickle():
    async with RecordingLms(behave=fake.always(fake.answer(200, b"abc", trickle=0.005))) as lms:
        began = time.monotonic()
        await send(lms)
    assert time.monotonic() - began >= 0.01


async def test_an_lms_that_holds_a_request_can_be_left():
    async with RecordingLms(behave=fake.always(fake.held(threading.Event()))) as lms:
        pending = asyncio.create_task(send(lms))
        await lms.until(lambda: lms.requests)
    await asyncio.gather(pending, return_exceptions=True)
    assert lms.applied == []


async def test_waiting_in_vain_says_what_came():
    async with RecordingLms() as lms:
        with pytest.raises(TimeoutError, match="0 requests came"):
            await lms.until(lambda: lms.requests, timeout=0.01)
        with pytest.raises(TimeoutError, match="0 requests came"):
            lms.wait_for(lambda: lms.requests, timeout=0.01)


def test_it_runs_in_a_thread_of_its_own_for_tests_that_block():
    with RecordingLms.in_thread(KEYS) as lms:
        body, headers = signed(lms.url())
        request = urllib.request.Request(lms.url(), data=body, headers=headers)
        with urllib.request.urlopen(request, timeout=5) as reply:
            assert reply.status == 200
        lms.wait_for(lambda: lms.grade("s") == "0.5" and lms.requests[0].ended)
    assert lms.faults == []


async def test_it_comes_back_on_the_same_port():
    async with RecordingLms() as lms:
        await send(lms)
        port = lms.port
    async with RecordingLms(port=port) as lms:
        assert await send(lms) == 200
