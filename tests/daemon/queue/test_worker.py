"""Dramatiq's worker with its actors on the loop, against real servers."""

import asyncio
import logging
import threading
import time

import dramatiq
import pytest
import structlog

from daemon.infra.errors import is_data_fault
from daemon.infra.loop import STUCK
from daemon.queue.worker import ABORT_SHARE, DELAY_PREFETCH, ThreadDiedError, running_worker
from tests.daemon.doubles import stopped
from tests.daemon.queue.recorder import QUEUES, maker, recording, until


@pytest.fixture
async def recorder(redis_url):
    async with recording(redis_url) as opened:
        yield opened


async def test_messages_of_every_queue_run_on_the_loop_in_the_context_of_the_maker(recorder):
    token = maker.set("the lifespan")
    worker = recorder.worker()
    maker.reset(token)
    async with running_worker(worker):
        await recorder.send("a")
        await recorder.send("b", queue=QUEUES[1])
        await until(lambda: len(recorder.ended) == 2)
    assert sorted(recorder.ended) == ["a", "b"]
    assert set(recorder.seen) == {("the lifespan", threading.current_thread())}
    assert recorder.waiting() == 0


async def test_what_an_actor_sets_in_its_context_no_other_sees(recorder):
    async def sets() -> None:
        recorder.seen.append((maker.get(), threading.current_thread()))
        maker.set("the actor")

    actor = dramatiq.actor(broker=recorder.broker, queue_name=QUEUES[0])(sets)
    async with running_worker(recorder.worker()):
        for _ in range(2):
            await asyncio.to_thread(recorder.broker.enqueue, actor.message())
        await until(lambda: len(recorder.seen) == 2)
    assert [seen for seen, _ in recorder.seen] == ["unset", "unset"]


async def test_a_delayed_message_runs_at_its_time(recorder):
    sent = time.monotonic()
    async with running_worker(recorder.worker()):
        await recorder.send("later", delay=200)
        await recorder.send("now")
        await until(lambda: len(recorder.ended) == 2)
        assert time.monotonic() - sent >= 0.2
    assert recorder.ended == ["now", "later"]


async def test_the_worker_sets_the_prefetches_that_dramatiq_reads(recorder):
    assert {"delay_prefetch", "queue_prefetch"} < set(vars(dramatiq.Worker(recorder.broker, worker_threads=1)))
    worker = recorder.worker()
    assert (worker.delay_prefetch, worker.queue_prefetch) == (DELAY_PREFETCH, 8)


async def test_no_more_run_at_once_than_the_window(recorder):
    await recorder.send(*"abcdef", how="waits")
    async with running_worker(recorder.worker(window=2)):
        await until(lambda: len(recorder.began) == 2)
        await asyncio.sleep(0.03)
        assert len(recorder.began) == 2
        recorder.go.set()
        await until(lambda: len(recorder.ended) == 6)
    assert recorder.most == 2


@pytest.mark.parametrize("arguments", [("a", "fails"), ("too", "many", "arguments")])
async def test_an_actor_that_fails_is_logged_and_acknowledged_and_the_others_go_on(recorder, caplog, arguments):
    async with running_worker(recorder.worker(window=1)):
        with caplog.at_level(logging.ERROR):
            await asyncio.to_thread(recorder.broker.enqueue, recorder.actor.message(*arguments))
            await recorder.send("b")
            await until(lambda: "b" in recorder.ended and not recorder.unacknowledged())
    (record,) = caplog.records
    assert "an actor failed" in record.getMessage()
    assert record.exc_info is not None
    assert recorder.waiting() == 0
    assert recorder.broker.client.exists("test:outcomes.0.XQ") == 0


async def test_closing_lets_actors_finish_and_gives_back_what_was_not_begun(recorder, redis_url):
    await recorder.send("a", "b", how="waits")
    await recorder.send("c", "d", how="waits", queue=QUEUES[1])
    worker = recorder.worker(window=1)
    async with running_worker(worker):
        # One of each queue was taken, and there is room for one: the other one waits for it.
        await until(
            lambda: worker.work_queue.unfinished_tasks == 2 and not worker.work_queue.qsize() and recorder.began
        )
        closing = asyncio.create_task(worker.close())
        await until(lambda: worker.work_queue.qsize() == 1)
        assert not closing.done()
        recorder.go.set()
        await closing
    (first,) = recorder.ended
    assert recorder.deadlines == 0
    assert (recorder.waiting(), recorder.unacknowledged()) == (3, 0)
    async with recording(redis_url) as second:
        second.go.set()
        async with running_worker(second.worker()):
            await until(lambda: len(second.ended) == 3)
    assert sorted([first, *second.ended]) == ["a", "b", "c", "d"]


async def test_what_does_not_finish_in_time_is_aborted_on_the_loop(recorder, caplog):
    await recorder.send("a", how="waits")
    async with running_worker(recorder.worker(drain_seconds=2)):
        await until(lambda: recorder.began)
        closing = time.monotonic()
    assert time.monotonic() - closing >= (1 - ABORT_SHARE) * 2
    assert (recorder.deadlines, recorder.ended) == (1, ["a"])
    assert (recorder.waiting(), recorder.unacknowledged()) == (0, 0)
    assert "did not finish" not in caplog.text


async def test_what_does_not_finish_even_then_is_logged_and_goes_back_to_the_queue(recorder, redis_url, caplog):
    await recorder.send("a", how="never ends")
    async with running_worker(recorder.worker(drain_seconds=0.1)):
        await until(lambda: recorder.began)
    assert recorder.ended == [], "nothing is cancelled: it may be in a transaction"
    assert "1 actors did not finish in time" in caplog.text
    assert (recorder.waiting(), recorder.unacknowledged()) == (1, 0)


async def test_closing_while_redis_is_away_ends_without_an_error(recorder, redis_server):
    await recorder.send("a", how="waits")
    await recorder.send("b", how="waits", queue=QUEUES[1])
    await recorder.send("later", delay=60_000)
    async with running_worker(recorder.worker(window=1, drain_seconds=0.5)):
        # One message runs, one waits for its slot, and one for its time.
        await until(lambda: recorder.began and recorder.unacknowledged() == 3)
        redis_server.stop()
        recorder.go.set()
    assert len(recorder.ended) in (1, 2)


async def test_delayed_messages_go_back_too(recorder, redis_url):
    def delayed():
        return recorder.broker.client.llen("test:outcomes.0.DQ")

    async with running_worker(recorder.worker()):
        await recorder.send("later", delay=60_000)
        await until(lambda: recorder.unacknowledged() == 1)
    assert (recorder.began, delayed(), recorder.unacknowledged()) == ([], 1, 0)
    async with recording(redis_url) as second, running_worker(second.worker()):
        await until(lambda: second.unacknowledged() == 1)
        assert delayed() == 0


async def test_a_redis_that_is_away_as_a_delayed_message_comes_due_costs_no_consumer(recorder, redis_server):
    worker = recorder.worker()
    # So it has no reason to fetch, and meets the loss with the message that is due in its hands.
    worker.delay_prefetch = 2
    async with running_worker(worker):
        await recorder.send("due", delay=500)
        await recorder.send("far", delay=60_000)
        await until(lambda: recorder.unacknowledged() == 2)
        consumer = worker.consumers["outcomes.0.DQ"]
        alarms = consumer.delay_queue
        redis_server.stop()
        await until(lambda: consumer.delay_queue is not alarms or not consumer.is_alive())
        redis_server.start()
        await recorder.send("after", delay=20)
        await until(lambda: "after" in recorder.ended)
        assert all(thread.is_alive() for thread in worker.consumers.values())


async def test_a_worker_that_is_idle_or_was_just_started_closes_and_leaves_no_thread_behind(recorder):
    before = set(threading.enumerate())
    async with running_worker(recorder.worker(drain_seconds=3600.0)):
        pass
    async with running_worker(recorder.worker(drain_seconds=3600.0)):
        await recorder.send("a")
        await until(lambda: recorder.ended)
        assert set(threading.enumerate()) > before
    # The pool that asyncio.to_thread() keeps is the loop's own.
    await until(lambda: {t for t in set(threading.enumerate()) - before if not t.name.startswith("asyncio_")} == set())


# --- What it reports of its threads and their Redis ---


async def test_the_trouble_of_the_consumers_shows_until_they_are_back(recorder, redis_server):
    async with running_worker(recorder.worker()) as worker:
        redis_server.stop()
        await until(lambda: worker.client.trouble is not None)
        with pytest.raises(dramatiq.ConnectionClosed, match=r"ConnectionError: .*(refused|closed|reset)"):
            await worker.watch(stopped())
        redis_server.start()
        await until(lambda: worker.client.trouble is None)
        await worker.watch(stopped())


async def test_a_fault_that_dramatiq_does_not_expect_is_waited_out_too(recorder):
    """A server that takes no writes for a while: no memory, no disk, a replica that is about to become the primary."""
    client = recorder.broker.client
    async with running_worker(recorder.worker()) as worker:
        await recorder.send("far", delay=60_000)
        await until(lambda: recorder.unacknowledged() == 1)
        client.config_set("maxmemory", 1)
        await until(lambda: worker.client.trouble is not None)
        client.config_set("maxmemory", 0)
        await recorder.send("after", delay=20)
        await until(lambda: "after" in recorder.ended)
        assert all(thread.is_alive() for thread in worker.consumers.values())


async def test_a_thread_that_died_ends_the_process(recorder):
    async with running_worker(recorder.worker()) as worker:
        worker.consumers["outcomes.1"].stop()
        await until(lambda: not worker.consumers["outcomes.1"].is_alive())
        with pytest.raises(ThreadDiedError) as died:
            await worker.watch(stopped())
    assert is_data_fault(died.value), "or its loop would go on"


# --- Whether it looks at its queues ---


async def test_a_worker_whose_actors_all_wait_for_ever_no_longer_looks_at_its_queue(recorder):
    worker = recorder.worker(window=2)
    async with running_worker(worker):
        await until(lambda: set(recorder.broker.looked) == {*QUEUES, *(f"{queue}.DQ" for queue in QUEUES)})
        assert worker.looks()
        await recorder.send(*"abcdef", how="waits")
        await until(lambda: len(recorder.began) == 2 and recorder.waiting() == 4)
        before = recorder.broker.looked[QUEUES[0]]
        await asyncio.sleep(0.03)
        assert recorder.broker.looked[QUEUES[0]] == before, "it has all that it may have"
        recorder.broker.looked[QUEUES[0]] -= STUCK
        assert not worker.looks()
        recorder.go.set()
        await until(worker.looks)


async def test_a_worker_that_misses_redis_is_not_stuck(recorder, redis_server):
    worker = recorder.worker()
    async with running_worker(worker):
        redis_server.stop()
        await until(lambda: worker.client.trouble is not None)
        for queue in recorder.broker.looked:
            recorder.broker.looked[queue] -= STUCK
        assert worker.looks()
        redis_server.start()
        await until(lambda: worker.client.trouble is None)
        await until(worker.looks)


async def test_a_queue_message_that_cannot_be_worked_on_is_dropped_and_its_neighbours_run(recorder):
    client = recorder.broker.client
    for number, data in enumerate((b"no JSON", b"{}")):
        client.hset(f"test:{QUEUES[0]}.msgs", f"x{number}", data)
        client.rpush(f"test:{QUEUES[0]}", f"x{number}")
    await recorder.send("after")
    with structlog.testing.capture_logs() as logs:
        async with running_worker(recorder.worker()):
            await until(lambda: recorder.ended == ["after"])
            await until(lambda: not recorder.unacknowledged())
    assert client.hlen(f"test:{QUEUES[0]}.msgs") == 0
    assert [line["reason"] for line in logs if line["event"] == "a queue message was refused"] == [
        "it cannot be read (DecodeError)",
        "it cannot be read (DecodeError)",
    ]
