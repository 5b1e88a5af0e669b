"""A real broker with one actor, and the worker that runs it on the loop."""

import asyncio
import contextvars
import threading
import time
from contextlib import asynccontextmanager

import dramatiq

from daemon.queue.broker import dramatiq_broker
from daemon.queue.worker import LoopWorker

QUEUES = ("outcomes.0", "outcomes.1")
#: Seconds within which something must happen that happens within tenths of one.
PATIENCE = 20.0

maker = contextvars.ContextVar("maker", default="unset")


class Recorder:
    """A broker with one actor, which records its calls and does as its argument says."""

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
        return LoopWorker(self.broker, drain_seconds=drain_seconds, on_deadline=self._abort, window=window, **how)

    def _abort(self) -> None:
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
async def recording(url: str):
    opened = Recorder(url)
    try:
        yield opened
    finally:
        await asyncio.to_thread(opened.broker.close)


async def until(predicate, patience: float = PATIENCE) -> None:
    deadline = time.monotonic() + patience
    while not predicate():
        assert time.monotonic() < deadline, "it did not happen"
        await asyncio.sleep(0.005)
