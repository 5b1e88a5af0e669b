"""Schema migrations: which are pending, and applying them, one daemon at a time."""

import asyncio
import fcntl
import pkgutil
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import models.migrations
from models.db.database import open_database, sqlite_path, tortoise_config
from models.db.sql import Statement, connection

#: The key of PostgreSQL's advisory lock: "passback" in ASCII.
_ADVISORY_LOCK = 0x7061737362616B64

_TABLE = Statement(
    "SELECT 1 AS found WHERE to_regclass('tortoise_migrations') IS NOT NULL",
    sqlite="SELECT 1 AS found FROM sqlite_master WHERE name = 'tortoise_migrations'",
)
_APPLIED = Statement("SELECT name FROM tortoise_migrations WHERE app = 'models'")


class SchemaError(Exception):
    """The database's schema is not the one that this release works with. The message says what to do."""


def known() -> list[str]:
    """The names of this release's migrations, in order."""
    return sorted(name for _, name, _ in pkgutil.iter_modules(models.migrations.__path__))


async def applied() -> list[str]:
    """Those that the open database has had, in order. Tortoise's reader would take a failed read for no history."""
    return sorted(row["name"] for row in await _APPLIED.rows()) if await _TABLE.row() else []


async def check_schema() -> None:
    """Raise a :class:`SchemaError` unless the open database's schema is this release's."""
    check_applied(await applied())


def check_applied(migrations: Iterable[str]) -> None:
    """Raise a :class:`SchemaError` unless these are the migrations of this release. Pure."""
    have, want = set(migrations), set(known())
    if have - want:
        raise SchemaError(
            f"database.url: the schema is newer than this release (it has {', '.join(sorted(have - want))}); "
            "run a release of passbackd at least as new as the one that migrated it"
        )
    if want - have:
        raise SchemaError(
            f"database.url: the schema is outdated (it lacks {', '.join(sorted(want - have))}); "
            "run `passbackd migrate`, or set database.migrate_on_start = true"
        )


async def migrate(url: str, *, dry_run: bool = False) -> tuple[list[str], list[str]]:
    """
    Apply the pending migrations under a lock that other daemons wait for.

    Returns:
        The names of the pending migrations, and the SQL that a *dry_run* did not run.

    Raises:
        SchemaError: The schema is newer than this release.
    """
    from tortoise.migrations.executor import MigrationExecutor  # noqa: PLC0415 - heavy

    async with open_database(url, patient=True, create=not dry_run), _alone(url):
        have = set(await applied())
        if have - set(known()):
            await check_schema()
        pending = [name for name in known() if name not in have]
        executor = MigrationExecutor(connection(), tortoise_config(url)["apps"])
        if dry_run:
            from models.db.dry_run import collect_sql  # noqa: PLC0415 - heavy

            return pending, await collect_sql(executor, known(), pending)
        if pending:
            await executor.migrate(direction="forward")
        return pending, []


@asynccontextmanager
async def _alone(url: str) -> AsyncIterator[None]:
    path = sqlite_path(url)
    if path is not None:
        file = path.with_name(path.name + ".migrating")
        # For its owner alone: who may open it could hold the lock for ever.
        file.touch(mode=0o600)
        with file.open("w") as lock:
            await asyncio.to_thread(fcntl.flock, lock, fcntl.LOCK_EX)
            yield
        return
    # A session of its own: the lock lives as long as the connection, whatever the migrations do with theirs.
    async with open_database(url, patient=True) as own, own.db().acquire_connection() as session:
        await session.execute("SELECT pg_advisory_lock($1)", _ADVISORY_LOCK)
        try:
            yield
        finally:
            await session.execute("SELECT pg_advisory_unlock($1)", _ADVISORY_LOCK)
