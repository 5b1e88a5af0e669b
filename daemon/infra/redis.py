"""
The client of Redis for the loops, and the options of every client.

No connection is used for long: the server at its other end may answer and not be the primary any more, and name or
proxy may lead to another one by now.
"""

import math
import time
import weakref
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import redis
import redis.asyncio
from redis.backoff import NoBackoff
from redis.retry import Retry

#: Seconds that a server has to accept a connection and to answer; longer than any blocking read.
TIMEOUT = 3.0

#: Seconds after which a connection is made anew.
MAX_AGE = 2.0

#: The oldest Redis that has every command that passbackd uses.
OLDEST_REDIS = (6, 2)


class OccupiedKeyError(redis.ResponseError):
    """Another program has put something of another type into a key of passbackd's. *keys*: one of these."""

    def __init__(self, *keys: str) -> None:
        names = " ".join(keys)
        which = f"one of {names}" if len(keys) > 1 else names
        super().__init__(f"WRONGTYPE: another program wrote {which}: redis-cli DEL {names}")


@contextmanager
def naming(key: str) -> Iterator[None]:
    """Let an error of the wrong type say which key it is about, which Redis does not."""
    try:
        yield
    except redis.ResponseError as error:
        if not is_of_wrong_type(error):
            raise
        raise OccupiedKeyError(key) from error


def is_of_wrong_type(error: BaseException) -> bool:
    """Whether Redis found something of another type in a key, also from within a script."""
    return isinstance(error, redis.ResponseError) and "WRONGTYPE" in str(error)


class AsyncPool(redis.asyncio.ConnectionPool):
    """Its connections are made anew when they are old."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._ages = _Ages()

    async def get_connection(self, *args: Any, **options: Any) -> Any:
        connection = await super().get_connection(*args, **options)  # type: ignore[no-untyped-call]
        if self._ages.is_old(connection):
            try:
                await connection.disconnect()
                await connection.connect()
            except BaseException:
                await self.release(connection)
                raise
        return connection


class Pool(redis.ConnectionPool):
    """Its connections are made anew when they are old."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._ages = _Ages()

    def get_connection(self, *args: Any, **options: Any) -> Any:
        connection = super().get_connection(*args, **options)
        if self._ages.is_old(connection):
            try:
                connection.disconnect()  # type: ignore[no-untyped-call]
                connection.connect()  # type: ignore[no-untyped-call]
            except BaseException:
                self.release(connection)
                raise
        return connection


class _Ages:
    def __init__(self) -> None:
        self._made: weakref.WeakKeyDictionary[Any, float] = weakref.WeakKeyDictionary()

    def is_old(self, connection: object) -> bool:
        """Whether it is; from then on it counts as new."""
        now = time.monotonic()
        old = now - self._made.get(connection, now) > MAX_AGE
        if old or connection not in self._made:
            self._made[connection] = now
        return old


@asynccontextmanager
async def redis_client(url: str, *, timeout: float = TIMEOUT) -> AsyncIterator[redis.asyncio.Redis]:
    """A client that returns bytes, connects at the first command, and does not retry. *timeout*: seconds."""
    client = redis.asyncio.Redis.from_pool(AsyncPool.from_url(url, **options(redis.asyncio.retry.Retry, timeout)))
    try:
        yield client
    finally:
        await client.aclose()


def is_too_old(version: str) -> bool:
    """Whether a server of this version lacks commands that passbackd uses."""
    return version_of(version) < OLDEST_REDIS


def version_of(version: str) -> tuple[int, ...]:
    """The first two numbers of a server's version."""
    return tuple(int(part) for part in version.split(".")[:2])


def options(retry: type[Retry] | type[redis.asyncio.retry.Retry], timeout: float) -> dict[str, Any]:
    """Options of a client that reports each fault at once: its user decides when to retry."""
    return {
        "socket_timeout": timeout,
        "socket_connect_timeout": timeout,
        "health_check_interval": 0,
        "retry": retry(NoBackoff(), 0),
    }


async def used_memory(client: redis.asyncio.Redis) -> float:
    """The part of ``maxmemory`` that is used; NaN without one, where INFO is forbidden, or when nothing answers."""
    try:
        info: Any = await client.info("memory")
    except (redis.RedisError, OSError):
        return math.nan
    most = int(info.get("maxmemory") or 0)
    return int(info["used_memory"]) / most if most else math.nan
