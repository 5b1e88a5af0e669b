"""What every subcommand shares: the configuration, exit codes, opening servers."""

import asyncio
import functools
import os
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Annotated, Any, NoReturn, ParamSpec

import asyncpg
import typer
from redis.exceptions import RedisError
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from tortoise.exceptions import DBConnectionError, OperationalError

from daemon.config import Config, ConfigError, find_config_file, load
from daemon.infra import log
from daemon.infra.embedded_lock import known_url
from daemon.infra.errors import describe
from daemon.infra.log import printable
from daemon.infra.redis import redis_client
from daemon.infra.startup import UnusableError, prepare_database
from daemon.ingest.stream import Stream
from models.consumer_admin import ConsumerError, known_consumer
from models.db.clock import Clock
from models.db.database import open_database
from models.db.migrate import SchemaError, check_schema
from models.encryption import UndecryptableError

#: Exit codes: something went wrong; wrong use or wrong configuration.
FAILED, WRONG = 1, 2

#: What a server that goes away, or that is overtaken by another client, can raise.
SERVER_FAULTS = (
    OperationalError,
    DBConnectionError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    RedisError,
    OSError,
)
#: Columns of a table in a pipe, so that it is not folded there.
PIPE_WIDTH = 250

P = ParamSpec("P")

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="The config file; without it ./config.toml, else /etc/passbackd/config.toml.",
        show_default=False,
    ),
]


def console() -> Console:
    """Standard output for people: colours and bars on a terminal only."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else PIPE_WIDTH)


def fail(message: str, code: int = FAILED) -> NoReturn:
    """Say what is wrong, a line a fault, and exit."""
    typer.echo(message, err=True)
    raise typer.Exit(code)


def load_config(given: Path | None) -> Config:
    """The configuration, with the log set up as it says; its faults end the command with 2."""
    try:
        config = load(find_config_file(given, Path.cwd()), os.environ, cwd=Path.cwd())
    except ConfigError as error:
        fail(str(error), WRONG)
    log.configure(config.log.level, config.log.format, config.log.timezone)
    return config


def quiet_config(given: Path | None) -> Config:
    """The configuration for a command that answers a question: only warnings are logged."""
    config = load_config(given)
    log.configure("warning", config.log.format, config.log.timezone)
    return config


@contextmanager
def counting_bar(label: str, *, wanted: bool) -> Iterator[Callable[[int, int], None]]:
    """A bar on a terminal until all is done; nothing elsewhere. Yields what sets how many are done, of how many."""
    if not wanted or not sys.stderr.isatty():
        yield lambda _done, _all: None
        return
    columns = (TextColumn(label), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=None)
        yield lambda done, of: bar.update(task, completed=done, total=of)


def cell(words: str | None) -> str:
    """Text of others, such that it can neither steer a terminal nor be read as markup."""
    return escape(printable(words or ""))


async def measured_clock() -> Clock:
    """The database's clock."""
    clock = Clock()
    await clock.measure()
    return clock


async def consumer_id(key: str | None) -> int | None:
    """The id of the consumer that ``--consumer`` names, if it names one; an unknown one ends the command."""
    if key is None:
        return None
    try:
        return int((await known_consumer(key)).id)
    except ConsumerError as error:
        fail(f"--consumer: {error}")


def asynchronous(command: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Make a subcommand of a coroutine function; faults of servers, schema and consumers become one line."""

    @functools.wraps(command)
    def run_command(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            asyncio.run(command(*args, **kwargs))
        except (SchemaError, UnusableError) as error:
            fail(str(error), WRONG)
        except ConsumerError as error:
            fail(str(error))
        except UndecryptableError as error:
            fail(f"secrets.keys: a consumer's secret cannot be read ({error}): name the key that encrypted it", WRONG)
        except SERVER_FAULTS as error:
            if "permission denied" in str(error):
                fail(f"database.url: this role may not do that ({describe(error)}): name one that may", WRONG)
            fail(f"a server failed while this ran, try again: {describe(error)}")
        except KeyboardInterrupt:
            raise typer.Exit(130) from None

    return run_command


@asynccontextmanager
async def database_of(given: Path | None, *, may_migrate: bool = False) -> AsyncIterator[Config]:
    """
    The configuration, with its database open and of a schema that fits.

    *may_migrate*: apply migrations first, if the configuration allows it.
    """
    config = quiet_config(given)
    url = config.database.url
    async with AsyncExitStack() as stack:
        try:
            if may_migrate:
                await prepare_database(url, migrate_on_start=config.database.migrate_on_start)
            await stack.enter_async_context(open_database(url))
            if not may_migrate:
                await check_schema()
        except (SchemaError, UnusableError):
            raise
        except Exception as error:  # noqa: BLE001 - whatever the driver says, the operator needs the key
            fail(f"database.url: the database cannot be reached: {describe(error)}")
        yield config


def known_redis(config: Config) -> str | None:
    """Redis's URL; None when it is the embedded one and no daemon runs it."""
    return known_url(config.redis.embedded_dir) if config.redis.embedded else config.redis.url


@asynccontextmanager
async def opened_stream(config: Config) -> AsyncIterator[Stream | None]:
    """The event stream; None when Redis does not answer."""
    url = known_redis(config)
    if url is None:
        yield None
        return
    async with redis_client(url) as client:
        try:
            await client.ping()
        except Exception:  # noqa: BLE001 - any trouble with Redis means that it does not answer
            yield None
            return
        yield Stream(client, config.redis.stream)
