"""Dramatiq's broker: it says in one way what is wrong, and looks at once when there is a message."""

from threading import Thread

import dramatiq
import pytest

from daemon.queue.broker import dramatiq_broker


@pytest.fixture
def broker(valkey_url):
    broker = dramatiq_broker(valkey_url, "test")
    yield broker
    broker.close()


@pytest.mark.parametrize("what", ["a message is put on the queue", "the worker is about to stop"])
def test_a_consumer_that_waits_notices_at_once(broker, what):
    dramatiq.actor(broker=broker, queue_name="q", actor_name="act")(print)
    broker._idle = 60.0
    waiter = Thread(target=broker.wait_for_message, args=("q",))
    waiter.start()
    if what == "a message is put on the queue":
        broker.enqueue(broker.get_actor("act").message())
    else:
        broker.end_waits()
    waiter.join(20)
    assert not waiter.is_alive()


def test_every_fault_of_redis_reaches_dramatiq_as_the_one_it_handles(broker, valkey):
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
