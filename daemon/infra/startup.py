"""Reaching the servers at start, and waiting for those that do not answer."""

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

import structlog

from daemon.infra.errors import describe
from daemon.infra.loop import FIRST_RETRY_WAIT, MAX_RETRY_WAIT
from daemon.infra.stop import Stop
from models.db.database import make_private_file, open_database, sqlite_path
from models.db.migrate import SchemaError, applied, check_schema, known, migrate
from models.db.sql import Statement

log = structlog.get_logger(__name__)

T = TypeVar("T")

_PING = Statement("SELECT 1 AS pong")


class Starting(Protocol):
    """Shows why the daemon is not ready yet."""

    starting: str | None


class UnusableError(Exception):
    """The configuration names something that cannot be used, and waiting will not help; with key and cure."""


class StoppedError(Exception):
    """The daemon received the stop before it had started."""


async def until_it_works(name: str, try_once: Callable[[], Awaitable[T]], health: Starting, stop: Stop) -> T:
    """
    Retry until it works.

    Raises:
        StoppedError: *stop* is set.
        SchemaError, UnusableError: As *try_once* raises it: waiting will not help.
    """
    wait = FIRST_RETRY_WAIT
    while not stop.is_set():
        try:
            return await try_once()
        except (SchemaError, UnusableError):
            raise
        except Exception as error:  # noqa: BLE001 - a server can be away in more ways than its driver names
            health.starting = f"{name}: {describe(error)}"
            log.warning("server unavailable, retrying", server=name, error=error)
        await stop.sleep(wait)
        wait = min(wait * 2, MAX_RETRY_WAIT)
    raise StoppedError


async def prepare_database(url: str, *, migrate_on_start: bool) -> None:
    """
    Reach the database and check its schema, which is migrated first if *migrate_on_start*.

    Raises:
        SchemaError: It does not fit.
        UnusableError: The file of an SQLite database cannot be written.
    """
    _check_file(url)
    async with open_database(url):
        await _PING.rows()
        pending = set(known()) - set(await applied())
    # No migration begins without need: if the server fell silent now, it would wait as long as for a large table.
    if migrate_on_start and pending:
        done, _ = await migrate(url)
        if done:
            log.info("the schema was migrated", migrations=done)
    else:
        async with open_database(url):
            await check_schema()


def _check_file(url: str) -> None:
    try:
        make_private_file(url)
    except OSError as error:
        raise UnusableError(
            f"database.url: {sqlite_path(url)} cannot be written ({error.strerror}): make it writable, or name another"
        ) from error
