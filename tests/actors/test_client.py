"""One POST over a real socket: what is sent, what is read of the answer, and what some failures mean."""

import asyncio
import gzip
import zlib

import aiohttp
import pytest

from actors.client import Sender
from actors.errors import Ambiguous, GiveUp, TryLater
from actors.protocols.lti11 import basic_outcome
from actors.response import BODY_LIMIT
from tests.actors.posting import BODY, HEADERS, answering, open_sender, outcome_session
from tests.fakes import lms as fake
from tests.fakes.lms import RecordingLms
from tests.fakes.network import Resolver, raw_server
from tests.servers import HOST


async def test_a_post_comes_back_as_an_answer():
    created = fake.success(status=201, headers={"X-Own": "1"})
    async with answering(fake.always(created)) as (lms, post):
        answer = await post.send(lms.url(), BODY, HEADERS)
    assert answer.status == 201
    assert basic_outcome.read_reply(answer.body).code_major == "success"
    assert answer.header("x-own") == answer.headers["x-own"] == "1"
    assert 0 < answer.seconds < 5
    assert not answer.truncated
    assert lms.requests[0].body == BODY
    assert lms.requests[0].headers["Accept-Encoding"] == "identity"
    assert lms.requests[0].headers["User-Agent"] == "passbackd"
    assert lms.faults == []


async def test_connections_are_used_again():
    async with RecordingLms() as lms, open_sender() as post:
        for _ in range(3):
            await post.send(lms.url(), BODY, HEADERS)
    assert len({record.peer for record in lms.requests}) == 1


async def test_cookies_are_not_kept():
    async with answering(fake.always(fake.success(headers={"Set-Cookie": "a=b"}))) as (lms, post):
        await post.send(lms.url(), BODY, HEADERS)
        await post.send(lms.url(), BODY, HEADERS)
    assert all("Cookie" not in record.headers for record in lms.requests)


@pytest.mark.parametrize(("size", "truncated"), [(BODY_LIMIT, False), (BODY_LIMIT + 1, True), (10 * BODY_LIMIT, True)])
async def test_a_body_is_read_up_to_its_limit(size, truncated):
    async with answering(fake.always(fake.answer(200, b"x" * size))) as (lms, post):
        answer = await post.send(lms.url(), BODY, HEADERS)
    assert len(answer.body) == BODY_LIMIT
    assert answer.truncated is truncated


PACKED = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "deflate, identity": zlib.compress,
    "gzip, gzip": lambda body: gzip.compress(gzip.compress(body)),
}


@pytest.mark.parametrize("coding", PACKED)
async def test_a_body_that_was_compressed_though_identity_was_asked_for_is_decompressed(coding):
    stored = fake.pox("success", "stored")
    behaviour = fake.answer(200, PACKED[coding](stored), headers={"Content-Encoding": coding})
    async with answering(fake.always(behaviour)) as (lms, post):
        answer = await post.send(lms.url(), BODY, HEADERS)
    assert (answer.body, answer.truncated) == (stored, False)


async def test_a_body_is_decompressed_up_to_its_limit():
    behaviour = fake.answer(200, gzip.compress(b"x" * 10_000_000), headers={"Content-Encoding": "gzip"})
    async with answering(fake.always(behaviour)) as (lms, post):
        answer = await post.send(lms.url(), BODY, HEADERS)
    assert (answer.body, answer.truncated) == (b"x" * BODY_LIMIT, True)


async def test_a_time_out_while_waiting_for_the_pool_is_tried_later():
    release, session = asyncio.Event(), outcome_session(0.05, max_connections=1)
    async with RecordingLms(behave=fake.always(fake.held(release))) as lms, session:
        patient = aiohttp.ClientTimeout(total=5)
        first = asyncio.create_task(session.post(lms.url(), data=BODY, headers=HEADERS, timeout=patient))
        await lms.until(lambda: lms.requests)
        with pytest.raises(TryLater, match="time-out") as caught:
            await Sender(session).send(lms.url(), BODY, HEADERS)
        release.set()
        (await first).release()
    assert not caught.value.bytes_left
    assert len(lms.requests) == 1


async def test_a_time_out_on_a_used_connection_is_ambiguous():
    async with answering(fake.in_turn(fake.success(), fake.held(asyncio.Event())), patience=0.5) as (lms, post):
        await post.send(lms.url(), BODY, HEADERS)
        with pytest.raises(Ambiguous, match="time-out"):
            await post.send(lms.url(), BODY, HEADERS)


@pytest.mark.parametrize(
    "reply",
    [
        b"not HTTP at all\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
async def test_an_answer_that_is_not_http_is_ambiguous(reply):
    async def talk(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(reply)
        await writer.drain()

    async with raw_server(talk) as port, open_sender() as post:
        with pytest.raises(Ambiguous):
            await post.send(f"http://{HOST}:{port}/", BODY, HEADERS)


async def test_a_connection_that_is_reset_at_once_is_ambiguous_and_names_no_url():
    async def reset(reader, writer):
        writer.transport.abort()

    async with raw_server(reset) as port, open_sender() as post:
        with pytest.raises(Ambiguous) as caught:
            await post.send(f"http://{HOST}:{port}/o?token=hunter2", BODY * 1000, HEADERS)
    assert "hunter2" not in caught.value.reason


async def test_of_several_addresses_an_allowed_one_is_used():
    async with RecordingLms() as lms, open_sender(resolver=Resolver("10.0.0.1", "fe80::1", HOST)) as post:
        assert (await post.send(f"http://lms.example:{lms.port}/", BODY, HEADERS)).status == 200


async def test_a_host_that_can_be_no_name_is_given_up_before_anything_is_sent():
    async with open_sender() as post:
        with pytest.raises(GiveUp) as caught:
            await post.send(f"http://{'a' * 70}.example/", BODY, HEADERS)
    assert (caught.value.scope, caught.value.bytes_left) == ("campus", False)


async def test_a_session_that_does_not_note_how_far_it_came_is_refused():
    async with aiohttp.ClientSession() as session:
        with pytest.raises(ValueError, match="http_session"):
            Sender(session)
