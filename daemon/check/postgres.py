"""What a PostgreSQL is, and which of its settings would lose grades."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg

from daemon.check.clocks import SUSPICIOUS, apart
from daemon.check.findings import Finding, fault, ok, warning
from models.db.database import tortoise_config

#: Round trips that are measured; the quickest counts.
TRIPS = 5

_FACTS = """
    SELECT current_setting('server_version') AS version, current_setting('fsync') AS fsync,
        current_setting('full_page_writes') AS full_page_writes,
        current_setting('synchronous_commit') AS synchronous_commit,
        current_setting('transaction_read_only') AS read_only, pg_is_in_recovery() AS is_standby,
        has_table_privilege(to_regclass('graded_assignment'), 'UPDATE') AS may_write"""

_NOW = "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) AS FLOAT)"


@dataclass(frozen=True, slots=True)
class Facts:
    """Settings are as PostgreSQL writes them."""

    version: str
    fsync: str = "on"
    full_page_writes: str = "on"
    synchronous_commit: str = "on"
    read_only: str = "off"
    is_standby: bool = False
    #: None where the tables are not there yet.
    may_write: bool | None = True
    #: Seconds of the quickest round trip.
    trip: float = 0.0
    #: Seconds that its clock is ahead of this machine's.
    ahead: float = 0.0


async def look(url: str) -> list[Finding]:
    """
    Ask it. Any role may.

    Raises:
        Exception: Whatever asyncpg raises when the server cannot be asked.
    """
    async with _connection(url) as connection:
        (row,) = await connection.fetch(_FACTS)
        trip, ahead = min([await _time(connection) for _ in range(TRIPS)])
    return judge(Facts(**dict(row), trip=trip, ahead=ahead))


def judge(facts: Facts) -> list[Finding]:
    """What is wrong with it. Pure."""
    found = [ok("database", f"PostgreSQL {facts.version}, answers in {facts.trip * 1000:.1f} ms")]
    if facts.is_standby:
        found.append(
            fault("database.url", "it is a standby, to which nobody can write", "name the primary in database.url")
        )
    elif facts.read_only == "on" or facts.may_write is False:
        found.append(ok("database", "this role may only read: enough for `check`, `status` and `why`, not for `run`"))
    return [*found, *_settings(facts), _clock(facts.ahead)]


def _settings(facts: Facts) -> list[Finding]:
    found = []
    if facts.fsync != "on":
        problem = f"fsync is {facts.fsync}: when its machine crashes, the whole database may be lost"
        found.append(fault("database.url", problem, "set fsync = on in postgresql.conf"))
    if facts.full_page_writes != "on":
        problem = f"full_page_writes is {facts.full_page_writes}: a crash may leave pages that are half written"
        cure = "set full_page_writes = on, unless its file system writes whole pages (ZFS)"
        found.append(warning("database.url", problem, cure))
    if facts.synchronous_commit == "off":
        found.append(ok("database", "synchronous_commit is off for others; passbackd's own sessions turn it on"))
    return found


def _clock(ahead: float) -> Finding:
    words = apart(ahead, "this machine's")
    if abs(ahead) < SUSPICIOUS:
        return ok("database", words)
    return warning(
        "database.url",
        words,
        "have both set by NTP: passbackd takes the time from the database, and campuses refuse signatures of a wrong "
        "time",
    )


async def _time(connection: asyncpg.Connection[Any]) -> tuple[float, float]:
    """One round trip, and how far the other clock is ahead, half of the trip taken off; both in seconds."""
    wall, before = time.time(), time.perf_counter()
    told = await connection.fetchval(_NOW)
    trip = time.perf_counter() - before
    return trip, told - (wall + trip / 2)


@asynccontextmanager
async def _connection(url: str) -> AsyncIterator[asyncpg.Connection[Any]]:
    """A session without our own settings, which would hide the server's."""
    credentials = tortoise_config(url)["connections"]["postgres"]["credentials"]
    names = ("host", "port", "user", "password", "database", "timeout", "command_timeout", "ssl")
    connection = await asyncpg.connect(**{name: credentials[name] for name in names if name in credentials})
    try:
        yield connection
    finally:
        connection.terminate()
