"""Dramatiq's worker with its actors on the loop, against real servers."""

import asyncio
import logging
import threading
import time

import dramatiq
import pytest

from daemon.infra.errors import is_data_fault
from daemon.queue.worker import ABORT_SHARE, DELAY_PREFETCH, ThreadDiedError, running_worker
from tests.daemon.doubles import stopped
from tests.daemon.queue.house import QUEUES, house, maker, until


@pytest.fixture
async def home(redis_url):
    async with house(redis_url) as opened:
        yield opened


async def test_messages_of_every_queue_run_on_the_loop_in_the_context_of_the_maker(home):
    token = maker.set("the lifespan")
    worker = home.worker()
    maker.reset(token)
    async with running_worker(worker):
        await home.send("a")
        await home.send("b", queue=QUEUES[1])
        await until(lambda: len(home.ended) == 2)
    assert sorted(home.ended) == ["a", "b"]
    assert set(home.seen) == {("the lifespan", threading.current_thread())}
    assert home.waiting() == 0


async def test_what_an_actor_sets_in_its_context_no_other_sees(home):
    async def sets() -> None:
        home.seen.append((maker.get(), threading.current_thread()))
        maker.set("the actor")

    actor = dramatiq.actor(broker=home.broker, queue_name=QUEUES[0])(sets)
    async with running_worker(home.worker()):
        for _ in range(2):
            await asyncio.to_thread(home.broker.enqueue, actor.message())
        await until(lambda: len(home.seen) == 2)
    assert [seen for seen, _ in home.seen] == ["unset", "unset"]


async def test_a_delayed_message_runs_at_its_time(home):
    sent = time.monotonic()
    async with running_worker(home.worker()):
        await home.send("later", delay=200)
        await home.send("now")
        await until(lambda: len(home.ended) == 2)
        assert time.monotonic() - sent >= 0.2
    assert home.ended == ["now", "later"]


async def test_the_worker_sets_the_prefetches_that_dramatiq_reads(home):
    assert {"delay_prefetch", "queue_prefetch"} < set(vars(dramatiq.Worker(home.broker, worker_threads=1)))
    worker = home.worker()
    assert (worker.delay_prefetch, worker.queue_prefetch) == (DELAY_PREFETCH, 8)


async def test_no_more_run_at_once_than_the_window(home):
    await home.send(*"abcdef", how="waits")
    async with running_worker(home.worker(window=2)):
        await until(lambda: len(home.began) == 2)
        await asyncio.sleep(0.03)
        assert len(home.began) == 2
        home.go.set()
        await until(lambda: len(home.ended) == 6)
    assert home.most == 2


@pytest.mark.parametrize("arguments", [("a", "fails"), ("too", "many", "arguments")])
async def test_an_actor_that_fails_is_logged_and_acknowledged_and_the_others_go_on(home, caplog, arguments):
    async with running_worker(home.worker(window=1)):
        with caplog.at_level(logging.ERROR):
            await asyncio.to_thread(home.broker.enqueue, home.actor.message(*arguments))
            await home.send("b")
            await until(lambda: "b" in home.ended and not home.unacknowledged())
    (record,) = caplog.records
    assert "an actor failed" in record.getMessage()
    assert record.exc_info is not None
    assert home.waiting() == 0
    assert home.broker.client.exists("test:outcomes.0.XQ") == 0


async def test_closing_lets_actors_finish_and_gives_back_what_was_not_begun(home, redis_url):
    await home.send("a", "b", how="waits")
    await home.send("c", "d", how="waits", queue=QUEUES[1])
    worker = home.worker(window=1)
    async with running_worker(worker):
        # One of each queue was taken, and there is room for one: the other one waits for it.
        await until(lambda: worker.work_queue.unfinished_tasks == 2 and not worker.work_queue.qsize() and home.began)
        closing = asyncio.create_task(worker.close())
        await until(lambda: worker.work_queue.qsize() == 1)
        assert not closing.done()
        home.go.set()
        await closing
    (first,) = home.ended
    assert home.deadlines == 0
    assert (home.waiting(), home.unacknowledged()) == (3, 0)
    async with house(redis_url) as second:
        second.go.set()
        async with running_worker(second.worker()):
            await until(lambda: len(second.ended) == 3)
    assert sorted([first, *second.ended]) == ["a", "b", "c", "d"]


async def test_what_does_not_finish_in_time_is_aborted_on_the_loop(home, caplog):
    await home.send("a", how="waits")
    async with running_worker(home.worker(drain_seconds=2)):
        await until(lambda: home.began)
        closing = time.monotonic()
    assert time.monotonic() - closing >= (1 - ABORT_SHARE) * 2
    assert (home.deadlines, home.ended) == (1, ["a"])
    assert (home.waiting(), home.unacknowledged()) == (0, 0)
    assert "did not finish" not in caplog.text


async def test_what_does_not_finish_even_then_is_logged_and_goes_back_to_the_queue(home, redis_url, caplog):
    await home.send("a", how="never ends")
    async with running_worker(home.worker(drain_seconds=0.1)):
        await until(lambda: home.began)
    assert home.ended == [], "nothing is cancelled: it may be in a transaction"
    assert "1 actors did not finish in time" in caplog.text
    assert (home.waiting(), home.unacknowledged()) == (1, 0)


async def test_closing_while_redis_is_away_ends_without_an_error(home, redis_server):
    await home.send("a", how="waits")
    await home.send("b", how="waits", queue=QUEUES[1])
    await home.send("later", delay=60_000)
    async with running_worker(home.worker(window=1, drain_seconds=0.5)):
        # One message runs, one waits for its slot, and one for its time.
        await until(lambda: home.began and home.unacknowledged() == 3)
        redis_server.stop()
        home.go.set()
    assert len(home.ended) in (1, 2)


async def test_delayed_messages_go_back_too(home, redis_url):
    def delayed():
        return home.broker.client.llen("test:outcomes.0.DQ")

    async with running_worker(home.worker()):
        await home.send("later", delay=60_000)
        await until(lambda: home.unacknowledged() == 1)
    assert (home.began, delayed(), home.unacknowledged()) == ([], 1, 0)
    async with house(redis_url) as second, running_worker(second.worker()):
        await until(lambda: second.unacknowledged() == 1)
        assert delayed() == 0


async def test_a_redis_that_is_away_as_a_delayed_message_comes_due_costs_no_consumer(home, redis_server):
    worker = home.worker()
    # So it has no reason to fetch, and meets the loss with the message that is due in its hands.
    worker.delay_prefetch = 2
    async with running_worker(worker):
        await home.send("due", delay=500)
        await home.send("far", delay=60_000)
        await until(lambda: home.unacknowledged() == 2)
        consumer = worker.consumers["outcomes.0.DQ"]
        alarms = consumer.delay_queue
        redis_server.stop()
        await until(lambda: consumer.delay_queue is not alarms or not consumer.is_alive())
        redis_server.start()
        await home.send("after", delay=20)
        await until(lambda: "after" in home.ended)
        assert all(thread.is_alive() for thread in worker.consumers.values())


async def test_a_worker_that_is_idle_or_was_just_started_closes_and_leaves_no_thread_behind(home):
    before = set(threading.enumerate())
    async with running_worker(home.worker(drain_seconds=3600.0)):
        pass
    async with running_worker(home.worker(drain_seconds=3600.0)):
        await home.send("a")
        await until(lambda: home.ended)
        assert set(threading.enumerate()) > before
    # The pool that asyncio.to_thread() keeps is the loop's own.
    await until(lambda: {t for t in set(threading.enumerate()) - before if not t.name.startswith("asyncio_")} == set())


# --- What it reports of its threads and their Redis ---


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
