"""Opening the database: SQLite or PostgreSQL, by URL."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from models.db.sql import connection

_MODELS = [
    f"models.{name}"
    for name in (
        "consumer",
        "campus",
        "left_cell",
        "orphaned_claim",
        "assignment",
        "course",
        "score",
        "delivery",
        "shown_score",
        "stream_position",
        "quarantine",
        "retired_user",
        "stale_event",
        "action",
        "heartbeat",
        "clock_watch",
        "secrets",
        "tool_key",
        "web_user",
    )
]

#: Options in the query of a PostgreSQL URL.
URL_OPTIONS = ("host", "sslmode")

#: Connections to PostgreSQL, at most.
POOL = 8
#: Seconds for connecting; for a statement, longer than the server's own limit, so that only a lost server exceeds it;
#: and for a free connection. Their sum is less than a loop may take before health reports it.
CONNECT_TIMEOUT, COMMAND_TIMEOUT, ACQUIRE_TIMEOUT = 3, 15, 20

#: Milliseconds. A session that hangs must release its locks long before a lease ends.
_TIMEOUTS = {
    "lock_timeout": "5000",
    "statement_timeout": "12000",
    "idle_in_transaction_session_timeout": "30000",
}
#: What each session asks PostgreSQL for. A claim that a crash of the server undoes could be made again while its
#: request is still under way.
POSTGRES_SETTINGS = {
    **_TIMEOUTS,
    "default_transaction_isolation": "read committed",
    "synchronous_commit": "on",
    "application_name": "passbackd",
}
#: Without time-outs.
_PATIENT = {name: value for name, value in POSTGRES_SETTINGS.items() if name not in _TIMEOUTS}


class NoDatabaseError(Exception):
    """There is no file of that SQLite database."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"there is no database {path}")


def sqlite_path(url: str) -> Path | None:
    """The file of a ``sqlite://`` URL (``sqlite://relative.db``, ``sqlite:///absolute.db``), else None."""
    return Path(url.removeprefix("sqlite://")) if url.startswith("sqlite://") else None


def tortoise_config(url: str, *, patient: bool = False) -> dict[str, Any]:
    """
    The configuration of Tortoise.

    Args:
        patient: Without time-outs, for migrations of large tables.

    Raises:
        ValueError: The URL names neither SQLite nor PostgreSQL.
    """
    # Tortoise caches statements by the connection's name, process-wide, and the two engines' differ.
    name = "postgres" if sqlite_path(url) is None else "sqlite"
    return {
        "connections": {name: _connection(url, patient=patient)},
        "apps": {
            "models": {"models": _MODELS, "default_connection": name, "migrations": "models.migrations"},
        },
        "use_tz": True,
        "timezone": "UTC",
    }


def _connection(url: str, *, patient: bool) -> dict[str, Any]:
    path = sqlite_path(url)
    if path is not None:
        return {
            "engine": "models.db.sqlite",
            # FULL: a commit that was acknowledged survives a power cut. Secure: a deleted learner's bytes are gone.
            "credentials": {
                "file_path": str(path),
                "busy_timeout": 10_000,
                "synchronous": "FULL",
                "secure_delete": "ON",
            },
        }
    parts = urlsplit(url)
    if parts.scheme not in ("postgres", "postgresql"):
        raise ValueError("a database URL begins with sqlite://, postgres:// or postgresql://")
    query = dict(parse_qsl(parts.query))
    credentials: dict[str, Any] = {
        "host": query.get("host") or parts.hostname or "127.0.0.1",
        "port": parts.port or 5432,
        "user": unquote(parts.username) if parts.username else None,
        "password": unquote(parts.password) if parts.password else None,
        "database": unquote(parts.path.lstrip("/")) or None,
        # None is kept open: asyncpg would try on its own to make it, and log that in its own words.
        "minsize": 0,
        "maxsize": POOL,
        "timeout": CONNECT_TIMEOUT,
        "command_timeout": None if patient else COMMAND_TIMEOUT,
        "acquire_timeout": None if patient else ACQUIRE_TIMEOUT,
        "server_settings": dict(_PATIENT if patient else POSTGRES_SETTINGS),
        # asyncpg's own reset is a round trip at each release; we leave nothing to reset.
        "reset": _no_reset,
    }
    if "sslmode" in query:
        credentials["ssl"] = query["sslmode"]
    return {"engine": "models.db.postgres", "credentials": credentials}


def make_private_file(url: str) -> None:
    """Create the file of an SQLite database, for its owner alone, unless it exists; raises OSError if it cannot."""
    path = sqlite_path(url)
    if path is not None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))


def check_file(url: str) -> None:
    """Raise a :class:`NoDatabaseError` where the file of an SQLite database is not there."""
    if (path := sqlite_path(url)) is not None and not path.exists():
        raise NoDatabaseError(path)


async def _no_reset(_connection: object) -> None:
    return None


@asynccontextmanager
async def open_database(url: str, *, patient: bool = False, create: bool = True) -> AsyncIterator[Any]:
    """
    Connect the models, at the first statement, within this context and in tasks that copy it: a ``TortoiseContext``.

    Always closed: an open SQLite connection keeps the process from ending.

    Args:
        patient: Without time-outs.
        create: Make the file of an SQLite database that is not there.

    Raises:
        NoDatabaseError: That file is not there, and is not to be made.
    """
    from tortoise.context import TortoiseContext  # noqa: PLC0415 - heavy, and reading goes without

    if create:
        make_private_file(url)
    else:
        check_file(url)
    async with TortoiseContext() as context:
        await context.init(config=tortoise_config(url, patient=patient))
        yield context


async def drop_stray_connections() -> None:
    """Replace the open database's connections if a new one leads elsewhere; raises what asyncpg does without one."""
    from models.db.postgres import PostgresClient  # noqa: PLC0415 - heavy

    client = connection()
    if isinstance(client, PostgresClient):
        await client.drop_strays()
