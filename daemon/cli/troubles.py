"""Which servers are in trouble, and why: as this command finds them, and as this machine's daemon says."""

import asyncio
import http.client
from dataclasses import dataclass

from daemon.check.sqlite import check_room
from daemon.config import Config
from daemon.config.sections import WebSection
from daemon.infra.text import printable
from models.db.database import sqlite_path
from models.db.sql import Statement, is_postgres

#: Seconds that the daemon has to answer, and the bytes that are read of it.
PATIENCE, MAX_PAGE = 2.0, 8192
#: Where a daemon that listens everywhere is asked.
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - it is compared with

_STANDBY = Statement("SELECT pg_is_in_recovery() AS standby")


@dataclass(frozen=True, slots=True)
class Troubles:
    """*lines*: one each. *daemon_answers*: whether a daemon of this machine does, on its web port."""

    lines: list[str]
    daemon_answers: bool


async def find_troubles(config: Config, redis: str | None) -> Troubles:
    """
    Look at the servers; nothing is changed.

    Args:
        redis: What is known to be wrong with Redis.
    """
    found = [] if redis is None else [redis]
    if is_postgres():
        row = await _STANDBY.row()
        if row is not None and row["standby"]:
            found.append("database is a standby, to which nothing can be written")
    elif (path := sqlite_path(config.database.url)) is not None:
        found += [finding.line() for finding in check_room(path)]
    said = await asyncio.to_thread(daemon_troubles, config.web)
    return Troubles(found + (said or []), said is not None)


def daemon_troubles(web: WebSection) -> list[str] | None:
    """What the daemon of this machine says on its page ``/readyz``: nothing if it is ready; None if none answers."""
    connection = http.client.HTTPConnection(_EVERYWHERE.get(web.host, web.host), web.port, timeout=PATIENCE)
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        said = answer.read(MAX_PAGE).decode(errors="replace")
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    if answer.status == http.HTTPStatus.OK:
        return [] if said.strip() == "ok" else None
    if answer.status != http.HTTPStatus.SERVICE_UNAVAILABLE:
        return None
    return [f"the daemon of this machine: {printable(line)}" for line in said.splitlines() if line]
