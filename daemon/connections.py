"""Clients of Redis: one for the loops, one for Dramatiq."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import redis
import redis.asyncio
from dramatiq.brokers.redis import RedisBroker
from dramatiq.errors import ConnectionClosed
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError
from redis.retry import Retry

from daemon.faults import why

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

#: Seconds that a server has to accept a connection and to answer. Longer than any blocking read of ours.
TIMEOUT = 5.0

#: The oldest Redis that has every command we use.
OLDEST_REDIS = (6, 2)


class BrokerClient(redis.Redis):
    """Has Dramatiq told of every fault of Redis in the one way for which it is prepared: by waiting."""

    #: What is wrong at the moment, as far as the last command knows.
    trouble: str | None = None

    def execute_command(self, *args: Any, **options: Any) -> Any:
        try:
            answer = super().execute_command(*args, **options)  # type: ignore[no-untyped-call]
        except NoScriptError:
            raise  # has the client load the script
        except redis.RedisError as error:
            self.trouble = why(error)
            # Dramatiq expects redis-py's own error from some commands only; elsewhere it ends a consumer for good.
            raise ConnectionClosed(error) from error  # type: ignore[no-untyped-call]
        self.trouble = None
        return answer


@asynccontextmanager
async def redis_client(url: str, *, timeout: float = TIMEOUT) -> AsyncIterator[redis.asyncio.Redis]:
    """
    An asynchronous client that returns bytes; it connects at the first command, and our loops do the retrying.

    Args:
        timeout: Seconds for connecting, and for an answer.
    """
    client = redis.asyncio.Redis.from_url(url, **_options(redis.asyncio.retry.Retry, timeout))
    try:
        yield client
    finally:
        await client.aclose()


def dramatiq_broker(url: str, namespace: str) -> RedisBroker:
    """
    Dramatiq's broker, without middleware.

    An actor that fails is not retried by Dramatiq: its row is dirty, and SQL is the one retry clock.
    """
    return RedisBroker(  # type: ignore[no-untyped-call]
        client=BrokerClient.from_url(url, **_options(Retry, TIMEOUT)), namespace=namespace, middleware=[]
    )


def is_too_old(version: str) -> bool:
    """Whether a server that says it is *version* lacks commands that we use."""
    return tuple(int(part) for part in version.split(".")[:2]) < OLDEST_REDIS


def _options(retry: type[Retry] | type[redis.asyncio.retry.Retry], timeout: float) -> dict[str, Any]:
    """A client that says at once what is wrong: whoever uses it knows better when to try again."""
    return {
        "socket_timeout": timeout,
        "socket_connect_timeout": timeout,
        "health_check_interval": 0,
        "retry": retry(NoBackoff(), 0),
    }
