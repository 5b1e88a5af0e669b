"""
Intake: reads the stream in order and applies each entry once.

Each batch is one transaction that locks the position's row first. With several daemons one does intake, and any other
takes over at once.
"""

import random
from collections.abc import Awaitable, Callable, Sequence

import structlog
from redis.exceptions import ResponseError
from tortoise.transactions import in_transaction

from actors.failpoints import Reached, pass_by
from actors.metrics import Metrics
from daemon.infra.stop import Stop
from daemon.ingest.apply import Applier
from daemon.ingest.batch import Batches, Entry, PositionMovedError
from daemon.ingest.catch_up import CatchUp
from daemon.ingest.stream import STREAM_START, Look, Stream
from models.changes import Dirty
from models.db.clock import Clock
from models.stream_position import Position, lock_position, move_position, read_position

log = structlog.get_logger(__name__)

#: Entries a transaction: at first, since each may have megabytes, and at most.
FIRST_BATCH, BATCH = 8, 200
#: Bytes that a batch should not exceed; the next one asks for fewer entries.
BATCH_BYTES = 16 * 1024 * 1024
#: Milliseconds that a read waits for news.
BLOCK_MS = 1000
#: Seconds that a daemon stands back when another one does intake.
STAND_BACK = 1.0
#: Seconds between two trims.
TRIM_EVERY = 60.0


class IntakeLoop:
    """
    The loop that reads the stream.

    Args:
        enqueue: Sends messages for changed assignments; called after the commit, and allowed to fail: the dispatcher
            finds what is due.
        keep_days: How long applied entries stay in the stream.
        reached: Told of each point that a batch comes by.
    """

    def __init__(
        self,
        stream: Stream,
        applier: Applier,
        *,
        clock: Clock,
        backlog: CatchUp,
        metrics: Metrics,
        enqueue: Callable[[Sequence[Dirty]], Awaitable[None]],
        keep_days: float,
        reached: Reached = pass_by,
    ) -> None:
        self._stream = stream
        self._batches = Batches(
            applier, clock=clock, backlog=backlog, metrics=metrics, enqueue=enqueue, reached=reached
        )
        self._clock = clock
        self._backlog = backlog
        self._metrics = metrics
        self.keep(keep_days)
        self._reached = reached
        self._trim_at = 0.0
        self._batch = FIRST_BATCH
        self._gap_told: str | None = None

    def keep(self, days: float) -> None:
        """Keep applied entries in the stream for so long from now on."""
        self._keep_ms = int(days * 86_400_000)

    async def step(self, stop: Stop) -> None:
        """One look at the stream and what follows from it; waits up to :data:`BLOCK_MS` when there is no news."""
        position = await read_position()
        look = await self._look(position.entry_id)
        if look.was_reset(position.entry_id):
            await self._start_over(position)
            return
        if look.has_gap(position.entry_id) and self._gap_told != position.entry_id:
            self._gap_told = position.entry_id
            self._metrics.stream_gaps.inc()
            log.warning(
                "the last entry that was read is gone from the stream; entries after it may be lost", **_at(position)
            )
        self._backlog.saw(position.epoch, position.entry_id, look)
        await self._trim()
        if not look.entries:
            await self._stream.wait(position.entry_id, BLOCK_MS)
            return
        self._size_next(look.entries)
        self._reached("stream read")
        try:
            await self.take(position, look.entries)
        except PositionMovedError:
            await stop.sleep(STAND_BACK * (1 + random.random()))  # noqa: S311 - jitter

    async def _look(self, position: str) -> Look:
        try:
            return await self._stream.look(position, self._batch)
        except Exception:
            # Perhaps there was more than can be read in time.
            self._batch = max(1, self._batch // 4)
            raise

    async def take(self, position: Position, entries: Sequence[Entry]) -> None:
        """Apply a batch that was read at *position*."""
        await self._batches.take(position, entries)

    async def _start_over(self, position: Position) -> None:
        """The stream is a new one: read it from its start."""
        async with in_transaction():
            if await lock_position() != position:
                return
            await move_position(position.epoch + 1, STREAM_START)
        self._metrics.stream_resets.inc()
        log.error("the stream was reset: reading it from its start", **_at(position))

    async def _trim(self) -> None:
        if self._clock.monotonic() < self._trim_at:
            return
        self._trim_at = self._clock.monotonic() + TRIM_EVERY
        position = await read_position()
        try:
            trimmed = await self._stream.trim(position.entry_id, before_ms=self._clock.now() - self._keep_ms)
        except ResponseError as error:
            # Reading goes on: a stream that grows is a lesser evil than grades that wait.
            log.warning("old entries could not be trimmed from the stream", error=error)
            return
        if trimmed:
            log.info("old entries were trimmed from the stream", entries=trimmed)

    def _size_next(self, entries: Sequence[Entry]) -> None:
        size = sum(len(value) for _, fields in entries for value in fields.values())
        self._batch = max(1, self._batch // 4) if size > BATCH_BYTES else min(BATCH, self._batch * 2)


def _at(position: Position) -> dict[str, int | str]:
    return {"epoch": position.epoch, "position": position.entry_id}
