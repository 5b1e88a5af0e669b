"""The private names of Dramatiq that the worker uses are there."""

import inspect

import dramatiq
import pytest
from dramatiq import worker as dramatiqs


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (dramatiqs.Worker, "_add_worker"),
        (dramatiqs.Worker, "start"),
        (dramatiqs.Worker, "stop"),
        (dramatiqs.WorkerThread, "process_message"),
        (dramatiqs.WorkerThread, "run"),
        (dramatiqs.ConsumerThread, "post_process_message"),
        (dramatiqs.ConsumerThread, "requeue_messages"),
        (dramatiq.MessageProxy, "stuff_exception"),
        (dramatiq.MessageProxy, "clear_exception"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_a_method_of_dramatiqs_that_the_worker_uses_is_there(owner, name):
    assert inspect.isfunction(getattr(owner, name))


@pytest.mark.parametrize(
    "name", ["workers", "consumers", "work_queue", "worker_timeout", "broker", "queue_prefetch", "delay_prefetch"]
)
async def test_an_attribute_of_dramatiqs_worker_that_ours_uses_is_there(home, name):
    assert name in vars(dramatiqs.Worker(home.broker, worker_threads=1))


@pytest.mark.parametrize("name", ["running", "timeout", "logger", "broker", "consumers", "work_queue"])
async def test_an_attribute_of_dramatiqs_worker_thread_that_ours_uses_is_there(home, name):
    thread = dramatiqs.WorkerThread(broker=home.broker, consumers={}, work_queue=None, worker_timeout=100)
    assert name in vars(thread)


async def test_a_work_queues_item_is_made_of_a_priority_and_a_message(home):
    item = dramatiqs._WorkQueueItem(0, "message")
    assert (item.priority, item.message) == (0, "message")


async def test_an_actors_coroutine_function_is_beneath_dramatiqs_wrapper(home):
    assert inspect.iscoroutinefunction(home.actor.fn.__wrapped__)
