"""Each migration works on tables that hold rows, and leaves what the release before needs to go on."""

from __future__ import annotations

import pytest
from tortoise.migrations.executor import MigrationExecutor, MigrationTarget

from models.db.database import open_database, tortoise_config
from models.db.migrate import check_schema, known
from models.db.sql import Statement, connection, is_postgres

_TABLES = {
    True: "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'",
    False: "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
}
_COLUMNS = {
    True: """SELECT column_name AS name, data_type AS type, is_nullable = 'NO' AND column_default IS NULL AS wanted
        FROM information_schema.columns WHERE table_name = :of""",
    False: 'SELECT name, type, "notnull" = 1 AND dflt_value IS NULL AS wanted FROM pragma_table_info(:of)',
}
#: Parents before children.
_ORDER = ("lti_consumer", "outcome_service", "graded_assignment")


async def tables() -> list[str]:
    names = [row["name"] for row in await Statement(_TABLES[is_postgres()]).rows()]
    names = [name for name in names if name != "tortoise_migrations"]
    return sorted(names, key=lambda name: (_ORDER.index(name) if name in _ORDER else len(_ORDER), name))


async def columns(table: str, *, only_wanted: bool) -> dict[str, str]:
    found = await Statement(_COLUMNS[is_postgres()]).rows(of=table)
    return {row["name"]: row["type"].lower() for row in found if row["wanted"] or not only_wanted}


def value(kind: str, number: int) -> object:
    if "char" in kind or "text" in kind:
        return f"text {number}"
    if "bool" in kind:
        return False
    if "blob" in kind or "bytea" in kind:
        return b"bytes"
    return number


async def insert_into(table: str, number: int, names: dict[str, str]) -> None:
    """A row as the release at that point would write it: everything that has no default."""
    wanted = {name: kind for name, kind in names.items() if name != "id"} | {"id": names.get("id", "bigint")}
    values = {name: value(kind, number) for name, kind in wanted.items()}
    parents = [name for name in values if name in ("lti_consumer_id", "outcome_service_id", "assignment_id")]
    values |= dict.fromkeys(parents, number)
    await Statement(
        f"INSERT INTO {table} ({', '.join(values)}) VALUES ({', '.join(f':{name}' for name in values)}) RETURNING id"
    ).rows(**values)


@pytest.mark.parametrize("step", range(1, len(known())))
async def test_a_migration_works_on_rows_and_the_release_before_can_go_on_writing(database_url, step):
    async with open_database(database_url):
        executor = MigrationExecutor(connection(), tortoise_config(database_url)["apps"])
        await executor.migrate([MigrationTarget("models", known()[step - 1])], direction="forward")
        before = {table: await columns(table, only_wanted=True) for table in await tables()}
        for table, names in before.items():
            await insert_into(table, 1, names)
        executor = MigrationExecutor(connection(), tortoise_config(database_url)["apps"])
        await executor.migrate([MigrationTarget("models", known()[step])], direction="forward")
        for table, names in before.items():
            await insert_into(table, 2, names)
            assert set(await columns(table, only_wanted=False)) >= set(names), "a column has gone"


async def test_the_last_step_is_this_release(database_url):
    async with open_database(database_url):
        executor = MigrationExecutor(connection(), tortoise_config(database_url)["apps"])
        await executor.migrate([MigrationTarget("models", known()[-1])], direction="forward")
        await check_schema()


async def test_what_was_quarantined_before_is_not_taken_for_whole(database_url):
    async with open_database(database_url):
        executor = MigrationExecutor(connection(), tortoise_config(database_url)["apps"])
        await executor.migrate([MigrationTarget("models", "0003_gates")], direction="forward")
        await insert_into("quarantined_event", 1, await columns("quarantined_event", only_wanted=True))
        executor = MigrationExecutor(connection(), tortoise_config(database_url)["apps"])
        await executor.migrate([MigrationTarget("models", known()[-1])], direction="forward")
        await insert_into("quarantined_event", 2, await columns("quarantined_event", only_wanted=True))
        rows = await Statement("SELECT truncated FROM quarantined_event ORDER BY id").rows()
        assert [bool(row["truncated"]) for row in rows] == [True, False]
