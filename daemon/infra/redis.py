"""
The client of Redis for the loops, and the options of every client.

Whatever Redis refuses, the next command goes over a new connection: a server that works and takes no writes may have
been the primary before, and name or proxy may lead to the new one by now.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import redis
import redis.asyncio
from redis.backoff import NoBackoff
from redis.retry import Retry

#: Seconds that a server has to accept a connection and to answer; longer than any blocking read.
TIMEOUT = 3.0

#: The oldest Redis that has every command that passbackd uses.
OLDEST_REDIS = (6, 2)


class Client(redis.asyncio.Redis):
    """Drops its connections after each error."""

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        try:
            return await super().execute_command(*args, **options)
        except redis.RedisError as error:
            await drop_connections(self.connection_pool, error)
            raise

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> "_Pipeline":  # noqa: FBT001, FBT002
        return _Pipeline(self.connection_pool, self.response_callbacks, transaction, shard_hint)


class _Pipeline(redis.asyncio.client.Pipeline):
    async def execute(self, raise_on_error: bool = True) -> list[Any]:  # noqa: FBT001, FBT002 - as redis-py has it
        try:
            return await super().execute(raise_on_error)
        except redis.RedisError as error:
            await drop_connections(self.connection_pool, error)
            raise


async def drop_connections(pool: redis.asyncio.ConnectionPool, error: redis.RedisError) -> None:
    """Close the pool's connections after *error*, those in use as soon as they are given back."""
    if not isinstance(error, redis.exceptions.NoScriptError):
        await pool.update_active_connections_for_reconnect()
        await pool.disconnect(inuse_connections=False)


@asynccontextmanager
async def redis_client(url: str, *, timeout: float = TIMEOUT) -> AsyncIterator[Client]:
    """A client that returns bytes, connects at the first command, and does not retry. *timeout*: seconds."""
    client = Client.from_url(url, **options(redis.asyncio.retry.Retry, timeout))
    try:
        yield client
    finally:
        await client.aclose()


def is_too_old(version: str) -> bool:
    """Whether a server of this version lacks commands that passbackd uses."""
    return tuple(int(part) for part in version.split(".")[:2]) < OLDEST_REDIS


def options(retry: type[Retry] | type[redis.asyncio.retry.Retry], timeout: float) -> dict[str, Any]:
    """Options of a client that reports each fault at once: its user decides when to retry."""
    return {
        "socket_timeout": timeout,
        "socket_connect_timeout": timeout,
        "health_check_interval": 0,
        "retry": retry(NoBackoff(), 0),
    }
