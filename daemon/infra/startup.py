"""Waiting for servers: one that does not answer is a matter of time, and says so once a minute."""

import time
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

import structlog

from daemon.infra.errors import describe
from daemon.infra.log_throttle import TELL_EVERY
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
    """Something that the configuration names cannot be used, whatever time passes. The message names key and cure."""


class StoppedError(Exception):
    """The daemon was told to stop before it had started."""


async def until_it_works(name: str, try_once: Callable[[], Awaitable[T]], health: Starting, stop: Stop) -> T:
    """Try until it works or *stop* is set; a schema that does not fit is nothing to wait for."""
    wait, told = FIRST_RETRY_WAIT, -TELL_EVERY
    while not stop.is_set():
        try:
            return await try_once()
        except (SchemaError, UnusableError):
            raise
        except Exception as error:  # noqa: BLE001 - a server can be away in more ways than its driver names
            health.starting = f"{name}: {describe(error)}"
            if time.monotonic() - told >= TELL_EVERY:
                told = time.monotonic()
                log.warning("waiting for a server", server=name, error=describe(error))
        await stop.sleep(wait)
        wait = min(wait * 2, MAX_RETRY_WAIT)
    raise StoppedError


async def prepare_database(url: str, *, migrate_on_start: bool) -> None:
    """
    Reach the database and see that its schema fits, migrating it if that is wished.

    Raises:
        SchemaError: It does not fit.
        UnusableError: The file of an SQLite database cannot be written.
    """
    _check_file(url)
    async with open_database(url):
        await _PING.rows()
        pending = set(known()) - set(await applied())
    # Without need no migration is begun: it would wait for a server that falls silent now as long as for a large table.
    if migrate_on_start and pending:
        done, _ = await migrate(url)
        if done:
            log.info("the schema was migrated", migrations=done)
    else:
        async with open_database(url):
            await check_schema()


def _check_file(url: str) -> None:
    """A file that we may not write is no server that comes back."""
    try:
        make_private_file(url)
    except OSError as error:
        raise UnusableError(
            f"database.url: {sqlite_path(url)} cannot be written ({error.strerror}): make it writable, or name another"
        ) from error
