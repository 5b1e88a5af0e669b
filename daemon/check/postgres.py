"""What a PostgreSQL is, and which of its settings would lose grades."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from daemon.check.findings import Finding, fault, ok, warning
from daemon.check.timing import SUSPICIOUS, clock_difference, quickest
from models.db.database import POSTGRES_SETTINGS, tortoise_config
from models.db.sql import Statement

_FACTS = """
    SELECT current_setting('server_version') AS version, current_setting('fsync') AS fsync,
        current_setting('full_page_writes') AS full_page_writes,
        current_setting('synchronous_commit') AS synchronous_commit,
        current_setting('transaction_read_only') AS read_only, pg_is_in_recovery() AS is_standby,
        has_table_privilege(to_regclass('graded_assignment'), 'UPDATE') AS may_write"""

_NOW = "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) AS FLOAT)"


async def check_postgres(url: str) -> list[Finding]:
    """
    Reads only; any role may.

    Raises:
        Exception: Whatever asyncpg raises when the server cannot be asked.
    """
    async with _connection(url) as connection:
        (facts,) = await connection.fetch(_FACTS)

        async def ahead_at_the_end() -> float:
            return float(await connection.fetchval(_NOW)) - time.time()

        trip, ahead = await quickest(ahead_at_the_end)
    return postgres_findings(dict(facts), trip, ahead + trip / 2)


def postgres_findings(facts: Mapping[str, Any], trip: float, ahead: float) -> list[Finding]:
    """
    What would lose grades or keep them back. Pure.

    Args:
        facts: The columns of the query above; ``may_write`` is None where the tables are not there yet.
        trip: Seconds of a round trip.
        ahead: Seconds that its clock is ahead of this machine's.
    """
    found = [ok("database", f"PostgreSQL {facts['version']}, answers in {trip * 1000:.1f} ms")]
    if facts["is_standby"]:
        cure = "name the primary in database.url"
        found.append(fault("database.url", "it is a standby, to which nothing can be written", cure))
    elif facts["read_only"] == "on" or facts["may_write"] is False:
        found.append(ok("database", "this role may only read: enough for `check`, `status` and `why`, not for `run`"))
    if facts["fsync"] != "on":
        problem = f"fsync is {facts['fsync']}: when its machine crashes, the whole database may be lost"
        found.append(fault("database.url", problem, "set fsync = on in postgresql.conf"))
    if facts["full_page_writes"] != "on":
        problem = f"full_page_writes is {facts['full_page_writes']}: a crash may leave pages that are half written"
        cure = "set full_page_writes = on, unless its file system writes whole pages (ZFS)"
        found.append(warning("database.url", problem, cure))
    if facts["synchronous_commit"] == "off":
        found.append(ok("database", "synchronous_commit is off for others; passbackd's own sessions turn it on"))
    difference = clock_difference(ahead, "this machine's")
    if abs(ahead) < SUSPICIOUS:
        return [*found, ok("database", difference)]
    cure = "have both set by NTP: campuses refuse signatures of a wrong time, and passbackd takes it from the database"
    return [*found, warning("database.url", difference, cure)]


_IN_FORCE = Statement("SELECT name, setting FROM pg_settings")


async def check_session() -> list[Finding]:
    """Whether the sessions of the open database have the settings that passbackd asks for, and may write."""
    return session_findings({row["name"]: row["setting"] for row in await _IN_FORCE.rows()})


def session_findings(in_force: Mapping[str, str]) -> list[Finding]:
    """
    What a pooler, or a server in between, has made of our settings. Pure.

    Args:
        in_force: Every setting of a session, times in milliseconds.
    """
    found = []
    if in_force.get("transaction_read_only") == "on":
        problem = "its sessions are read-only: a standby, a primary that was demoted, or a role that may only read"
        found.append(warning("database.url", problem, "name the primary, and a role that may write, for `run`"))
    for name, asked in POSTGRES_SETTINGS.items():
        # A pooler may add to the name, which does no harm.
        if name != "application_name" and (have := in_force.get(name)) != asked:
            problem = f"{name} is {have} and not {asked}, as passbackd asks: a session that hangs may hold up grades"
            found.append(fault("database.url", problem, "set it for the role, as docs/install.md says of PgBouncer"))
    return found


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
