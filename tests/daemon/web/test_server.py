"""The web port: its pages, read-only."""

import asyncio
import time
from contextlib import suppress

import aiohttp
import pytest

from actors.metrics import Metrics
from daemon.infra.loop import STUCK, Loop
from daemon.infra.redis import redis_client
from daemon.ingest.stream import Stream
from daemon.web.health import Health
from daemon.web.key_set import PublishedKeySet
from daemon.web.server import MAX_OPEN, MAX_REQUEST_BYTES, application, is_ours, web_server
from models.db.clock import Clock
from models.encryption import Cipher
from models.states import STATES

PAGES = ["/metrics", "/livez", "/readyz", "/statusz"]
KEY_SET = "/jwks"
#: Hours for which a new key is published only.
AHEAD = 24


async def idle(stop):
    raise AssertionError("this loop does not run")


@pytest.fixture
def health():
    return Health()


@pytest.fixture
def key_set():
    return PublishedKeySet(Cipher(), AHEAD * 3_600_000, time.monotonic)


@pytest.fixture
def app(health, key_set):
    return application(health, Metrics("1.2.3"), key_set)


@pytest.fixture
async def ask(app):
    """Gives the answer to a request, read to its end."""
    async with web_server(app, "127.0.0.1", 0) as port, aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:

        async def ask(path, method="GET", **more):
            async with session.request(method, path, **more) as answer:
                await answer.read()
                return answer

        yield ask


@pytest.fixture
def get(ask):
    """Gives status, content type and text of a page."""

    async def get(path):
        answer = await ask(path)
        return answer.status, answer.content_type, await answer.text()

    return get


@pytest.fixture
async def loops(health, empty_database, valkey_url):
    """Those of a daemon that has started."""
    clock = Clock()
    await clock.measure()
    async with redis_client(valkey_url) as client:
        loops = [Loop("intake", idle), Loop("dispatch", idle)]
        health.started(loops, clock, Stream(client, "passback:events"))
        yield loops


async def test_a_starting_daemon_is_alive_and_says_why_it_is_not_ready(get, health):
    assert await get("/readyz") == (503, "text/plain", "the daemon is starting\n")
    health.starting = "redis: ConnectionError: no server there"
    assert await get("/livez") == (200, "text/plain", "ok\n")
    assert await get("/readyz") == (503, "text/plain", "redis: ConnectionError: no server there\n")
    status, kind, text = await get("/statusz")
    assert (status, kind) == (503, "application/json")
    assert "no server there" in text
    status, kind, text = await get("/metrics")
    assert (status, kind) == (200, "text/plain")
    assert 'passback_build_info{version="1.2.3"} 1.0' in text


async def test_a_daemon_is_alive_while_its_loops_wait_for_a_server_each_of_which_is_a_reason_not_to_be_ready(
    get, loops
):
    loops[0].trouble, loops[1].trouble = "ConnectionError: no", "OperationalError: no"
    assert (await get("/livez"))[0] == 200
    reasons = "intake: ConnectionError: no\ndispatch: OperationalError: no\n"
    assert await get("/readyz") == (503, "text/plain", reasons)


async def test_a_running_daemon_is_alive_and_ready_and_not_alive_with_a_stuck_loop(get, loops):
    assert await get("/livez") == (200, "text/plain", "ok\n")
    assert await get("/readyz") == (200, "text/plain", "ok\n")
    loops[1].ticked -= STUCK + 1
    assert await get("/livez") == (503, "text/plain", "a loop is stuck: dispatch\n")


async def test_the_status_is_json_also_while_the_daemon_is_not_ready(get, loops):
    loops[0].trouble = "ConnectionError: no server there"
    status, kind, text = await get("/statusz")
    assert (status, kind) == (200, "application/json")
    assert '"stream_lag": 0' in text
    assert all(f'"{state}": 0' in text for state in STATES)


@pytest.mark.parametrize("path", [*PAGES, KEY_SET])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
async def test_nothing_can_be_changed(ask, path, method):
    assert (await ask(path, method)).status == 405


async def test_there_are_no_other_pages_and_a_request_that_is_too_large_is_refused(ask):
    for path in ("/", "/metrics/", "/status", "/livez/../metrics/x"):
        assert (await ask(path)).status == 404
    assert (await ask("/livez", headers={"X-Long": "x" * 2 * MAX_REQUEST_BYTES})).status == 400


async def test_a_port_that_is_taken_is_an_error_and_afterwards_it_is_free_again(app, health, key_set):
    other = application(health, Metrics("1.2.3"), key_set)
    async with web_server(app, "127.0.0.1", 0) as port:
        with pytest.raises(OSError, match=str(port)):
            async with web_server(other, "127.0.0.1", port):
                pass
    async with web_server(other, "127.0.0.1", port) as again:
        assert again == port


@pytest.mark.parametrize("path", ["/livez", "/metrics", "/nowhere"])
async def test_a_browser_can_do_nothing_with_a_page(ask, path):
    answer = await ask(path)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Server"] == "passbackd"
    assert answer.headers["Connection"] == "close"


@pytest.mark.parametrize(
    ("host", "ours"),
    [
        (None, True),
        ("localhost:9871", True),
        ("LocalHost.", True),
        ("127.0.0.1:9871", True),
        ("[::1]:9871", True),
        ("192.0.2.7:9871", True),
        ("[2001:db8::7]", True),
        ("passbackd.example.edu:9871", True),
        ("PASSBACKD.example.edu", True),
        ("evil.example:9871", False),
        ("localhost.evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("2130706433", False),
        ("0x7f.1", False),
        ("[::1].evil.example", False),
        ("[localhost]", False),
        ("", False),
        ("localhost@evil.example", False),
        ("[::1%25x]evil", False),
    ],
)
def test_a_host_is_ours_by_its_address_or_a_name_that_was_set(host, ours):
    assert is_ours(host, ("passbackd.example.edu",)) is ours


async def test_a_page_is_not_given_to_a_client_that_asks_for_another_host(ask):
    for path in PAGES:
        refused = await ask(path, headers={"Host": "evil.example"})
        assert (refused.status, "web.names" in await refused.text()) == (421, True)
        assert refused.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("says", [b"", b"GET /livez HTTP/1.1\r\n"], ids=["nothing", "half a request"])
async def test_a_flood_of_connections_is_bounded_and_a_page_still_comes(app, says):
    async with web_server(app, "127.0.0.1", 0) as port, aiohttp.ClientSession() as session:
        flood = [await asyncio.open_connection("127.0.0.1", port) for _ in range(MAX_OPEN)]
        for _, writer in flood:
            writer.write(says)
            await writer.drain()
        for _ in range(5):
            async with session.get(f"http://127.0.0.1:{port}/livez") as answer:
                assert answer.status == 200
            flood.append(await asyncio.open_connection("127.0.0.1", port))
        # The oldest were ended for them.
        for reader, _ in flood[:5]:
            with suppress(ConnectionError):
                assert await reader.read() == b""
        for _, writer in flood:
            writer.close()


@pytest.mark.parametrize(
    ("request_", "half_closed"),
    [
        (b"GET \x00\r\n\r\n", False),
        (b"POST /readyz HTTP/1.1\r\nHost: localhost\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc", False),
        (b"HEAD /none HTTP/1.1\r\nHost: a\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc", False),
        (b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n", True),
    ],
    ids=["no HTTP", "a body that cannot be unpacked", "one for another host", "gone before it may go on"],
)
async def test_a_request_that_is_none_is_no_line_of_the_log(app, caplog, request_, half_closed):
    async with web_server(app, "127.0.0.1", 0) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request_)
        if half_closed:
            writer.write_eof()
        with suppress(ConnectionError):
            await reader.read()
        writer.close()
    assert caplog.records == []


async def test_a_page_that_fails_is_a_line_of_the_log(app, health, caplog):
    def fail():
        raise ValueError("a bug")

    health.starting = None
    health.reasons.append(fail)
    async with web_server(app, "127.0.0.1", 0) as port, aiohttp.ClientSession() as session:
        assert (await session.get(f"http://127.0.0.1:{port}/readyz")).status == 500
    assert [record.levelname for record in caplog.records] == ["ERROR"]
