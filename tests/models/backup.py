"""A copy of the database's rows, which is put back as from last night's backup."""

from __future__ import annotations

from typing import Any

from tortoise.transactions import in_transaction

from models.db.sql import connection, is_postgres
from tests.models.rows import TABLES


class Backup:
    """Of all tables, at one moment. What gives out ids is not put back."""

    def __init__(self, tables: dict[str, list[dict[str, Any]]]) -> None:
        self._tables = tables

    @classmethod
    async def take(cls) -> Backup:
        async with in_transaction():
            return cls({table: await connection().execute_query_dict(f"SELECT * FROM {table}") for table in TABLES})

    async def put_back(self) -> None:
        async with in_transaction():
            for table in TABLES:
                await connection().execute_query(f"DELETE FROM {table}")
            for table in reversed(TABLES):
                rows = self._tables[table]
                if rows:
                    await connection().execute_many(_insert(table, list(rows[0])), [list(row.values()) for row in rows])


def _insert(table: str, columns: list[str]) -> str:
    sign = "$" if is_postgres() else "?"
    places = ", ".join(f"{sign}{number}" for number in range(1, len(columns) + 1))
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})"
