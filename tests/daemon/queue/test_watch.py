"""What the worker reports of its threads and their Redis."""

import dramatiq
import pytest

from daemon.infra.errors import is_data_fault
from daemon.queue.worker import ThreadDiedError, running_worker
from tests.daemon.doubles import stopped
from tests.daemon.queue.house import until


async def test_a_worker_that_works_has_no_trouble(home):
    async with running_worker(home.worker()) as worker:
        await until(lambda: worker.client.trouble is None)
        await worker.watch(stopped())


async def test_the_trouble_of_the_consumers_shows_until_they_are_back(home, redis_server):
    async with running_worker(home.worker()) as worker:
        redis_server.stop()
        await until(lambda: worker.client.trouble is not None)
        with pytest.raises(dramatiq.ConnectionClosed, match=r"ConnectionError: .*(refused|closed|reset)"):
            await worker.watch(stopped())
        redis_server.start()
        await until(lambda: worker.client.trouble is None)
        await worker.watch(stopped())


async def test_a_fault_that_dramatiq_does_not_expect_is_waited_out_too(home):
    """A server that takes no writes for a while: no memory, no disk, a replica that is about to become the primary."""
    client = home.broker.client
    async with running_worker(home.worker()) as worker:
        await home.send("far", delay=60_000)
        await until(lambda: home.unacknowledged() == 1)
        client.config_set("maxmemory", 1)
        await until(lambda: worker.client.trouble is not None)
        client.config_set("maxmemory", 0)
        await home.send("after", delay=20)
        await until(lambda: "after" in home.ended)
        assert all(thread.is_alive() for thread in worker.consumers.values())


async def test_a_thread_that_died_ends_the_process(home):
    async with running_worker(home.worker()) as worker:
        worker.consumers["outcomes.1"].stop()
        await until(lambda: not worker.consumers["outcomes.1"].is_alive())
        with pytest.raises(ThreadDiedError) as died:
            await worker.watch(stopped())
    assert is_data_fault(died.value), "or its loop would go on"
