"""A campus is probed on real sockets, and nothing is sent to it."""

import asyncio
import time
from contextlib import asynccontextmanager, suppress
from functools import partial
from ipaddress import ip_network

import pytest

from actors.client import http_session
from actors.egress import Egress
from daemon.check.probe import OutOfReachError, ProbeContext, probe
from tests.daemon.check.certificates import served_with, valid_for
from tests.daemon.check.servers import HOST, RootPage, root_page
from tests.fakes.network import Resolver

DAY = 86_400
NETWORKS = (ip_network("127.0.0.0/8"),)
LOOPBACK = Egress(allow_http=True, allow_networks=NETWORKS)


@asynccontextmanager
async def probing(timeout=5.0, own=(), egress=LOOPBACK, **options):
    """*own*: the options of the session of the consumer ``own``, where they differ."""
    ends = {}
    shared = {"timeout_seconds": 5, "max_connections": 4, "egress": egress, "certificate_ends": ends, **options}
    async with http_session(**shared) as others, http_session(**{**shared, **dict(own)}) as session:
        sessions = {"": others, "own": session}
        yield ProbeContext(sessions, ends, lambda: int(time.time() * 1000), timeout)


async def refused(origin, consumer_key="", **how):
    """Why a campus is out of reach, and the cure."""
    async with probing(**how) as context:
        with pytest.raises(OutOfReachError) as error:
            await probe(origin, context, consumer_key)
    return str(error.value), error.value.cure


async def refused_at_last(origin, **how):
    """As :func:`refused`, with the deadline: a longer one where a busy machine did not come to connect in time."""
    for timeout in (0.3, 1.2, 4.8):
        said, advice = await refused(origin, timeout=timeout, **how)
        if said != "no connection in time":
            break
    return said, advice, timeout


@asynccontextmanager
async def listener(answer):
    tasks = []

    async def take(reader, writer):
        tasks.append(asyncio.current_task())
        with suppress(ConnectionError):
            await answer(reader, writer)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    server = await asyncio.start_server(take, HOST, 0)
    async with server:
        yield f"http://{HOST}:{server.sockets[0].getsockname()[1]}"
    await asyncio.gather(*tasks)


@pytest.mark.parametrize("hours", [0, 2])
async def test_one_request_for_the_root_page_is_all_that_a_campus_gets_and_shows_its_clock(hours):
    async with root_page(RootPage(hours=hours)) as page, probing() as context:
        found = await probe(page.origin, context)
    assert page.asked == [("GET", "/")]
    assert (found.status, found.certificate_until) == (302, None)
    # The seconds of `Date` are whole.
    assert found.ahead == (0 if hours == 0 else pytest.approx(hours * 3600, abs=5))


async def test_the_days_that_a_certificate_has_left_are_seen_with_the_authority_of_its_consumer(tmp_path):
    certificate = valid_for(30, tmp_path)
    async with root_page(tls=served_with(certificate)) as page, probing(own={"ca_file": certificate}) as context:
        found = await probe(page.origin, context, "own")
        with pytest.raises(OutOfReachError, match="cannot be trusted"):
            await probe(page.origin, context)
    assert (found.certificate_until - time.time()) / DAY == pytest.approx(30, abs=0.1)


@pytest.mark.parametrize(
    ("certify", "is_trusted", "host", "problem", "cure"),
    [
        (partial(valid_for, 30), False, HOST, "self-signed certificate", "have the campus use one of a known"),
        (partial(valid_for, -30), True, HOST, "certificate has expired", "have the campus renew it"),
        (partial(valid_for, 30), True, "localhost", "Hostname mismatch", "have the campus name its host in the cert"),
    ],
)
async def test_a_certificate_that_is_not_trusted_is_a_fault_with_its_cure(
    tmp_path, certify, is_trusted, host, problem, cure
):
    certificate = certify(tmp_path)
    async with root_page(tls=served_with(certificate)) as page:
        said, advice = await refused(page.origin.replace(HOST, host), ca_file=certificate if is_trusted else None)
    assert said.startswith(f"its certificate cannot be trusted: {problem}")
    assert advice.startswith(cure)


@pytest.mark.parametrize("origin", ["https://lms.invalid", f"https://{'a' * 70}.example"])
async def test_a_name_that_is_unknown_or_too_long_is_a_fault_of_names(origin):
    said, advice = await refused(origin)
    assert said.startswith("its name cannot be looked up (")
    assert "name server" in advice


async def test_a_look_up_that_takes_too_long_is_a_fault_of_names():
    class Silent(Resolver):
        async def resolve(self, *_, **__):
            await asyncio.Event().wait()

    said, advice, _ = await refused_at_last("https://lms.test", resolver=Silent())
    assert said == "its name is not looked up in time"
    assert "name server" in advice


async def test_where_the_daemon_may_not_go_is_not_probed_either():
    async with root_page() as page:
        said, advice = await refused(page.origin, egress=Egress(allow_http=True))
        assert "loopback" in said
        assert "egress.allow_networks" in advice
        assert "egress.allow_http" in " ".join(await refused(page.origin, egress=Egress(allow_networks=NETWORKS)))
    assert page.asked == []


async def test_a_campus_is_probed_by_the_rules_of_its_own_consumer():
    own = Egress(allow_http=True, allow_networks=NETWORKS, allow_hosts=[HOST], setting="egress.campuses.own")
    async with root_page() as page:
        async with probing(own={"egress": own}, egress=Egress(allow_http=True)) as context:
            assert (await probe(page.origin, context, "own")).status == 302
        said, advice = await refused(page.origin.replace(HOST, "localhost"), "own", own={"egress": own})
        assert "'localhost' is no host of this campus" in said
        assert "egress.campuses.own.allow_hosts" in advice
        said, _ = await refused(page.origin, own={"egress": own}, egress=Egress(allow_http=True))
        assert "loopback" in said
    assert len(page.asked) == 1


async def silent(reader, _writer):
    await reader.read()


async def hangs_up_in_the_handshake(reader, writer):
    await reader.read(1)
    writer.transport.abort()


async def hangs_up_without_an_answer(reader, _writer):
    await reader.readline()


async def speaks_http(reader, writer):
    await reader.readline()
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")


async def speaks_ssh(_reader, writer):
    writer.write(b"SSH-2.0-OpenSSH_9.9\r\n")
    await writer.drain()


@pytest.mark.parametrize(
    ("answer", "scheme", "problem", "cure"),
    [
        (silent, "https", "no connection in time", "firewall"),
        (hangs_up_in_the_handshake, "https", "no TLS (", "https"),
        (speaks_http, "https", "no TLS (", "https"),
        (hangs_up_without_an_answer, "http", "it does not answer in HTTP (closed without an answer)", "ask the campus"),
        (speaks_ssh, "http", "it does not answer in HTTP (", "ask the campus"),
    ],
)
async def test_a_server_that_is_no_web_server_is_a_fault_with_its_cure(answer, scheme, problem, cure):
    async with listener(answer) as origin:
        said, advice = await refused(origin.replace("http", scheme), timeout=0.3 if answer is silent else 5.0)
    assert said.startswith(problem)
    assert cure in advice


async def test_a_server_that_takes_connections_and_does_not_answer_is_a_fault_with_its_cure():
    async with listener(silent) as origin:
        said, advice, timeout = await refused_at_last(origin)
    assert said == f"it takes connections and does not answer within {timeout:g} s"
    assert "ask the campus" in advice


async def test_a_page_of_any_length_is_not_read():
    async def endless(reader, writer):
        await reader.readline()
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"x" * 65_536)
            await writer.drain()

    async with listener(endless) as origin, probing() as context:
        found = await probe(origin, context)
    assert (found.status, found.ahead) == (200, None)
