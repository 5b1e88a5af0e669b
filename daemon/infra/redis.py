"""The client of Redis for the loops, and the options of every client."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import redis
import redis.asyncio
from redis.backoff import NoBackoff
from redis.retry import Retry

#: Seconds that a server has to accept a connection and to answer; longer than any blocking read.
TIMEOUT = 5.0

#: The oldest Redis that has every command that passbackd uses.
OLDEST_REDIS = (6, 2)


@asynccontextmanager
async def redis_client(url: str, *, timeout: float = TIMEOUT) -> AsyncIterator[redis.asyncio.Redis]:
    """A client that returns bytes, connects at the first command, and does not retry. *timeout*: seconds."""
    client = redis.asyncio.Redis.from_url(url, **options(redis.asyncio.retry.Retry, timeout))
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
