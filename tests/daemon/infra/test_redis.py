"""The client of Redis, which says at once what is wrong."""

import asyncio
import time
from contextlib import suppress

import pytest
import redis

from daemon.infra.redis import TIMEOUT, is_too_old, redis_client
from tests.fakes.wire import Wire


@pytest.mark.parametrize(
    ("version", "too_old"),
    [("6.0.20", True), ("5.0", True), ("6.2.0", False), ("6.2", False), ("7.4.1", False), ("10.0.0", False)],
)
def test_a_redis_before_6_2_is_too_old(version, too_old):
    assert is_too_old(version) is too_old


async def until_it_answers(client):
    """On a busy machine it may take longer than a test gives a silent one."""
    async with asyncio.timeout(20):
        while True:
            with suppress(redis.TimeoutError):
                return await client.ping()


async def test_a_silent_redis_is_given_up_after_the_time_that_it_was_given(valkey_url):
    with Wire.to(valkey_url) as wire:
        async with redis_client(wire.url, timeout=0.5) as client:
            await until_it_answers(client)
            wire.cut()
            for _ in range(2):
                began = time.monotonic()
                with pytest.raises(redis.TimeoutError):
                    await client.ping()
                assert time.monotonic() - began < TIMEOUT
            wire.restore()
            await until_it_answers(client)
