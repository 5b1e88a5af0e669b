"""
Tortoise's SQLite engine, made fit for two processes and for cancellation.

Named in the connection's configuration as ``"engine": "models.db.sqlite"``. A transaction takes the write lock at once
(``BEGIN IMMEDIATE``): a deferred one that reads first fails with "database is locked", whatever the busy time-out
(SQLite, "Transactions", 2.2). And a begin that fails or is cancelled releases the client's lock.
"""

from typing import cast

from tortoise.backends.base.client import TransactionalDBClient, TransactionContext
from tortoise.backends.sqlite.client import SqliteClient, SqliteTransactionContext, SqliteTransactionWrapper
from tortoise.connection import get_connections


class ImmediateTransaction(SqliteTransactionWrapper):
    async def begin(self) -> None:
        await self._connection.execute("BEGIN IMMEDIATE")


class ImmediateTransactionContext(SqliteTransactionContext):
    async def __aenter__(self) -> TransactionalDBClient:
        await self._trxlock.acquire()
        try:
            await self.ensure_connection()
            await self.connection.begin()
        except BaseException:
            # Runs after a BEGIN that is still running in aiosqlite's thread.
            if self.connection._connection:  # noqa: SLF001 - the wrapper offers no other way to its connection
                await self.connection._connection.rollback()  # noqa: SLF001
            self._trxlock.release()
            raise
        self.token = get_connections().set(self.connection_name, self.connection)
        return cast("TransactionalDBClient", self.connection)


class ImmediateClient(SqliteClient):
    def _in_transaction(self) -> TransactionContext:
        return ImmediateTransactionContext(ImmediateTransaction(self), self._lock)


client_class = ImmediateClient
