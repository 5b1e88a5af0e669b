"""What every subcommand shares: exit codes, the configuration, opening servers."""

import asyncio
import signal
import sqlite3
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
import typer
from redis.exceptions import RedisError
from tortoise.exceptions import DBConnectionError, OperationalError, TransactionManagementError

from daemon.cli.opened_stream import opened_stream
from daemon.cli.start import FAILED, WRONG, fail, read_config
from daemon.config import Config
from daemon.demo import INTERRUPTED
from daemon.infra import log
from daemon.infra.errors import Trouble, describe, trouble
from daemon.infra.startup import UnusableError, prepare_database
from models.consumer_admin import ConsumerError, known_consumer
from models.db.clock import Clock
from models.db.database import NoDatabaseError, open_database
from models.db.migrate import SchemaError, check_schema
from models.encryption import UndecryptableError
from models.key_admin import KeyRefusedError
from models.secrets import PlaintextRefusedError

__all__ = [
    "FAILED",
    "WRONG",
    "consumer_id",
    "fail",
    "load_config",
    "measured_clock",
    "opened_stream",
    "quiet_config",
    "run_in_database",
    "run_work",
]

_T = TypeVar("_T")

#: What to do where an SQLite database is not there.
NO_DATABASE = "name the daemon's configuration with --config; a new one is made by `passbackd run` or `migrate`"

#: What a server that goes away, or that is overtaken by another client, can raise.
SERVER_FAULTS = (
    OperationalError,
    TransactionManagementError,
    DBConnectionError,
    sqlite3.OperationalError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    RedisError,
    OSError,
)


def load_config(given: Path | None, *, quiet: bool = False) -> Config:
    """The configuration, with the log set up, *quiet* for warnings only; faults are printed and end the command."""
    config = read_config(given)
    log.configure("warning" if quiet else config.log.level, config.log.format, config.log.timezone)
    return config


def quiet_config(given: Path | None) -> Config:
    """The configuration for every command but ``run``."""
    return load_config(given, quiet=True)


async def measured_clock() -> Clock:
    """The clock of the open database."""
    clock = Clock()
    await clock.measure()
    return clock


async def consumer_id(key: str | None) -> int | None:
    """The id of the consumer that ``--consumer`` names, if it names one; an unknown key ends the command."""
    if key is None:
        return None
    try:
        return int((await known_consumer(key)).id)
    except ConsumerError as error:
        fail(f"--consumer: {error}")


def run_work(work: Coroutine[Any, Any, _T]) -> _T:
    """Run a subcommand's work; faults of servers, schema, consumers and keys become one line."""
    # From here on an interrupt closes what is open; before there was nothing.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return asyncio.run(work)
    except (ConsumerError, KeyRefusedError) as error:
        fail(str(error))
    except (SchemaError, UnusableError, PlaintextRefusedError) as error:
        fail(str(error), WRONG)
    except NoDatabaseError as error:
        fail(f"database.url: {error}: {NO_DATABASE}", WRONG)
    except UndecryptableError as error:
        fail(f"secrets.keys: a consumer's secret cannot be read ({error}): name the key that encrypted it", WRONG)
    except SERVER_FAULTS as error:
        if "permission denied" in str(error):
            fail(f"database.url: this role may not do that ({describe(error)}): name one that may", WRONG)
        fail(_failed(error))
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None


def run_in_database(config: Config, work: Callable[[], Awaitable[_T]], *, may_migrate: bool = False) -> _T:
    """
    Run a subcommand's work with the database open.

    Args:
        may_migrate: Migrate the schema first where ``database.migrate_on_start`` allows it; else it must fit.
    """

    async def opened() -> _T:
        url = config.database.url
        async with AsyncExitStack() as stack:
            try:
                if may_migrate:
                    await prepare_database(url, migrate_on_start=config.database.migrate_on_start)
                await stack.enter_async_context(open_database(url, create=False))
                await check_schema()
            except (SchemaError, UnusableError, NoDatabaseError):
                raise
            except Exception as error:  # noqa: BLE001 - whatever the driver says, the operator needs the key
                lost = trouble(error)
                words = "" if lost is None or lost == Trouble("database") else f" ({lost.words})"
                cure = f"; {lost.cure}" if lost is not None and lost.cure else ""
                fail(f"database.url: the database cannot be reached{words}: {describe(error)}{cure}")
            return await work()

    return run_work(opened())


def _failed(error: Exception) -> str:
    """What a fault while a command runs means, and what to do about it."""
    lost = trouble(error)
    if lost is None:
        return f"a server failed while this ran, try again: {describe(error)}"
    cure = f"; {lost.cure}" if lost.cure else ""
    if lost.server == "this machine":
        return f"{lost.words} ({describe(error)}){cure}"
    return f"a server failed while this ran, try again: {lost.words} ({describe(error)}){cure}"
