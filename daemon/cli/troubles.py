"""Which servers are in trouble, and why: as this command finds them, and as this machine's daemon says."""

import asyncio

from daemon.check.local_daemon import local_daemon
from daemon.check.redis_trouble import redis_trouble
from daemon.check.sqlite import check_room
from daemon.config import Config
from daemon.config.sections import WebSection
from daemon.infra.log import printable
from daemon.ingest.stream import Stream
from models.db.database import sqlite_path
from models.db.sql import Statement, is_postgres

_STANDBY = Statement("SELECT pg_is_in_recovery() AS standby")


async def server_troubles(config: Config, stream: Stream | None) -> list[str]:
    """
    One line each; nothing is changed.

    Args:
        stream: None when Redis is known not to answer.
    """
    found = []
    if stream is not None and (redis := await redis_trouble(stream.redis, config.redis.dramatiq_namespace)):
        found.append(redis)
    if is_postgres():
        row = await _STANDBY.row()
        if row is not None and row["standby"]:
            found.append("database is a standby, to which nothing can be written")
    elif (path := sqlite_path(config.database.url)) is not None:
        found += [finding.line() for finding in check_room(path)]
    return found + await asyncio.to_thread(daemon_troubles, config.web)


def daemon_troubles(web: WebSection) -> list[str]:
    """What the daemon of this machine says on its page ``/readyz``; nothing if it is ready or none answers."""
    return [f"the daemon of this machine: {printable(line)}" for line in local_daemon(web) or ()]
