"""
Dramatiq's worker, whose actors run on the daemon's own loop instead of blocking a thread each.

Dramatiq keeps fetching, delaying, heartbeats, acks and requeues; only "block on the coroutine" is replaced by "schedule
it". Pinned to 2.2, whose private names it uses: ``Worker._add_worker``, ``.queue_prefetch``, ``.delay_prefetch``;
``WorkerThread.process_message``, ``.run``; ``_WorkQueueItem``; ``Actor.fn.__wrapped__``.
"""

import asyncio
import contextvars
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from queue import SimpleQueue
from threading import Semaphore, Thread
from typing import Any, cast

from dramatiq import MessageProxy
from dramatiq.errors import ConnectionClosed
from dramatiq.worker import Worker, WorkerThread, _WorkQueueItem

from daemon.infra.loop import STUCK
from daemon.infra.stop import Stop
from daemon.queue.broker import Broker, BrokerClient

#: Milliseconds between two checks whether to stop. The broker decides how often a queue is fetched from.
POLL_MS = 100
#: Dramatiq's limit. With a smaller one, messages that are due late would hide those that are due soon.
DELAY_PREFETCH = 65_535
#: Threads that acknowledge messages: calls of Redis that block.
ACKNOWLEDGERS = 2
#: Seconds for acknowledgements, at least, once all actors have ended.
ACKNOWLEDGE_TIME = 0.5
#: Seconds between two checks of the threads.
WATCH_EVERY = 1.0
#: The part of the drain that is reserved for ending aborted actors.
ABORT_SHARE = 0.3


class ThreadDiedError(ValueError):
    """A thread of the worker died; the process ends, so that a new one starts with all of them."""


class LoopWorker(Worker):
    """
    To be made on the loop, inside the context (database connections) that actors use.

    *drain_seconds*: how long :meth:`close` lets actors finish. *on_deadline*: aborts them, on the loop. *window*: how
    many messages run at once, and are fetched ahead of each queue.
    """

    def __init__(self, broker: Broker, *, drain_seconds: float, on_deadline: Callable[[], None], window: int) -> None:
        super().__init__(broker, worker_threads=1, worker_timeout=POLL_MS)
        self.client = cast("BrokerClient", broker.client)
        self.acknowledgers: list[Thread] = []
        self.queue_prefetch = window
        self.delay_prefetch = DELAY_PREFETCH
        self.window = window
        self.drain_seconds = drain_seconds
        self.on_deadline = on_deadline
        self.loop = asyncio.get_running_loop()
        self.context = contextvars.copy_context()

    def _add_worker(self) -> None:
        thread = LoopThread(self)
        thread.start()
        self.workers.append(thread)

    def spent(self, seconds: float) -> None:
        """Subtract what the stop has used already from the drain."""
        self.drain_seconds = max(0.0, self.drain_seconds - seconds)

    async def close(self) -> None:
        """Stop fetching, let actors finish, requeue messages that were not begun. On another thread: stop() blocks."""
        # While Redis is away, Dramatiq logs that it could requeue nothing. Another worker takes these messages once
        # this one's heartbeat is missing, and the dispatcher enqueues again what is due.
        await asyncio.to_thread(self.stop, int((self.drain_seconds + 5) * 1000))

    def stop(self, timeout: int = 600_000) -> None:
        cast("Broker", self.broker).end_waits()
        super().stop(timeout)

    async def watch(self, stop: Stop) -> None:
        """
        Check the threads and their Redis once, sleep.

        Raises:
            ConnectionClosed: Redis failed them the last time, or one queue of several; they retry by themselves.
            ThreadDiedError: A thread ended.
        """
        if not all(thread.is_alive() for thread in (*self.workers, *self.consumers.values(), *self.acknowledgers)):
            raise ThreadDiedError("a thread of the queue worker died: see the log")
        if (trouble := cast("Broker", self.broker).occupied() or self.client.trouble) is not None:
            raise ConnectionClosed(trouble)  # type: ignore[no-untyped-call]
        await stop.sleep(WATCH_EVERY)

    def looks(self) -> bool:
        """
        Whether it has asked each queue for messages lately: not if all it has taken never ends.

        A lost Redis is no fault of the worker's.
        """
        last = min(cast("Broker", self.broker).looked.values(), default=time.monotonic())
        return self.client.trouble is not None or time.monotonic() - last < STUCK

    def start_and_wait(self) -> None:
        """Start, and wait until each thread has begun: one that is stopped before would not notice."""
        self.start()
        for thread in (*self.workers, *self.consumers.values()):
            while not getattr(thread, "running", False) and thread.is_alive():
                time.sleep(0.001)


class LoopThread(WorkerThread):
    """Takes messages off Dramatiq's work queue and hands them to the loop."""

    def __init__(self, worker: LoopWorker) -> None:
        super().__init__(
            broker=worker.broker,
            consumers=worker.consumers,
            work_queue=worker.work_queue,
            worker_timeout=worker.worker_timeout,
        )
        self._worker = worker
        self._slots = Semaphore(worker.window)
        self._tasks: dict[asyncio.Task[None], MessageProxy] = {}
        self._ended: SimpleQueue[tuple[MessageProxy, BaseException | None] | None] = SimpleQueue()
        # Daemon threads: an acknowledgement that waits for a lost Redis must not keep the process alive.
        self._acknowledgers = worker.acknowledgers = [
            Thread(target=self._acknowledge, name=f"ack-{number}", daemon=True) for number in range(ACKNOWLEDGERS)
        ]

    def run(self) -> None:
        for thread in self._acknowledgers:
            thread.start()
        super().run()
        self._drain()

    def process_message(self, message: MessageProxy) -> None:
        """Wait, in this thread, for a free slot, then hand the message to the loop."""
        while not self._slots.acquire(timeout=self.timeout):
            if not self.running:
                self._give_back(message)
                return
        try:
            self.broker.emit_before("process_message", message)
        except Exception as error:  # noqa: BLE001 - as Dramatiq does: middleware may raise anything
            self._end(message, error)
            return
        self._worker.loop.call_soon_threadsafe(self._spawn, message, context=self._worker.context)

    def _spawn(self, message: MessageProxy) -> None:
        """Run the actor on the loop; its task has a copy of the current context."""
        actor: Any = self.broker.get_actor(message.actor_name)
        try:
            coroutine = actor.fn.__wrapped__(*message.args, **message.kwargs)
        except TypeError as error:  # a message of another release, with other arguments
            self._end(message, error)
            return
        task = self._worker.loop.create_task(coroutine)
        self._tasks[task] = message
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._end(self._tasks.pop(task), None if task.cancelled() else task.exception())

    def _end(self, message: MessageProxy, error: BaseException | None) -> None:
        # Before the acknowledgement, which may wait for a lost Redis: Dramatiq's prefetch bounds those.
        self._slots.release()
        self._ended.put((message, error))

    def _acknowledge(self) -> None:
        """Call middleware and Redis, off the loop."""
        while (ended := self._ended.get()) is not None:
            self._finish(*ended)

    def _finish(self, message: MessageProxy, error: BaseException | None) -> None:
        try:
            if error is None:
                self.broker.emit_after("process_message", message, result=None)
            else:
                self.logger.error("an actor failed on message %s", message, exc_info=error)
                message.stuff_exception(error)
                self.broker.emit_after("process_message", message, exception=error)
        finally:
            # Acknowledged also after an error: the row is still dirty, and the dispatcher enqueues it again.
            self.consumers[message.queue_name].post_process_message(message)
            self.work_queue.task_done()
            message.clear_exception()

    def _give_back(self, message: MessageProxy) -> None:
        """``Worker.stop`` requeues what it finds here once this thread has ended."""
        self.work_queue.put(_WorkQueueItem(0, message))

    def _drain(self) -> None:
        """Two deadlines: let actors finish, then abort their waits. None is cancelled: it may be in a transaction."""
        started, drain = time.monotonic(), self._worker.drain_seconds
        free = self._free_slots(0, started + drain * (1 - ABORT_SHARE))
        if free < self._worker.window:
            self._worker.loop.call_soon_threadsafe(self._worker.on_deadline)
            free = self._free_slots(free, started + drain)
        if free < self._worker.window:
            self.logger.error("%d actors did not finish in time", self._worker.window - free)
            for message in list(self._tasks.values()):
                self._give_back(message)
        for _ in self._acknowledgers:
            self._ended.put(None)
        for thread in self._acknowledgers:
            thread.join(timeout=max(ACKNOWLEDGE_TIME, started + drain - time.monotonic()))

    def _free_slots(self, free: int, deadline: float) -> int:
        while free < self._worker.window and self._slots.acquire(timeout=max(0.0, deadline - time.monotonic())):
            free += 1
        return free


@asynccontextmanager
async def running_worker(worker: LoopWorker) -> AsyncIterator[LoopWorker]:
    """Start the worker, and drain it at the end."""
    await asyncio.to_thread(worker.start_and_wait)
    try:
        yield worker
    finally:
        await worker.close()
