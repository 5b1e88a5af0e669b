"""Reaching the database at start, and waiting for servers that are away."""

import asyncio

import pytest
import structlog

from daemon.infra.startup import StoppedError, UnusableError, prepare_database, until_it_works
from daemon.infra.stop import Stop
from daemon.web.health import Health
from models.db.database import open_database
from models.db.migrate import _ADVISORY_LOCK, SchemaError, applied, known, migrate


async def schema(url):
    async with open_database(url):
        return await applied()


async def test_an_empty_database_is_migrated_if_migrate_on_start_is_set(database_url):
    await prepare_database(database_url, migrate_on_start=True)
    assert await schema(database_url) == known()


async def test_without_migrate_on_start_a_schema_that_does_not_fit_is_a_fault(database_url):
    with pytest.raises(SchemaError, match="passbackd migrate"):
        await prepare_database(database_url, migrate_on_start=False)


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


async def test_a_server_that_is_away_is_retried_and_its_error_is_shown():
    answers = iter([ConnectionRefusedError("no"), TimeoutError(), "here"])
    health, seen = Health(), []

    async def ask():
        seen.append(health.starting)
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    with structlog.testing.capture_logs() as logs:
        assert await until_it_works("database", ask, health, Stop()) == "here"
    assert seen[1:] == ["database: ConnectionRefusedError: no", "database: TimeoutError: no answer in time"]
    assert [(line["event"], line["server"]) for line in logs] == [("server unavailable, retrying", "database")] * 2


async def test_a_daemon_that_is_stopped_while_it_waits_does_not_start():
    stop = Stop()

    async def ask():
        stop.set()
        raise ConnectionRefusedError

    with pytest.raises(StoppedError):
        await until_it_works("redis", ask, Health(), stop)
