"""
Opening the database for a few statements that only read, without Tortoise and the models.

Importing these takes longer than all that a short question takes otherwise.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from typing import Any

from models.db.database import check_file, sqlite_path, tortoise_config
from models.db.sql import reader

#: Seconds that a statement waits for another process's lock.
_BUSY = 10


@asynccontextmanager
async def open_for_reading(url: str) -> AsyncIterator[None]:
    """
    Connect :class:`models.db.sql.Statement` within this context; of several statements one waits for the other.

    Raises:
        NoDatabaseError: The file of an SQLite database is not there.
        Exception: What the driver raises when it cannot connect.
    """
    check_file(url)
    async with AsyncExitStack() as stack:
        path = sqlite_path(url)
        if path is not None:
            database = stack.enter_context(closing(sqlite3.connect(path, timeout=_BUSY)))
            database.row_factory = sqlite3.Row
            token = reader.set(_Sqlite(database))
        else:
            token = reader.set(_Postgres(await _connected(url, stack)))
        try:
            yield
        finally:
            reader.reset(token)


async def _connected(url: str, stack: AsyncExitStack) -> Any:
    import asyncpg  # noqa: PLC0415 - not for SQLite

    options = tortoise_config(url)["connections"]["postgres"]["credentials"]
    for name in ("minsize", "maxsize", "acquire_timeout", "reset"):  # a pool's
        del options[name]
    session = await asyncpg.connect(**options)
    stack.push_async_callback(session.close)
    return session


class _Sqlite:
    is_postgres = False

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    async def execute_query_dict(self, query: str, values: list[Any]) -> list[dict[str, Any]]:
        # Not in a thread: nothing else runs meanwhile.
        return [dict(row) for row in self._database.execute(query, values)]


class _Postgres:
    is_postgres = True

    def __init__(self, session: Any) -> None:
        self._session = session
        self._turn = asyncio.Lock()

    async def execute_query_dict(self, query: str, values: list[Any]) -> list[dict[str, Any]]:
        async with self._turn:
            return [dict(row) for row in await self._session.fetch(query, *values)]
