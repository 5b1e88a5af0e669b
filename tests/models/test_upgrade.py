"""Each migration works on tables that hold rows, and leaves what the release before needs to go on."""

from collections.abc import Awaitable, Callable
from functools import partial
from itertools import pairwise

import pytest
from tortoise.exceptions import BaseORMException
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
_ORDER = ("lti_consumer", "campus", "outcome_service", "graded_assignment")
_PARENTS = ("lti_consumer_id", "campus_id", "outcome_service_id", "assignment_id")


async def migrated(name: str, url: str) -> None:
    """Apply the migrations up to that one."""
    executor = MigrationExecutor(connection(), tortoise_config(url)["apps"])
    await executor.migrate([MigrationTarget("models", name)], direction="forward")


async def altered(sql: str, _url: str) -> None:
    """Do what a later release might do."""
    await connection().execute_script(sql)


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
    values |= dict.fromkeys((name for name in values if name in _PARENTS), number)
    await Statement(
        f"INSERT INTO {table} ({', '.join(values)}) VALUES ({', '.join(f':{name}' for name in values)}) RETURNING id"
    ).rows(**values)


async def rows_of_each() -> dict[str, int]:
    """How many rows each table has."""
    counted = {table: await Statement(f"SELECT COUNT(*) AS number FROM {table}").row() for table in await tables()}
    return {table: row["number"] for table, row in counted.items() if row is not None}


async def upgraded(url: str, before: str, step: Callable[[str], Awaitable[None]], number: int = 1) -> None:
    """
    Take one step with rows in every table; fails if the release before could not go on.

    Args:
        number: Of the rows that are written before it; those that are written after it have the next one.
    """
    async with open_database(url):
        await migrated(before, url)
        wanted = {table: await columns(table, only_wanted=True) for table in await tables()}
        had = {table: await columns(table, only_wanted=False) for table in wanted}
        first = await rows_of_each()
        for table, names in wanted.items():
            await insert_into(table, number, names)
        await step(url)
        for table, names in wanted.items():
            await insert_into(table, number + 1, names)
            assert set(await columns(table, only_wanted=False)) >= set(had[table]), f"a column has gone after {before}"
        kept = await rows_of_each()
        assert {table: kept[table] - first[table] for table in wanted} == dict.fromkeys(wanted, 2), f"after {before}"


#: Each step of this release, and a good one, since there may be none yet.
STEPS = [
    *((before, partial(migrated, after)) for before, after in pairwise(known())),
    (known()[-1], partial(altered, "ALTER TABLE score ADD COLUMN weight BIGINT")),
]


async def test_each_migration_works_on_rows_and_the_release_before_can_go_on_writing(database_url):
    for number, (before, step) in enumerate(STEPS):
        await upgraded(database_url, before, step, 2 * number + 1)


async def test_the_last_step_is_this_release_and_takes_a_row_in_every_table(database_url):
    async with open_database(database_url):
        await migrated(known()[-1], database_url)
        await check_schema()
        for table in await tables():
            await insert_into(table, 1, await columns(table, only_wanted=True))
        assert set((await rows_of_each()).values()) == {1}


@pytest.mark.parametrize(
    ("sql", "error"),
    [
        ("ALTER TABLE score RENAME COLUMN points_possible TO possible", BaseORMException),
        ("ALTER TABLE graded_assignment DROP COLUMN context_title", AssertionError),
        ("ALTER TABLE score ADD COLUMN weight BIGINT NOT NULL", BaseORMException),
        ("DROP TABLE orphaned_claim", BaseORMException),
        ("DELETE FROM score", AssertionError),
    ],
)
async def test_a_bad_step_is_found(database_url, sql, error):
    with pytest.raises(error):
        await upgraded(database_url, known()[-1], partial(altered, sql))
