"""Which servers are in trouble, and why: as this command finds them, and as this machine's daemon says."""

import asyncio
from dataclasses import dataclass

from daemon.check.local_daemon import local_daemon
from daemon.check.sqlite import check_room
from daemon.config import Config
from daemon.config.sections import WebSection
from daemon.infra.text import printable
from models.db.database import sqlite_path
from models.db.sql import Statement, is_postgres

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
    said = local_daemon(web)
    return None if said is None else [f"the daemon of this machine: {printable(line)}" for line in said]
