"""Migrations: from empty, once, and clear about a schema that does not fit."""

import asyncio

import pytest
from tortoise.migrations.executor import MigrationExecutor, MigrationTarget

from models.consumer import LtiConsumer
from models.db.database import open_database, tortoise_config
from models.db.migrate import SchemaError, applied, check_schema, known, migrate
from models.db.sql import Statement, connection


async def test_an_empty_database_gets_every_migration_once(database_url):
    pending, _ = await migrate(database_url)
    assert pending == known()
    async with open_database(database_url):
        assert await applied() == known()
        await check_schema()
        await LtiConsumer.create(consumer_name="a", consumer_key="k", consumer_secret="s")
    assert await migrate(database_url) == ([], [])


async def test_a_dry_run_prints_the_sql_and_changes_nothing(database_url):
    *before, last_but_one, last = known()
    async with open_database(database_url):
        executor = MigrationExecutor(connection(), tortoise_config(database_url)["apps"])
        await executor.migrate([MigrationTarget("models", before[-1])], direction="forward")
        of_last = await executor.collect_sql("models", last)
    pending, sql = await migrate(database_url, dry_run=True)
    assert pending == [last_but_one, last]
    assert any(word in statement for statement in of_last for word in ("ALTER TABLE", "CREATE", "DROP"))
    assert (sql[-len(of_last) :], len(sql) > len(of_last)) == (of_last, True)
    async with open_database(database_url):
        assert await applied() == before


async def test_daemons_that_start_together_migrate_once(database_url):
    outcomes = await asyncio.gather(*(asyncio.create_task(migrate(database_url)) for _ in range(4)))
    assert sorted(len(pending) for pending, _ in outcomes) == [0, 0, 0, len(known())]


async def test_an_outdated_schema_is_a_clear_error(database_url):
    async with open_database(database_url):
        with pytest.raises(SchemaError, match=r"database\.url: the schema is outdated .*passbackd migrate"):
            await check_schema()


async def test_a_newer_schema_is_a_clear_error_and_is_left_alone(database):
    insert = Statement(
        "INSERT INTO tortoise_migrations (app, name, applied_at) VALUES ('models', '9999_later', CURRENT_TIMESTAMP) "
        "RETURNING id"
    )
    await insert.rows()
    with pytest.raises(SchemaError, match=r"newer than this release .*9999_later"):
        await check_schema()
    with pytest.raises(SchemaError, match="newer"):
        await migrate(database)
