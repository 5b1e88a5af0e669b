"""
Tortoise's PostgreSQL engine, made fit for a server that is lost, does not answer, or is not the primary any more.

Named in the connection's configuration as ``"engine": "models.db.postgres"``. Unlike in Tortoise's own, a transaction
that cannot begin returns its connection and leaves its task to the pool; a connection that timed out is closed at once,
without asking a silent server to cancel the statement; waiting for a connection and closing the pool have time-outs.

A connection that works and leads to a server that can do nothing for us is closed too, and so are the pool's others:
the name or the proxy may lead to another server by now.
"""

from __future__ import annotations

import asyncio
import time
import weakref
from contextlib import suppress
from datetime import datetime
from types import TracebackType
from typing import Any

import asyncpg
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

#: Seconds after which a connection in use counts as late; and that a new one has to be made and to answer.
LATE, LOOK = 2.0, 2.0

#: After these a connection is of no use: it was silent, its server died during a statement, is a standby or is about to
#: stop, or lost (behind a pooler) what was prepared on it.
_USELESS = (
    TimeoutError,
    InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.DatabaseDroppedError,
    asyncpg.InvalidSQLStatementNameError,
    asyncpg.DuplicatePreparedStatementError,
)

#: Distinguishes a server from its successor behind the same address.
_STARTED = "SELECT pg_postmaster_start_time()"


def _is_useful(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, _USELESS):
            return False
        error = error.__cause__
    return True


class PostgresClient(AsyncpgDBClient):
    """
    Args:
        acquire_timeout: Seconds that a statement waits for a connection; None for no limit.
    """

    def __init__(self, *args: Any, acquire_timeout: float | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._acquire_timeout = acquire_timeout
        #: Connections in use: since when (``time.monotonic``), and when its server was started.
        self._in_use: dict[PoolConnectionProxy[Any], tuple[float, datetime | None]] = {}
        #: Those in use that are to be closed once they are given back.
        self._expired: set[PoolConnectionProxy[Any]] = set()
        #: When the server of each connection was started, and that of the last one that was made.
        self._newest: datetime | None = None
        self._started: weakref.WeakKeyDictionary[asyncpg.Connection[Any], datetime] = weakref.WeakKeyDictionary()

    async def create_pool(self, **options: Any) -> asyncpg.Pool[Any]:
        """A pool whose connections know their server."""

        async def init(connection: asyncpg.Connection[Any]) -> None:
            self._newest = self._started[connection] = await connection.fetchval(_STARTED, timeout=options["timeout"])

        return await asyncpg.create_pool(None, init=init, **options)

    async def drop_strays(self) -> None:
        """
        Make a new connection; replace the others if it leads to another server, or to the same one after a restart.

        Those that have waited for long are closed at once: a proxy may keep them open though their server is gone.

        Raises:
            Exception: Whatever asyncpg raises when no new connection can be made.
        """
        if self._pool is None:
            return
        options: dict[str, Any] = {name: value for name, value in self._template.items() if name not in _OF_POOL}
        new = await asyncpg.connect(**{**options, "password": self.password, "timeout": LOOK})
        try:
            started = await new.fetchval(_STARTED, timeout=LOOK)
        finally:
            new.terminate()
        late = time.monotonic() - LATE
        for connection, (since, its) in list(self._in_use.items()):
            if its != started and since < late:
                with suppress(InterfaceError):
                    connection.terminate()
        if started != self._newest:
            self._newest = started
            await self._expire()

    async def _expire(self) -> None:
        """Have every connection that there is be replaced."""
        self._expired |= self._in_use.keys()
        if self._pool is not None:
            await self._pool.expire_connections()

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
            taken = await self._pool.acquire()
        # The proxy has no other way to its connection.
        started = self._started.get(taken._con)  # type: ignore[attr-defined]  # noqa: SLF001
        self._in_use[taken] = time.monotonic(), started
        return taken

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
        """Return a connection to the pool; one that is not *usable* is closed, and so are the others."""
        self._in_use.pop(connection, None)
        if not usable:
            await self._expire()
        if not usable or connection in self._expired:
            # Else the pool closes it in good order, and waits for the answer of a server that may be lost.
            self._expired.discard(connection)
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
        await self.client.give_back(self.connection, usable=_is_useful(error))


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
        usable = _is_useful(error)
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


#: What only a pool takes.
_OF_POOL = ("min_size", "max_size", "reset")

client_class = PostgresClient
