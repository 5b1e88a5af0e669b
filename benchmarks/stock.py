"""
The daemon with Dramatiq's own worker threads, each of which waits for its actor: what our worker is measured against.

Run like the daemon: ``python -m benchmarks.stock run --config FILE``.
"""

import asyncio
from typing import Any

from dramatiq import MessageProxy
from dramatiq.worker import Worker, WorkerThread

from daemon import lifespan
from daemon.cli import main
from daemon.queue import worker

#: Threads, each of which works on one message.
THREADS = 64


class _Thread(WorkerThread):
    """Dramatiq's own but for where the actor runs: on the daemon's loop, as with Dramatiq's own AsyncIO middleware."""

    owner: Any

    def process_message(self, message: MessageProxy) -> None:
        actor: Any = self.broker.get_actor(message.actor_name)
        self._run(actor.fn.__wrapped__, message.args).result()
        self.consumers[message.queue_name].post_process_message(message)
        self.work_queue.task_done()

    def _run(self, function: Any, arguments: Any) -> Any:
        async def run() -> None:
            await asyncio.get_running_loop().create_task(function(*arguments), context=self.owner.context.copy())

        return asyncio.run_coroutine_threadsafe(run(), self.owner.loop)


class _Stock(worker.LoopWorker):
    def _add_worker(self) -> None:
        if self.workers:
            return
        for _ in range(THREADS):
            thread = _Thread(
                broker=self.broker,
                consumers=self.consumers,
                work_queue=self.work_queue,
                worker_timeout=self.worker_timeout,
            )
            thread.owner = self
            thread.start()
            self.workers.append(thread)

    def start_and_wait(self) -> None:
        Worker.start(self)


if __name__ == "__main__":
    lifespan.LoopWorker = _Stock  # type: ignore[misc]
    main()
