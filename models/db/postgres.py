"""
Tortoise's PostgreSQL engine, made fit for a server that is lost or does not answer.

Named in the connection's configuration as ``"engine": "models.db.postgres"``. Unlike in Tortoise's own, a transaction
that cannot begin returns its connection and leaves its task to the pool; a connection that timed out is closed at once,
without asking a silent server to cancel the statement; waiting for a connection and closing the pool have time-outs.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from types import TracebackType
from typing import Any

from asyncpg.exceptions import InterfaceError, InternalClientError
from asyncpg.pool import PoolConnectionProxy
from tortoise.backends.asyncpg.client import AsyncpgDBClient, TransactionWrapper
from tortoise.backends.base.client import (
    PoolConnectionWrapper,
    TransactionalDBClient,
    TransactionContext,
    TransactionContextPooled,
)
from tortoise.connection import get_connections
from tortoise.exceptions import TransactionManagementError

#: Seconds for closing the pool.
CLOSE_TIMEOUT = 2.0

#: After these the state of the connection is unknown: it was silent, or its server died during a statement.
_BROKEN = (TimeoutError, InternalClientError)


class PostgresClient(AsyncpgDBClient):
    """
    Args:
        acquire_timeout: Seconds that a statement waits for a connection; None for no limit.
    """

    def __init__(self, *args: Any, acquire_timeout: float | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._acquire_timeout = acquire_timeout

    def acquire_connection(self) -> PoolConnectionWrapper[Any]:
        return _Session(self, self._pool_init_lock)

    def _in_transaction(self) -> TransactionContext:
        return _Transaction(self)

    async def take(self) -> PoolConnectionProxy[Any]:
        """A connection of the pool, for :meth:`give_back`; raises TimeoutError if none is free or can be made."""
        # Cancels the waiting alone: the pool keeps the connection that it was about to give.
        async with asyncio.timeout(self._acquire_timeout):
            await PoolConnectionWrapper(self, self._pool_init_lock).ensure_connection()
            assert self._pool is not None  # noqa: S101 - it was just made
            return await self._pool.acquire()

    async def _close(self) -> None:
        if self._pool is None:
            return
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT):
                await self._pool.close()
        except TimeoutError:
            self._pool.terminate()
        self._pool = None

    async def give_back(self, connection: PoolConnectionProxy[Any], *, usable: bool) -> None:
        """Return a connection to the pool, which replaces one that is not *usable*."""
        if not usable:
            with suppress(InterfaceError):  # it was lost, and so returned already
                connection.terminate()
        if self._pool is not None:
            await self._pool.release(connection)


class _Session(PoolConnectionWrapper[Any]):
    client: PostgresClient
    __slots__ = ()

    async def __aenter__(self) -> PoolConnectionProxy[Any]:
        self.connection: PoolConnectionProxy[Any] = await self.client.take()
        return self.connection

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.client.give_back(self.connection, usable=not isinstance(error, _BROKEN))


class _Transaction(TransactionContextPooled):
    __slots__ = ("_connections", "_pool", "_taken")

    def __init__(self, pool: PostgresClient) -> None:
        super().__init__(TransactionWrapper(pool), pool._pool_init_lock)  # noqa: SLF001 - as Tortoise does
        self._pool = pool

    async def __aenter__(self) -> TransactionalDBClient:
        self._taken = await self._pool.take()
        self.client._connection = self._taken  # noqa: SLF001 - as above
        try:
            await self.client.begin()
        except BaseException:
            await self._pool.give_back(self._taken, usable=False)
            raise
        # Not earlier: after a failed begin the task would keep it.
        self._connections = get_connections()
        self.token = self._connections.set(self.connection_name, self.client)
        return self.client

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        usable = not isinstance(error, _BROKEN)
        try:
            if usable:
                await self._finish(error)
        except BaseException:
            usable = False
            raise
        finally:
            self._connections.reset(self.token)
            # The server rolls back the transaction of a lost connection.
            await self._pool.give_back(self._taken, usable=usable)

    async def _finish(self, error: BaseException | None) -> None:
        if self.client._finalized or isinstance(error, TransactionManagementError):  # noqa: SLF001 - as above
            return
        await (self.client.commit() if error is None else self.client.rollback())


client_class = PostgresClient
