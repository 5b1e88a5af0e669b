"""Clients of Redis that say at once, and in one way, what is wrong."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from threading import Thread

import dramatiq
import pytest
import redis

from daemon.connections import TIMEOUT, dramatiq_broker, is_too_old, redis_client
from tests.fakes.wire import Wire


@pytest.fixture
def broker(valkey_url):
    broker = dramatiq_broker(valkey_url, "test")
    yield broker
    broker.close()


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
            wire.mend()
            await until_it_answers(client)


@pytest.mark.parametrize("what", ["a message is put on the queue", "the worker is about to stop"])
def test_whoever_waits_for_news_of_a_queue_has_them_at_once(broker, what):
    dramatiq.actor(broker=broker, queue_name="news", actor_name="act")(print)
    broker._idle = 60.0
    waiter = Thread(target=broker.wait_for_news, args=("news",))
    waiter.start()
    if what == "a message is put on the queue":
        broker.enqueue(broker.get_actor("act").message())
    else:
        broker.hurry()
    waiter.join(20)
    assert not waiter.is_alive()


def test_dramatiq_is_told_of_every_fault_in_the_way_it_expects(broker, valkey):
    client = broker.client
    client.set("text", "x")
    with pytest.raises(dramatiq.ConnectionClosed, match="WRONGTYPE"):
        client.lpush("text", "y")
    assert client.trouble is not None
    client.ping()
    assert client.trouble is None
    valkey.stop()
    with pytest.raises(dramatiq.ConnectionClosed):
        client.ping()
    assert "ConnectionError" in client.trouble


def test_a_script_that_redis_has_forgotten_is_loaded_again_unseen(broker):
    broker.declare_queue("outcomes.0")
    broker.client.script_flush()
    assert broker.do_qsize("outcomes.0") == 0
    assert broker.client.trouble is None
