"""The web port: four pages, read-only."""

import asyncio

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from actors.metrics import Metrics
from daemon.infra.loop import STUCK, Loop
from daemon.infra.redis import redis_client
from daemon.ingest.stream import Stream
from daemon.web.health import Health
from daemon.web.server import LIFETIME, MAX_REQUEST_BYTES, application, web_server
from models.db.clock import Clock
from models.queries.status import STATES

#: The contract's families and their labels.
FAMILIES = {
    "passback_events_total": {"type", "result"},
    "passback_campus_state": {"consumer", "state"},
    "passback_clock_offset_seconds": {"consumer"},
    "passback_outcomes_total": {"consumer", "kind", "result"},
    "passback_outcome_request_duration_seconds": {"consumer"},
    "passback_outcome_requests_in_flight": {"consumer"},
    "passback_delivery_lag_seconds": {"kind"},
    "passback_assignments": {"state"},
    "passback_oldest_due_timestamp_seconds": {"consumer"},
    "passback_last_success_timestamp_seconds": {"consumer"},
    "passback_parked_total": {"consumer", "scope"},
    "passback_stream_lag_entries": set(),
    "passback_stream_resets_total": set(),
    "passback_stream_gaps_total": set(),
    "passback_quarantined_events": set(),
    "passback_clamped_total": {"consumer"},
    "passback_fenced_total": set(),
}


async def idle(stop):
    raise AssertionError("this loop does not run")


@pytest.fixture
def health():
    return Health()


@pytest.fixture
def metrics():
    return Metrics("1.2.3")


@pytest.fixture
async def get(health, metrics):
    """Gives status, content type and text of a page."""
    async with (
        web_server(application(health, metrics), "127.0.0.1", 0) as port,
        aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session,
    ):

        async def get(path, method="GET"):
            async with session.request(method, path) as answer:
                return answer.status, answer.content_type, await answer.text()

        yield get


@pytest.fixture
async def loop(health, empty_database, valkey_url):
    """The only loop of a daemon that has started."""
    clock = Clock()
    await clock.measure()
    async with redis_client(valkey_url) as client:
        loop = Loop("intake", idle)
        health.started([loop], clock, Stream(client, "passback:events"))
        yield loop


async def test_a_starting_daemon_is_alive_and_says_why_it_is_not_ready(get, health):
    health.starting = "redis: ConnectionError: no server there"
    assert await get("/livez") == (200, "text/plain", "ok\n")
    assert await get("/readyz") == (503, "text/plain", "redis: ConnectionError: no server there\n")
    status, kind, text = await get("/statusz")
    assert (status, kind) == (503, "application/json")
    assert "no server there" in text
    assert (await get("/metrics"))[0] == 200


async def test_a_running_daemon_is_alive_and_ready(get, loop):
    assert await get("/livez") == (200, "text/plain", "ok\n")
    assert await get("/readyz") == (200, "text/plain", "ok\n")


async def test_a_daemon_that_waits_for_a_server_is_alive_and_says_why_it_is_not_ready(get, loop):
    loop.trouble = "ConnectionError: no server there"
    assert (await get("/livez"))[0] == 200
    assert await get("/readyz") == (503, "text/plain", "intake: ConnectionError: no server there\n")


async def test_a_daemon_with_a_stuck_loop_is_not_alive(get, loop):
    loop.ticked -= STUCK + 1
    assert await get("/livez") == (503, "text/plain", "a loop is stuck\n")


async def test_the_status_is_json(get, loop):
    async with aiohttp.ClientSession():
        status, kind, text = await get("/statusz")
    assert (status, kind) == (200, "application/json")
    assert '"stream_lag": 0' in text
    assert all(f'"{state}": 0' in text for state in STATES)


async def test_the_status_is_shown_while_redis_is_away(get, loop):
    loop.trouble = "ConnectionError: no server there"
    status, _, text = await get("/statusz")
    assert status == 200
    assert '"assignments"' in text


async def test_every_promised_metric_is_there(get, metrics):
    metrics.fenced.inc()
    for name, labels in FAMILIES.items():
        family = metrics.registry._names_to_collectors[name]
        assert set(family._labelnames) == labels
    _, kind, text = await get("/metrics")
    assert kind == "text/plain"
    shown = {family.name for family in text_string_to_metric_families(text)}
    assert {name.removesuffix("_total") for name in FAMILIES} <= shown
    assert 'passback_build_info{version="1.2.3"} 1.0' in text


async def test_every_state_is_there_before_anything_was_counted(get):
    _, _, text = await get("/metrics")
    for state in STATES:
        assert f'passback_assignments{{state="{state}"}} 0.0' in text


@pytest.mark.parametrize("path", ["/metrics", "/livez", "/readyz", "/statusz"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
async def test_nothing_can_be_changed(get, path, method):
    assert (await get(path, method))[0] == 405


@pytest.mark.parametrize("path", ["/", "/metrics/", "/status", "/livez/../metrics/x"])
async def test_there_are_no_other_pages(get, path):
    assert (await get(path))[0] == 404


async def test_a_port_that_is_taken_is_an_error(health, metrics):
    async with web_server(application(health, metrics), "127.0.0.1", 0) as port:
        with pytest.raises(OSError, match=str(port)):
            async with web_server(application(health, metrics), "127.0.0.1", port):
                pass


async def test_a_port_is_free_again_afterwards(health, metrics):
    async with web_server(application(health, metrics), "127.0.0.1", 0) as port:
        pass
    async with web_server(application(health, metrics), "127.0.0.1", port) as again:
        assert again == port


@pytest.fixture
async def port(health, metrics):
    async with web_server(application(health, metrics), "127.0.0.1", 0) as port:
        yield port


@pytest.mark.parametrize("path", ["/livez", "/metrics", "/nowhere"])
async def test_a_browser_can_do_nothing_with_a_page(port, path):
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}{path}") as reply:
        assert reply.headers["X-Content-Type-Options"] == "nosniff"
        assert reply.headers["Cache-Control"] == "no-store"
        assert "default-src 'none'" in reply.headers["Content-Security-Policy"]
        assert reply.headers["Server"] == "passbackd"
        assert reply.headers["Connection"] == "close"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
async def test_nothing_can_be_written(port, method):
    async with aiohttp.ClientSession() as session, session.request(method, f"http://127.0.0.1:{port}/statusz") as reply:
        assert reply.status == 405


async def test_a_request_that_is_too_large_is_refused(port):
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{port}/livez", headers={"X-Long": "x" * 2 * MAX_REQUEST_BYTES}) as reply,
    ):
        assert reply.status == 400


async def test_a_client_that_says_nothing_is_not_waited_for_for_ever(health, metrics):
    """The time is a constant; that it is kept is seen on a connection whose time is over."""
    loop = asyncio.get_running_loop()
    async with web_server(application(health, metrics), "127.0.0.1", 0) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /livez HTTP/1.1\r\n")
        await writer.drain()
        await asyncio.sleep(0.01)
        (timer,) = [handle for handle in loop._scheduled if "force_close" in repr(handle)]
        assert LIFETIME - 5 < timer.when() - loop.time() <= LIFETIME
        timer._run()
        assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()
