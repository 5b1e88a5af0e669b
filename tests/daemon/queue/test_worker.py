"""Dramatiq's worker with its actors on the loop, against real servers."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import logging
import threading
import time
from contextlib import asynccontextmanager

import dramatiq
import pytest
from dramatiq import worker as dramatiqs

from daemon.infra.errors import is_data_fault
from daemon.infra.stop import Stop
from daemon.queue.broker import dramatiq_broker
from daemon.queue.worker import ABORT_SHARE, DELAY_PREFETCH, LoopThread, LoopWorker, ThreadDiedError, running_worker

QUEUES = ("outcomes.0", "outcomes.1")
#: Seconds within which something must happen that happens within tenths of one.
PATIENCE = 20.0

maker = contextvars.ContextVar("maker", default="nobody")


class House:
    """A broker with one actor, which notes its calls and does as its argument says."""

    def __init__(self, url: str) -> None:
        self.broker = dramatiq_broker(url, "test")
        for queue in QUEUES:
            self.broker.declare_queue(queue)
        self.began: list[str] = []
        self.ended: list[str] = []
        self.seen: list[tuple[str, threading.Thread]] = []
        self.most = 0
        self.go = asyncio.Event()
        self.deadlines = 0

        async def act(name: str, how: str = "") -> None:
            self.seen.append((maker.get(), threading.current_thread()))
            self.began.append(name)
            self.most = max(self.most, len(self.began) - len(self.ended))
            try:
                if how == "waits":
                    await self.go.wait()
                elif how == "never ends":
                    await asyncio.Event().wait()
                elif how == "fails":
                    raise RuntimeError(f"{name} failed")
            finally:
                self.ended.append(name)

        self.actor = dramatiq.actor(broker=self.broker, queue_name=QUEUES[0])(act)

    async def send(self, *names: str, how: str = "", queue: str = QUEUES[0], delay: int | None = None) -> None:
        for name in names:
            message = self.actor.message(name, how).copy(queue_name=queue)
            await asyncio.to_thread(self.broker.enqueue, message, delay=delay)

    def worker(self, *, drain_seconds: float = 10.0, window: int = 8, **how) -> LoopWorker:
        return LoopWorker(self.broker, drain_seconds=drain_seconds, on_deadline=self._hurry, window=window, **how)

    def _hurry(self) -> None:
        assert asyncio.get_running_loop() is not None
        self.deadlines += 1
        self.go.set()

    def waiting(self) -> int:
        """Messages on the queues of Redis that no worker has taken."""
        return sum(self.broker.client.llen(f"test:{queue}") for queue in QUEUES)

    def unacknowledged(self) -> int:
        """Messages that a worker took and did not acknowledge."""
        return sum(self.broker.client.scard(key) for key in self.broker.client.scan_iter("test:__acks__.*"))


@asynccontextmanager
async def house(url: str):
    opened = House(url)
    try:
        yield opened
    finally:
        await asyncio.to_thread(opened.broker.close)


@pytest.fixture
async def home(redis_url):
    async with house(redis_url) as opened:
        yield opened


async def until(predicate, patience: float = PATIENCE) -> None:
    deadline = time.monotonic() + patience
    while not predicate():
        assert time.monotonic() < deadline, "it did not happen"
        await asyncio.sleep(0.005)


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


async def test_what_an_actor_sets_in_its_context_no_other_one_sees(home):
    async def sets() -> None:
        home.seen.append((maker.get(), threading.current_thread()))
        maker.set("the actor")

    actor = dramatiq.actor(broker=home.broker, queue_name=QUEUES[0])(sets)
    async with running_worker(home.worker()):
        for _ in range(2):
            await asyncio.to_thread(home.broker.enqueue, actor.message())
        await until(lambda: len(home.seen) == 2)
    assert [seen for seen, _ in home.seen] == ["nobody", "nobody"]


async def test_a_delayed_message_runs_at_its_time(home):
    sent = time.monotonic()
    async with running_worker(home.worker()):
        await home.send("later", delay=200)
        await home.send("now")
        await until(lambda: len(home.ended) == 2)
        assert time.monotonic() - sent >= 0.2
    assert home.ended == ["now", "later"]


async def test_a_far_alarm_does_not_hide_a_near_one(home):
    worker = home.worker()
    assert (worker.delay_prefetch, worker.queue_prefetch) == (DELAY_PREFETCH, 8)
    assert DELAY_PREFETCH == 65_535


async def test_no_more_are_in_hand_at_once_than_the_window(home):
    await home.send(*"abcdef", how="waits")
    async with running_worker(home.worker(window=2)):
        await until(lambda: len(home.began) == 2)
        await asyncio.sleep(0.03)
        assert len(home.began) == 2
        home.go.set()
        await until(lambda: len(home.ended) == 6)
    assert home.most == 2


async def test_an_actor_that_fails_is_logged_and_acknowledged_and_the_others_go_on(home, caplog):
    async with running_worker(home.worker(window=1)):
        with caplog.at_level(logging.ERROR):
            await home.send("a", how="fails")
            await home.send("b")
            await until(lambda: len(home.ended) == 2 and not home.unacknowledged())
    (record,) = caplog.records
    assert "an actor failed" in record.getMessage()
    assert "a failed" in str(record.exc_info[1])
    assert home.waiting() == 0
    assert home.broker.client.exists("test:outcomes.0.XQ") == 0


async def test_a_message_that_its_actor_cannot_take_is_logged_and_acknowledged_and_the_others_go_on(home, caplog):
    async with running_worker(home.worker(window=1)):
        with caplog.at_level(logging.ERROR):
            await asyncio.to_thread(home.broker.enqueue, home.actor.message("too", "many", "arguments"))
            await home.send("b")
            await until(lambda: home.ended == ["b"] and not home.unacknowledged())
    assert "an actor failed" in caplog.text


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


async def test_who_does_not_finish_in_time_is_made_to_hurry_on_the_loop(home, caplog):
    await home.send("a", how="waits")
    async with running_worker(home.worker(drain_seconds=2)):
        await until(lambda: home.began)
        closing = time.monotonic()
    assert time.monotonic() - closing >= (1 - ABORT_SHARE) * 2
    assert (home.deadlines, home.ended) == (1, ["a"])
    assert (home.waiting(), home.unacknowledged()) == (0, 0)
    assert "did not finish" not in caplog.text


async def test_what_does_not_finish_even_then_is_told_and_goes_back_to_the_queue(home, redis_url, caplog):
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
    async with running_worker(home.worker()):
        await home.send("later", delay=300)
        await until(lambda: home.broker.client.llen("test:outcomes.0.DQ") == 0)
    assert home.began == []
    async with house(redis_url) as second, running_worker(second.worker()):
        await until(lambda: second.ended == ["later"])


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


# --- Watching ---


async def test_a_worker_that_works_has_no_trouble(home):
    async with running_worker(home.worker()) as worker:
        await until(lambda: worker.client.trouble is None)
        await worker.watch(hurried())


async def test_the_trouble_of_the_consumers_shows_until_they_are_back(home, redis_server):
    async with running_worker(home.worker()) as worker:
        redis_server.stop()
        await until(lambda: worker.client.trouble is not None)
        with pytest.raises(dramatiq.ConnectionClosed, match=r"ConnectionError: .*(refused|closed|reset)"):
            await worker.watch(hurried())
        redis_server.start()
        await until(lambda: worker.client.trouble is None)
        await worker.watch(hurried())


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
            await worker.watch(hurried())
    assert is_data_fault(died.value), "or its loop would go on"


def hurried():
    """A stop that is set: nobody sleeps."""
    stop = Stop()
    stop.set()
    return stop


async def test_an_idle_worker_closes_at_once_and_leaves_no_thread_behind(home):
    before = set(threading.enumerate())
    async with running_worker(home.worker()):
        await home.send("a")
        await until(lambda: home.ended)
        assert set(threading.enumerate()) > before
        closing = time.monotonic()
    assert time.monotonic() - closing < 5
    # The pool that asyncio.to_thread() keeps is the loop's own.
    await until(lambda: {t for t in set(threading.enumerate()) - before if not t.name.startswith("asyncio_")} == set())


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
def test_a_method_of_dramatiqs_that_the_worker_leans_on_is_there(owner, name):
    assert inspect.isfunction(getattr(owner, name))


@pytest.mark.parametrize(
    "name", ["workers", "consumers", "work_queue", "worker_timeout", "broker", "queue_prefetch", "delay_prefetch"]
)
async def test_an_attribute_of_dramatiqs_worker_that_ours_leans_on_is_there(home, name):
    assert name in vars(dramatiqs.Worker(home.broker, worker_threads=1))


@pytest.mark.parametrize("name", ["running", "timeout", "logger", "broker", "consumers", "work_queue"])
async def test_an_attribute_of_dramatiqs_worker_thread_that_ours_leans_on_is_there(home, name):
    thread = dramatiqs.WorkerThread(broker=home.broker, consumers={}, work_queue=None, worker_timeout=100)
    assert name in vars(thread)


async def test_a_work_queues_item_is_made_of_a_priority_and_a_message(home):
    item = dramatiqs._WorkQueueItem(0, "message")
    assert (item.priority, item.message) == (0, "message")


async def test_an_actors_coroutine_function_is_beneath_dramatiqs_wrapper(home):
    assert inspect.iscoroutinefunction(home.actor.fn.__wrapped__)


async def test_the_one_thread_of_a_worker_is_ours(home):
    worker = home.worker()
    async with running_worker(worker):
        assert [type(thread) for thread in worker.workers] == [LoopThread]
        await home.send("a")
        await until(lambda: home.ended)


async def test_a_worker_that_is_closed_as_soon_as_it_was_started_ends_at_once(home):
    started = time.monotonic()
    async with running_worker(home.worker(drain_seconds=60.0)):
        pass
    assert time.monotonic() - started < 30
