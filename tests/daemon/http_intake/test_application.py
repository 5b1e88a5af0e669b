"""Events over HTTP: all of a request onto the stream, or none, and an answer that says what is wrong."""

import asyncio
import gzip
import json
from urllib.parse import urlsplit

import pytest
from jsonschema import Draft202012Validator

from actors.egress import Egress
from daemon.http_intake import application
from daemon.http_intake.body import MAX_BODY
from daemon.ingest.documents import events_schema
from tests.daemon.http_intake.conftest import ALL, ONE_CONSUMER, SCORES
from tests.daemon.ingest.reading import DISABLED, KEY, LAUNCH, LAUNCH_13, RETIRED, SCORE, STRUCTURE

BLOCKS = {**STRUCTURE, "version": 1, "blocks": json.loads(STRUCTURE["blocks"])}


def lines(*events):
    return b"".join(json.dumps(event).encode() + b"\n" for event in events)


def counted(intake, status):
    return intake.metrics.registry.get_sample_value("passback_intake_requests_total", {"status": str(status)})


@pytest.mark.parametrize("kind", ["application/json", "application/json; charset=utf-8", "text/plain"])
async def test_one_object_is_taken_as_the_stream_has_it(post, entries, stream, kind):
    status, document, _ = await post(json.dumps({**SCORE, "points_earned": 1, "extra": None}), content_type=kind)
    assert status == 202
    assert await entries() == [SCORE]
    assert document == {"accepted": 1, "ids": [(await stream.redis.xrange(KEY))[0][0].decode()]}


@pytest.mark.parametrize("kind", ["application/json", "application/x-ndjson"])
async def test_an_array_and_json_lines_are_taken_in_their_order(post, entries, kind):
    events = [{**SCORE, "user_id": str(number)} for number in range(1200)] + [BLOCKS, LAUNCH, RETIRED, DISABLED]
    body = lines(*events) + b"\n \n" if kind.endswith("ndjson") else json.dumps(events)
    status, document, _ = await post(body, content_type=kind)
    assert (status, document["accepted"], len(set(document["ids"]))) == (202, 1204, 1204)
    found = await entries()
    assert [entry["user_id"] for entry in found[:1200]] == [str(number) for number in range(1200)]
    assert json.loads(found[1200]["blocks"]) == BLOCKS["blocks"]
    assert [entry["type"] for entry in found[1200:]] == [
        "course.structure",
        "launch",
        "user.retired",
        "assignment.disabled",
    ]


async def test_of_a_request_with_a_wrong_event_nothing_is_taken_and_each_wrong_one_is_named(post, entries, intake):
    events = [SCORE, {**SCORE, "points_possible": -1}, "x", SCORE, {**SCORE, "user_id": True}, {"type": "score"}]
    for body, kind in ((json.dumps(events), "application/json"), (lines(*events), "application/x-ndjson")):
        status, document, _ = await post(body, content_type=kind)
        assert status == 422
        assert [(one["line"], one["field"]) for one in document["errors"]] == [
            (2, "points_possible"),
            (3, None),
            (5, "user_id"),
            (6, "type"),
        ]
        assert document["errors"][0]["reason"].startswith("points_possible is negative: '-1'")
    assert await entries() == []
    assert counted(intake, 422) == 2


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "the body is empty"),
        (b"  \n", "the body is empty"),
        (b"{", "is not JSON"),
        (b"\xff", "is not UTF-8, at byte 1"),
        (b"[" * 100_000, "is not JSON"),
        (b'{"type": "user.retired", "user_id": "1", "user_id": "2"}', "has 'user_id' twice"),
        (b"7", "is not one JSON object"),
        (b"[[]]", "is not one JSON object"),
        (b"[" + b"0," * 600_000 + b"0]", "holds more than"),
        (b"[" + b"\n" * 600_000 + b"0]", "holds more than"),
        (json.dumps({"type": "user.retired", **{str(n): "" for n in range(600)}}).encode(), "has more than 500 fields"),
    ],
)
async def test_what_is_no_event_at_all_is_refused_with_its_line(post, entries, body, said):
    status, document, _ = await post(body)
    assert status == 422
    assert document["errors"][0]["line"] == 1
    assert said in document["errors"][0]["reason"]
    assert await entries() == []


async def test_an_empty_array_is_nothing_to_do(post):
    assert (await post(b"[]"))[:2] == (202, {"accepted": 0, "ids": []})


async def test_no_more_than_a_hundred_errors_are_named(post):
    status, document, _ = await post(json.dumps([{}] * 5_000))
    assert (status, len(document["errors"])) == (422, 100)


@pytest.mark.parametrize("header", [None, "Bearer", f"Bearer {ALL}x", f"Bearer {ALL[:-1]}", f"Basic {ALL}", "Bearer ü"])
async def test_without_a_known_token_nothing_is_read(post, entries, header):
    headers = {} if header is None else {"Authorization": header}
    status, document, given = await post(b"{", token=None, **headers)
    assert (status, given["WWW-Authenticate"], document["errors"][0]["field"]) == (401, "Bearer", "Authorization")
    assert await entries() == []


async def test_a_token_may_be_limited_to_types(post, entries):
    assert (await post(json.dumps(SCORE), token=SCORES))[0] == 202
    status, document, _ = await post(json.dumps([SCORE, RETIRED]), token=SCORES)
    assert (status, document["errors"]) == (
        403,
        [{"line": 2, "field": "type", "reason": "this token is for score.changed, score.cleared only"}],
    )
    # Who corrects the wrong one hears of the other then.
    assert (await post(json.dumps([RETIRED, {**SCORE, "user_id": ""}]), token=SCORES))[0] == 422
    assert len(await entries()) == 1


@pytest.mark.parametrize(
    ("event", "field"),
    [
        (LAUNCH, None),
        (LAUNCH_13, None),
        (DISABLED, None),
        (SCORE, "type"),
        (RETIRED, "type"),
        (LAUNCH_13 | {"oauth_consumer_key": "key"}, None),
        (LAUNCH | {"oauth_consumer_key": "other"}, "oauth_consumer_key"),
        (DISABLED | {"oauth_consumer_key": "other"}, "oauth_consumer_key"),
        (LAUNCH_13 | {"issuer": "https://other.example"}, "client_id"),
        (LAUNCH_13 | {"client_id": "other"}, "client_id"),
        (LAUNCH_13 | {"oauth_consumer_key": "other"}, "oauth_consumer_key"),
        (LAUNCH_13 | {"lineitem": "", "client_id": "other"}, "client_id"),
    ],
)
async def test_a_token_may_be_limited_to_the_launches_of_a_consumer(post, event, field):
    status, document, _ = await post(json.dumps(event), token=ONE_CONSUMER)
    assert status == (202 if field is None else 403)
    assert field is None or document["errors"][0]["field"] == field


async def test_a_launch_from_where_no_grade_may_go_is_refused_with_its_field(post, intake, entries):
    intake.egress = Egress()
    wrong = {**LAUNCH, "lis_outcome_service_url": "https://10.0.0.1/o"}
    status, document, _ = await post(json.dumps([SCORE, wrong, LAUNCH]))
    (error,) = document["errors"]
    assert (status, error["line"], error["field"]) == (422, 2, "lis_outcome_service_url")
    assert "10.0.0.1 is not a public address" in error["reason"]
    assert await entries() == []


async def test_tokens_may_change_while_it_runs(post, intake):
    intake.tokens = intake.tokens[1:]
    assert (await post(json.dumps(SCORE)))[0] == 401


async def test_too_large_a_body_is_refused_also_where_its_size_is_not_said_or_packed(post, entries):
    assert (await post(b" " * (MAX_BODY + 1)))[0] == 413

    async def endless():
        for _ in range(9):
            yield b" " * 1024 * 1024

    assert (await post(endless()))[0] == 413
    bomb = gzip.compress(b" " * 10 * MAX_BODY)
    assert (await post(bomb, **{"Content-Encoding": "gzip"}))[0] in (400, 413)
    assert (await post(b"no gzip", **{"Content-Encoding": "gzip"}))[0] == 400
    assert await entries() == []


async def test_a_packed_body_is_taken(post, entries):
    body = gzip.compress(json.dumps(SCORE).encode())
    assert (await post(body, **{"Content-Encoding": "gzip"}))[0] == 202
    assert await entries() == [SCORE]


async def test_it_turns_events_away_while_too_many_wait_and_says_when_to_come_again(post, intake, entries):
    intake.lag = lambda: application.MAX_LAG + 1
    status, document, headers = await post(json.dumps(SCORE))
    assert (status, headers["Retry-After"]) == (429, "5")
    assert "wait to be applied" in document["errors"][0]["reason"]
    intake.lag, intake.trouble = (lambda: None), (lambda: "this stream is another database's")
    status, document, headers = await post(json.dumps(SCORE))
    assert (status, headers["Retry-After"]) == (503, "5")
    assert document["errors"][0]["reason"] == "this stream is another database's"
    assert await entries() == []


async def test_without_redis_it_says_when_to_come_again(post, intake, valkey, entries):
    valkey.stop()
    status, document, headers = await post(json.dumps(SCORE))
    assert (status, headers["Retry-After"]) == (503, "5")
    assert document["errors"][0]["reason"] == "Redis did not take the events: send them again"
    valkey.start(empty=True)
    assert (await post(json.dumps(SCORE)))[0] == 202
    assert await entries() == [SCORE]


async def test_a_full_redis_takes_none_of_a_request(post, stream, entries):
    events = [{**SCORE, "usage_id": "u" * 255, "more": "m" * 1_000}] * 2_000
    used = (await stream.redis.info("memory"))["used_memory"]
    statuses = []
    for room in (0, 400_000, 40_000_000):
        await stream.redis.config_set("maxmemory", str(used + room))
        try:
            statuses.append((await post(json.dumps(events)))[0])
        finally:
            await stream.redis.config_set("maxmemory", "0")
        assert len(await entries()) in (0, len(events)), "all of a request, or none"
        await stream.redis.delete(KEY)
    assert (statuses[0], statuses[-1]) == (503, 202)


async def test_requests_at_once_are_each_answered_with_their_own_ids(post, stream):
    answers = await asyncio.gather(
        *(post(json.dumps([{**SCORE, "user_id": f"{number}"}] * (1 + number % 3))) for number in range(60))
    )
    by_id = {entry_id.decode(): fields[b"user_id"] for entry_id, fields in await stream.redis.xrange(KEY)}
    for number, (status, document, _) in enumerate(answers):
        assert (status, document["accepted"]) == (202, 1 + number % 3)
        assert {by_id[entry_id] for entry_id in document["ids"]} == {str(number).encode()}


async def test_a_connection_is_kept_and_one_that_says_nothing_gives_way(serve):
    async with serve(most=2) as session:
        url = urlsplit(str(session._base_url))
        idle, to_idle = await asyncio.open_connection(url.hostname, url.port)
        for _ in range(3):
            answer = await session.post("/events", data=b"{}", headers={"Authorization": f"Bearer {ALL}"})
            assert (answer.status, answer.headers.get("Connection")) == (422, None)
            await answer.read()
        _, to_another = await asyncio.open_connection(url.hostname, url.port)
        assert await idle.read() == b""
        for writer in (to_idle, to_another):
            writer.close()
            await writer.wait_closed()


async def test_only_its_paths_and_methods_are_there(post):
    session = post.session
    for method, path, status in (("GET", "/events", 405), ("POST", "/", 404), ("GET", "/metrics", 404)):
        async with session.request(method, path) as answer:
            assert answer.status == status
            assert (await answer.json())["errors"]


async def test_what_programs_need_is_served_and_names_no_token(post):
    session = post.session
    async with session.get("/events.schema.json") as answer:
        assert await answer.json() == events_schema()
    async with session.get("/openapi.json") as answer:
        described = await answer.json()
    assert described["openapi"] == "3.1.0"
    assert {"202", "401", "413", "422", "429", "503"} <= described["paths"]["/events"]["post"]["responses"].keys()
    event = {"$ref": "#/components/schemas/Event", "components": described["components"]}
    assert Draft202012Validator(event).is_valid(SCORE)
    assert not Draft202012Validator(event).is_valid({**SCORE, "user_id": True})
