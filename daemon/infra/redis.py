"""The client of Redis for the loops, and what every client of ours is opened with."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import redis
import redis.asyncio
from redis.backoff import NoBackoff
from redis.retry import Retry

#: Seconds that a server has to accept a connection and to answer. Longer than any blocking read of ours.
TIMEOUT = 5.0

#: The oldest Redis that has every command we use.
OLDEST_REDIS = (6, 2)


@asynccontextmanager
async def redis_client(url: str, *, timeout: float = TIMEOUT) -> AsyncIterator[redis.asyncio.Redis]:
    """
    An asynchronous client that returns bytes; it connects at the first command, and our loops do the retrying.

    Args:
        timeout: Seconds for connecting, and for an answer.
    """
    client = redis.asyncio.Redis.from_url(url, **options(redis.asyncio.retry.Retry, timeout))
    try:
        yield client
    finally:
        await client.aclose()


def is_too_old(version: str) -> bool:
    """Whether a server that says it is *version* lacks commands that we use."""
    return tuple(int(part) for part in version.split(".")[:2]) < OLDEST_REDIS


def options(retry: type[Retry] | type[redis.asyncio.retry.Retry], timeout: float) -> dict[str, Any]:
    """A client that says at once what is wrong: whoever uses it knows better when to try again."""
    return {
        "socket_timeout": timeout,
        "socket_connect_timeout": timeout,
        "health_check_interval": 0,
        "retry": retry(NoBackoff(), 0),
    }
