"""Clients of Redis: one for the loops, one for Dramatiq."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import redis
import redis.asyncio
from dramatiq.brokers.redis import RedisBroker
from redis.backoff import NoBackoff
from redis.retry import Retry

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

#: Seconds. Longer than any blocking read of ours.
SOCKET_TIMEOUT = 5.0
CONNECT_TIMEOUT = 5.0


class _BrokerClient(redis.Redis):
    """Says of a Redis that hangs what it says of one that is gone: Dramatiq knows how to wait for that."""

    def execute_command(self, *args: Any, **options: Any) -> Any:
        try:
            return super().execute_command(*args, **options)  # type: ignore[no-untyped-call]
        except redis.TimeoutError as error:
            raise redis.ConnectionError(str(error)) from error


@asynccontextmanager
async def redis_client(url: str) -> AsyncIterator[redis.asyncio.Redis]:
    """An asynchronous client that returns bytes; it connects at the first command, and our loops do the retrying."""
    client = redis.asyncio.Redis.from_url(
        url,
        socket_timeout=SOCKET_TIMEOUT,
        socket_connect_timeout=CONNECT_TIMEOUT,
        health_check_interval=0,
        retry=redis.asyncio.retry.Retry(NoBackoff(), 0),
    )
    try:
        yield client
    finally:
        await client.aclose()


def dramatiq_broker(url: str, namespace: str) -> RedisBroker:
    """
    Dramatiq's broker, without middleware.

    An actor that fails is not retried by Dramatiq: its row is dirty, and SQL is the one retry clock.
    """
    client = _BrokerClient.from_url(
        url, socket_timeout=SOCKET_TIMEOUT, socket_connect_timeout=CONNECT_TIMEOUT, retry=Retry(NoBackoff(), 0)
    )
    return RedisBroker(  # type: ignore[no-untyped-call]
        client=client, namespace=namespace, middleware=[]
    )
