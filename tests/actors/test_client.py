"""One POST over a real socket, and what becomes of every way to fail."""

import asyncio
import gzip
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_network
from pathlib import Path

import aiohttp
import aiohttp.abc
import pytest

from actors.client import Abort, Sender, http_session
from actors.egress import Egress
from actors.errors import Ambiguous, GiveUp, Misconfigured, TryLater
from actors.protocols.lti11 import basic_outcome, oauth1
from actors.response import BODY_LIMIT
from tests.fakes import lms as fake
from tests.fakes.lms import RecordingLms
from tests.fakes.network import Resolver, raw_server
from tests.servers import HOST

LOOPBACK = [ip_network("127.0.0.0/8"), ip_network("::1/128")]
HEADERS = {"Content-Type": "application/xml"}
BODY = basic_outcome.replace_result("s", "0.5", message_id="m")


@asynccontextmanager
async def sender(
    timeout: float = 5.0,
    connections: int = 10,
    egress: Egress | None = None,
    ca_file: Path | None = None,
    resolver: aiohttp.abc.AbstractResolver | None = None,
) -> AsyncIterator[Sender]:
    session = http_session(
        timeout_seconds=timeout,
        max_connections=connections,
        egress=egress or Egress(allow_http=True, allow_networks=LOOPBACK),
        ca_file=ca_file,
        resolver=resolver,
    )
    async with session:
        yield Sender(session)


async def test_a_post_comes_back_as_an_answer():
    created = fake.success(status=201, headers={"X-Own": "1"})
    async with RecordingLms(behave=fake.always(created)) as lms, sender() as post:
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
    "path_qs",
    [
        "/o?q=a+b&r=a%20b&s=a%2Bb&t=%2f%2F",
        "/o?b=2&a=1&b=1&empty=&bare",
        "/%7Euser/%E2%82%AC;p=1/x%2Fy/../z?next=https://other.example/?a=%3D",
        "/o?u=%C3%BC&quote=%27'",
        "/",
    ],
)
async def test_a_url_is_sent_byte_for_byte_so_that_its_signature_holds(path_qs):
    async with RecordingLms({"key": "sécret"}) as lms, sender() as post:
        url = lms.url(path_qs)
        stamp = str(int(time.time()))
        headers = oauth1.sign(url, BODY, key="key", secret="sécret", nonce="n" * 20, timestamp=stamp)
        assert (await post.post(url, BODY, headers)).status == 200
    assert lms.requests[0].path_qs == path_qs
    assert lms.faults == []


async def test_a_host_in_upper_case_is_reached_and_its_signature_holds():
    async with RecordingLms({"key": "secret"}) as lms, sender(resolver=Resolver(HOST)) as post:
        url = f"http://LMS.Example:{lms.port}/o?a=1"
        stamp = str(int(time.time()))
        headers = oauth1.sign(url, BODY, key="key", secret="secret", nonce="n" * 20, timestamp=stamp)
        assert (await post.post(url, BODY, headers)).status == 200
    assert lms.faults == []


async def test_connections_are_used_again():
    async with RecordingLms() as lms, sender() as post:
        for _ in range(3):
            await post.post(lms.url(), BODY, HEADERS)
    assert len({record.peer for record in lms.requests}) == 1


async def test_a_redirect_is_not_followed():
    away = fake.answer(307, headers={"Location": "/elsewhere"})
    async with RecordingLms(behave=fake.always(away)) as lms, sender() as post:
        answer = await post.post(lms.url(), BODY, HEADERS)
    assert (answer.status, answer.header("Location")) == (307, "/elsewhere")
    assert len(lms.requests) == 1


async def test_cookies_are_not_kept():
    async with RecordingLms(behave=fake.always(fake.success(headers={"Set-Cookie": "a=b"}))) as lms, sender() as post:
        await post.post(lms.url(), BODY, HEADERS)
        await post.post(lms.url(), BODY, HEADERS)
    assert all("Cookie" not in record.headers for record in lms.requests)


@pytest.mark.parametrize(("size", "truncated"), [(BODY_LIMIT, False), (BODY_LIMIT + 1, True), (10 * BODY_LIMIT, True)])
async def test_a_body_is_read_up_to_its_limit(size, truncated):
    async with RecordingLms(behave=fake.always(fake.answer(200, b"x" * size))) as lms, sender() as post:
        answer = await post.post(lms.url(), BODY, HEADERS)
    assert len(answer.body) == BODY_LIMIT
    assert answer.truncated is truncated


async def test_a_compressed_body_is_left_as_it_is():
    packed = gzip.compress(b"x" * 10_000_000)
    behaviour = fake.answer(200, packed, headers={"Content-Encoding": "gzip"})
    async with RecordingLms(behave=fake.always(behaviour)) as lms, sender() as post:
        assert (await post.post(lms.url(), BODY, HEADERS)).body == packed


async def test_a_refused_connection_is_tried_later():
    with socket.socket() as unused:
        unused.bind((HOST, 0))
        async with sender() as post:
            with pytest.raises(TryLater, match="no connection to the campus") as caught:
                await post.post(f"http://{HOST}:{unused.getsockname()[1]}/o?token=hunter2", BODY, HEADERS)
    assert not caught.value.bytes_left
    assert "hunter2" not in caught.value.reason


async def test_a_name_that_cannot_be_looked_up_is_tried_later():
    async with sender(resolver=Resolver()) as post:
        with pytest.raises(TryLater, match="its name cannot be looked up") as caught:
            await post.post("https://lms.example/o", BODY, HEADERS)
    assert not caught.value.bytes_left


async def test_a_time_out_in_the_tls_handshake_is_tried_later():
    async def say_nothing(reader, writer):
        await reader.read()

    async with raw_server(say_nothing) as port, sender(timeout=0.05) as post:
        with pytest.raises(TryLater, match="time-out") as caught:
            await post.post(f"https://{HOST}:{port}/", BODY, HEADERS)
    assert not caught.value.bytes_left


async def test_a_handshake_that_is_no_tls_is_tried_later():
    async with RecordingLms() as lms, sender() as post:
        with pytest.raises(TryLater) as caught:
            await post.post(lms.url().replace("http:", "https:"), BODY, HEADERS)
    assert not caught.value.bytes_left


async def test_a_time_out_while_waiting_for_the_pool_is_tried_later():
    release = asyncio.Event()
    session = http_session(
        timeout_seconds=0.05, max_connections=1, egress=Egress(allow_http=True, allow_networks=LOOPBACK)
    )
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


async def test_a_time_out_while_waiting_for_the_answer_is_ambiguous():
    hangs = fake.always(fake.held(asyncio.Event()))
    async with RecordingLms(behave=hangs) as lms, sender(timeout=0.3) as post:
        with pytest.raises(Ambiguous, match="time-out"):
            await post.post(lms.url(), BODY, HEADERS)


async def test_a_time_out_on_a_used_connection_is_ambiguous():
    turns = fake.in_turn(fake.success(), fake.held(asyncio.Event()))
    async with RecordingLms(behave=turns) as lms, sender(timeout=0.5) as post:
        await post.post(lms.url(), BODY, HEADERS)
        with pytest.raises(Ambiguous, match="time-out"):
            await post.post(lms.url(), BODY, HEADERS)


async def test_a_body_that_trickles_past_the_deadline_is_ambiguous():
    slow = fake.always(fake.success(trickle=0.01))
    async with RecordingLms(behave=slow) as lms, sender(timeout=0.3) as post:
        with pytest.raises(Ambiguous, match="time-out"):
            await post.post(lms.url(), BODY, HEADERS)


@pytest.mark.parametrize(("where", "why"), [("before", "without an answer"), ("midway", "in the middle")])
async def test_a_connection_that_is_cut_is_ambiguous(where, why):
    async with RecordingLms(behave=fake.always(fake.cut(where))) as lms, sender() as post:
        with pytest.raises(Ambiguous, match=why):
            await post.post(lms.url(), BODY, HEADERS)
    assert len(lms.requests) == 1


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

    async with raw_server(talk) as port, sender() as post:
        with pytest.raises(Ambiguous):
            await post.post(f"http://{HOST}:{port}/", BODY, HEADERS)


async def test_a_connection_that_is_reset_at_once_is_ambiguous_and_names_no_url():
    async def reset(reader, writer):
        writer.transport.abort()

    async with raw_server(reset) as port, sender() as post:
        with pytest.raises(Ambiguous) as caught:
            await post.post(f"http://{HOST}:{port}/o?token=hunter2", BODY * 1000, HEADERS)
    assert "hunter2" not in caught.value.reason


async def test_a_certificate_that_nobody_vouches_for_stops_the_campus(tls):
    async with RecordingLms(tls=tls) as lms, sender() as post:
        with pytest.raises(Misconfigured, match=r"certificate cannot be trusted: self.signed") as caught:
            await post.post(lms.url(), BODY, HEADERS)
    assert not caught.value.bytes_left
    assert lms.requests == []


async def test_a_certificate_for_another_name_stops_the_campus(tls, certificate):
    async with RecordingLms(tls=tls) as lms, sender(ca_file=certificate, resolver=Resolver(HOST)) as post:
        assert (await post.post(f"https://lms.test:{lms.port}/", BODY, HEADERS)).status == 200
        with pytest.raises(Misconfigured, match=r"other\.test") as caught:
            await post.post(f"https://other.test:{lms.port}/", BODY, HEADERS)
    assert not caught.value.bytes_left


async def test_a_certificate_of_the_configured_authority_is_trusted(tls, certificate):
    async with RecordingLms(tls=tls) as lms, sender(ca_file=certificate) as post:
        assert (await post.post(lms.url("/o?a=%20"), BODY, HEADERS)).status == 200
    assert lms.requests[0].path_qs == "/o?a=%20"


async def test_a_certificate_file_without_certificates_is_refused_at_the_start(tmp_path):
    (tmp_path / "empty.pem").write_text("nothing")
    with pytest.raises(OSError, match=r"no certificate|NO_CERTIFICATE"):
        async with sender(ca_file=tmp_path / "empty.pem"):
            pass


@pytest.mark.parametrize(
    ("egress", "url", "why"),
    [
        (Egress(allow_http=True), "http://127.0.0.1:{port}/", "egress.allow_networks"),
        (Egress(allow_networks=LOOPBACK), "http://127.0.0.1:{port}/", "egress.allow_http"),
        (Egress(allow_http=True, allow_networks=LOOPBACK), "http://u:p@127.0.0.1:{port}/", "user name or password"),
        (Egress(allow_http=True), "http://lms.example:{port}/", "egress.allow_networks"),
        (Egress(), "https://lms.example:{port}/", "egress.allow_networks"),
    ],
)
@pytest.mark.parametrize("addresses", [("127.0.0.1",), ("::1", "127.0.0.1"), ("10.0.0.1", "127.0.0.1", "fe80::1")])
async def test_where_the_configuration_does_not_allow_nothing_is_sent(egress, url, why, addresses):
    async with RecordingLms() as lms, sender(egress=egress, resolver=Resolver(*addresses)) as post:
        with pytest.raises(GiveUp, match=why) as caught:
            await post.post(url.format(port=lms.port), BODY, HEADERS)
    assert (caught.value.scope, caught.value.bytes_left) == ("campus", False)
    assert lms.requests == []


async def test_of_several_addresses_an_allowed_one_is_used():
    async with RecordingLms() as lms, sender(resolver=Resolver("10.0.0.1", "fe80::1", HOST)) as post:
        assert (await post.post(f"http://lms.example:{lms.port}/", BODY, HEADERS)).status == 200


@pytest.mark.parametrize(
    "url",
    ["", "lms.example/o", "http:///o", "http://lms.example:port/", "ftp://lms.example/", f"http://{'a' * 70}.example/"],
)
async def test_a_malformed_url_is_given_up_before_anything_is_sent(url):
    async with sender() as post:
        with pytest.raises(GiveUp) as caught:
            await post.post(url, BODY, HEADERS)
    assert (caught.value.scope, caught.value.bytes_left) == ("campus", False)


async def test_a_stop_before_the_post_leaves_nothing():
    stop = Abort()
    stop.set()
    async with RecordingLms() as lms, sender() as post:
        with pytest.raises(TryLater) as caught:
            await post.post(lms.url(), BODY, HEADERS, abort=stop)
    assert not caught.value.bytes_left
    assert lms.requests == []


async def test_a_stop_while_connecting_leaves_nothing():
    stop, reached = Abort(), asyncio.Event()

    async def say_nothing(reader, writer):
        reached.set()
        await reader.read()

    async with raw_server(say_nothing) as port, sender() as post:
        posting = asyncio.create_task(post.post(f"https://{HOST}:{port}/", BODY, HEADERS, abort=stop))
        await reached.wait()
        stop.set()
        with pytest.raises(TryLater) as caught:
            await posting
    assert not caught.value.bytes_left


async def test_a_stop_while_waiting_for_the_answer_is_ambiguous():
    stop = Abort()
    async with RecordingLms(behave=fake.always(fake.held(asyncio.Event()))) as lms, sender() as post:
        posting = asyncio.create_task(post.post(lms.url(), BODY, HEADERS, abort=stop))
        await lms.until(lambda: lms.requests)
        stop.set()
        with pytest.raises(Ambiguous, match="stopped while waiting for the answer"):
            await posting


async def test_a_post_that_is_not_stopped_ends_as_usual():
    stop = Abort()
    async with RecordingLms(behave=fake.in_turn(fake.success(), fake.cut("before"))) as lms, sender() as post:
        assert (await post.post(lms.url(), BODY, HEADERS, abort=stop)).status == 200
        with pytest.raises(Ambiguous, match="without an answer"):
            await post.post(lms.url(), BODY, HEADERS, abort=stop)
    assert len(asyncio.all_tasks()) == 1


async def test_a_caller_that_is_cancelled_takes_its_post_along():
    async with RecordingLms(behave=fake.always(fake.held(asyncio.Event()))) as lms, sender() as post:
        posting = asyncio.create_task(post.post(lms.url(), BODY, HEADERS, abort=Abort()))
        await lms.until(lambda: lms.requests)
        posting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await posting


async def test_a_session_that_cannot_tell_how_far_it_came_is_refused():
    async with aiohttp.ClientSession() as session:
        with pytest.raises(ValueError, match="http_session"):
            Sender(session)
