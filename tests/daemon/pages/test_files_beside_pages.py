"""A file may take longer than a connection lasts, holds no turn of a page, and ends with the daemon."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from actors.metrics import Metrics
from daemon.infra.http_server import http_server
from daemon.pages.assets import read_assets
from daemon.pages.download import Downloads
from daemon.pages.login import Logins
from daemon.pages.login_limit import LoginLimit
from daemon.pages.passwords import PasswordVerifier
from daemon.pages.serving import CLOSE_SECONDS, LOOKS, Pages
from daemon.web.health import Health
from daemon.web.key_set import PublishedKeySet
from daemon.web.server import application
from models.db.sql import Statement
from models.encryption import Cipher
from tests.daemon.pages.test_download import LAST_CHUNK, PATIENCE, all_of
from tests.models.rows import make_service

#: So many bytes that no sockets hold the file.
ROWS, REASON = 6_000, "r" * 4_000
LIFETIME = 2.0

_FILL = Statement("""
    INSERT INTO graded_assignment (user_id, course_id, usage_id, outcome_service_id, campus_id, lis_result_sourcedid,
        sourcedid_digest, registered_us, note, composite, version_number, sent_version, forced_version, due_at,
        not_before, hold_until, attempts, parked_at, parked_reason, parked_scope)
    WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :rows)
    SELECT 'learner-' || n, 'physics', 'unit 3', :service, :campus, CAST(n AS VARCHAR), CAST(n AS VARCHAR), 0, '',
        FALSE, 1, 0, 0, 0, 0, 0, 0, 1, :reason, 'course'
    FROM numbers RETURNING id""")


@pytest.fixture
def pages(site, clock):
    return Pages(
        site, read_assets(), Logins(LoginLimit(clock.monotonic), PasswordVerifier()), Downloads(stalls=PATIENCE)
    )


@pytest.fixture
async def port(pages, clock, users):
    """Of a server whose connections last shortly."""
    service = await make_service()
    await _FILL.rows(rows=ROWS, service=service.id, campus=service.campus_id, reason=REASON)
    app = application(Health(), Metrics("1"), PublishedKeySet(Cipher(), 0, clock.monotonic))
    pages.add_to(app)
    busy = pages.busy.__contains__
    async with http_server(app, "127.0.0.1", 0, lifetime=LIFETIME, most=10, is_busy=busy) as port:
        yield port


@asynccontextmanager
async def reading(browser, port):
    """Someone who has asked for the file, and reads when it wants to."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    cookies = "; ".join(f"{one.key}={one.value}" for one in browser.session.cookie_jar)
    writer.write(
        f"GET /activities.csv?course=physics HTTP/1.1\r\nHost: localhost\r\nCookie: {cookies}\r\n\r\n".encode()
    )
    try:
        assert (await reader.readline()) == b"HTTP/1.1 200 OK\r\n"
        yield reader
    finally:
        writer.transport.abort()


async def test_a_slow_reader_gets_the_whole_file_after_the_life_of_a_connection(anna, pages, port):
    async with reading(anna, port) as reader:
        await asyncio.sleep(LIFETIME + 2)
        found = await all_of(reader)
    assert found.endswith(LAST_CHUNK)
    assert found.count(b"\r\n") > ROWS
    assert found.count(REASON.encode()) == ROWS
    async with asyncio.timeout(PATIENCE):
        while pages.busy:
            await asyncio.sleep(0.01)


async def test_a_file_holds_no_turn_of_a_page(anna, site, pages, port):
    async with reading(anna, port):
        assert pages._looks._value == LOOKS
        assert pages._files.locked(), "no second one is made beside it"
        assert (await anna.get("/activities?course=physics"))[0] == 200


async def test_the_daemon_that_stops_ends_the_file(anna, pages, port):
    async with reading(anna, port) as reader:
        # It ends the file: else it would wait for it so long.
        async with asyncio.timeout(CLOSE_SECONDS / 2):
            await pages.close()
        assert not (await all_of(reader)).endswith(LAST_CHUNK)
