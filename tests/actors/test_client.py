"""One POST over a real socket, and what becomes of every way to fail."""

import asyncio
import gzip
import socket
import time
from contextlib import asynccontextmanager
from ipaddress import ip_network

import aiohttp
import pytest

from actors.client import Sender
from actors.egress import Egress
from actors.errors import Ambiguous, GiveUp, TryLater
from actors.protocols.lti11 import basic_outcome, oauth1
from actors.response import BODY_LIMIT
from tests.actors.posting import BODY, HEADERS, LOOPBACK, answering, open_sender, outcome_session
from tests.fakes import lms as fake
from tests.fakes.lms import RecordingLms
from tests.fakes.network import Resolver, raw_server
from tests.servers import HOST


async def test_a_post_comes_back_as_an_answer():
    created = fake.success(status=201, headers={"X-Own": "1"})
    async with answering(fake.always(created)) as (lms, post):
        answer = await post.post(lms.url(), BODY, HEADERS)
    assert answer.status == 201
    assert basic_outcome.read_reply(answer.body).code_major == "success"
    assert answer.header("x-own") == answer.headers["x-own"] == "1"
    assert 0 < answer.seconds < 5
    assert not answer.truncated
    assert lms.requests[0].body == BODY
    assert lms.requests[0].headers["Accept-Encoding"] == "identity"
    assert lms.requests[0].headers["User-Agent"] == "passbackd"
    assert lms.faults == []


@pytest.mark.parametrize(
    ("host", "path_qs"),
    [
        (HOST, "/o?q=a+b&r=a%20b&s=a%2Bb&t=%2f%2F"),
        (HOST, "/o?b=2&a=1&b=1&empty=&bare"),
        (HOST, "/%7Euser/%E2%82%AC;p=1/x%2Fy/../z?next=https://other.example/?a=%3D"),
        (HOST, "/o?u=%C3%BC&quote=%27'"),
        (HOST, "/"),
        ("LMS.Example", "/o?a=1"),
    ],
)
async def test_a_url_is_sent_byte_for_byte_so_that_its_signature_holds(host, path_qs):
    async with RecordingLms({"key": "sécret"}) as lms, open_sender(resolver=Resolver(HOST)) as post:
        url, stamp = f"http://{host}:{lms.port}{path_qs}", str(int(time.time()))
        headers = oauth1.sign(url, BODY, key="key", secret="sécret", nonce="n" * 20, timestamp=stamp)
        assert (await post.post(url, BODY, headers)).status == 200
    assert lms.requests[0].path_qs == path_qs
    assert lms.faults == []


async def test_connections_are_used_again():
    async with RecordingLms() as lms, open_sender() as post:
        for _ in range(3):
            await post.post(lms.url(), BODY, HEADERS)
    assert len({record.peer for record in lms.requests}) == 1


async def test_cookies_are_not_kept():
    async with answering(fake.always(fake.success(headers={"Set-Cookie": "a=b"}))) as (lms, post):
        await post.post(lms.url(), BODY, HEADERS)
        await post.post(lms.url(), BODY, HEADERS)
    assert all("Cookie" not in record.headers for record in lms.requests)


@pytest.mark.parametrize(("size", "truncated"), [(BODY_LIMIT, False), (BODY_LIMIT + 1, True), (10 * BODY_LIMIT, True)])
async def test_a_body_is_read_up_to_its_limit(size, truncated):
    async with answering(fake.always(fake.answer(200, b"x" * size))) as (lms, post):
        answer = await post.post(lms.url(), BODY, HEADERS)
    assert len(answer.body) == BODY_LIMIT
    assert answer.truncated is truncated


async def test_a_compressed_body_is_left_as_it_is():
    packed = gzip.compress(b"x" * 10_000_000)
    behaviour = fake.answer(200, packed, headers={"Content-Encoding": "gzip"})
    async with answering(fake.always(behaviour)) as (lms, post):
        assert (await post.post(lms.url(), BODY, HEADERS)).body == packed


@asynccontextmanager
async def no_listener():
    with socket.socket() as unused:
        unused.bind((HOST, 0))
        yield f"http://{HOST}:{unused.getsockname()[1]}/o"


@asynccontextmanager
async def no_address():
    yield "https://lms.example/o"


@asynccontextmanager
async def no_handshake():
    async def say_nothing(reader, writer):
        await reader.read()

    async with raw_server(say_nothing) as port:
        yield f"https://{HOST}:{port}/"


@asynccontextmanager
async def no_tls():
    async with RecordingLms() as lms:
        yield lms.url().replace("http:", "https:")


@pytest.mark.parametrize(
    ("where", "patience", "why"),
    [
        (no_listener, 5.0, "no connection to the campus"),
        (no_address, 5.0, "its name cannot be looked up"),
        (no_handshake, 0.05, "time-out"),
        (no_tls, 5.0, "TLS"),
    ],
)
async def test_without_a_connection_it_is_tried_later_and_the_error_names_no_url(where, patience, why):
    async with where() as url, open_sender(patience, resolver=Resolver()) as post:
        with pytest.raises(TryLater, match=why) as caught:
            await post.post(f"{url}?token=hunter2", BODY, HEADERS)
    assert not caught.value.bytes_left
    assert "hunter2" not in caught.value.reason


async def test_a_time_out_while_waiting_for_the_pool_is_tried_later():
    release, session = asyncio.Event(), outcome_session(0.05, max_connections=1)
    async with RecordingLms(behave=fake.always(fake.held(release))) as lms, session:
        patient = aiohttp.ClientTimeout(total=5)
        first = asyncio.create_task(session.post(lms.url(), data=BODY, headers=HEADERS, timeout=patient))
        await lms.until(lambda: lms.requests)
        with pytest.raises(TryLater, match="time-out") as caught:
            await Sender(session).post(lms.url(), BODY, HEADERS)
        release.set()
        (await first).release()
    assert not caught.value.bytes_left
    assert len(lms.requests) == 1


@pytest.mark.parametrize(
    ("behaviour", "patience", "why"),
    [
        (fake.held(asyncio.Event()), 0.3, "time-out"),
        (fake.success(trickle=0.01), 0.3, "time-out"),
        (fake.cut("before"), 5.0, "without an answer"),
        (fake.cut("midway"), 5.0, "in the middle"),
    ],
    ids=["no answer", "a body that trickles past the deadline", "a cut before", "a cut midway"],
)
async def test_without_a_whole_answer_it_is_ambiguous(behaviour, patience, why):
    async with answering(fake.always(behaviour), patience=patience) as (lms, post):
        with pytest.raises(Ambiguous, match=why):
            await post.post(lms.url(), BODY, HEADERS)
    assert len(lms.requests) == 1


async def test_a_time_out_on_a_used_connection_is_ambiguous():
    async with answering(fake.in_turn(fake.success(), fake.held(asyncio.Event())), patience=0.5) as (lms, post):
        await post.post(lms.url(), BODY, HEADERS)
        with pytest.raises(Ambiguous, match="time-out"):
            await post.post(lms.url(), BODY, HEADERS)


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
            await post.post(f"http://{HOST}:{port}/", BODY, HEADERS)


async def test_a_connection_that_is_reset_at_once_is_ambiguous_and_names_no_url():
    async def reset(reader, writer):
        writer.transport.abort()

    async with raw_server(reset) as port, open_sender() as post:
        with pytest.raises(Ambiguous) as caught:
            await post.post(f"http://{HOST}:{port}/o?token=hunter2", BODY * 1000, HEADERS)
    assert "hunter2" not in caught.value.reason


@pytest.mark.parametrize(
    ("egress", "url", "why"),
    [
        (Egress(allow_http=True), "http://127.0.0.1:{port}/", "egress.allow_networks"),
        (Egress(allow_networks=[ip_network("127.0.0.0/8")]), "http://127.0.0.1:{port}/", "egress.allow_http"),
        (LOOPBACK, "http://u:p@127.0.0.1:{port}/", "user name or password"),
        (Egress(allow_http=True), "http://lms.example:{port}/", "egress.allow_networks"),
        (Egress(), "https://lms.example:{port}/", "egress.allow_networks"),
    ],
)
@pytest.mark.parametrize("addresses", [("127.0.0.1",), ("::1", "127.0.0.1"), ("10.0.0.1", "127.0.0.1", "fe80::1")])
async def test_where_the_configuration_does_not_allow_nothing_is_sent(egress, url, why, addresses):
    async with RecordingLms() as lms, open_sender(egress=egress, resolver=Resolver(*addresses)) as post:
        with pytest.raises(GiveUp, match=why) as caught:
            await post.post(url.format(port=lms.port), BODY, HEADERS)
    assert (caught.value.scope, caught.value.bytes_left) == ("campus", False)
    assert lms.requests == []


async def test_of_several_addresses_an_allowed_one_is_used():
    async with RecordingLms() as lms, open_sender(resolver=Resolver("10.0.0.1", "fe80::1", HOST)) as post:
        assert (await post.post(f"http://lms.example:{lms.port}/", BODY, HEADERS)).status == 200


@pytest.mark.parametrize("url", ["", "http:///o", "http://lms.example:port/", f"http://{'a' * 70}.example/"])
async def test_a_malformed_url_is_given_up_before_anything_is_sent(url):
    async with open_sender() as post:
        with pytest.raises(GiveUp) as caught:
            await post.post(url, BODY, HEADERS)
    assert (caught.value.scope, caught.value.bytes_left) == ("campus", False)


async def test_a_session_that_does_not_note_how_far_it_came_is_refused():
    async with aiohttp.ClientSession() as session:
        with pytest.raises(ValueError, match="http_session"):
            Sender(session)
