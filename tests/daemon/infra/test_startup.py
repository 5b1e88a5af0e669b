"""Reaching the database at start; servers that are away are waited for in ``tests/blackbox``."""

import asyncio

import pytest

from daemon.infra.startup import UnusableError, prepare_database
from models.db.database import open_database
from models.db.migrate import _ADVISORY_LOCK, migrate


async def test_without_a_pending_migration_the_start_does_not_wait_for_the_lock_of_migrations(fresh_database):
    url = fresh_database("postgresql")
    await migrate(url)
    async with open_database(url) as own, own.db().acquire_connection() as session:
        await session.execute("SELECT pg_advisory_lock($1)", _ADVISORY_LOCK)
        async with asyncio.timeout(10):
            await prepare_database(url, migrate_on_start=True)


async def test_a_file_that_cannot_be_written_is_an_error_at_once(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UnusableError, match=r"^database\.url: "):
        await prepare_database(f"sqlite://{tmp_path / 'file' / 'x.db'}", migrate_on_start=True)
