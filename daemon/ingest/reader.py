"""
Intake: reads the stream in order and applies each entry once.

Each batch is one transaction that locks the position's row first. One of several daemons does intake at a time; another
takes over at once.
"""

import random

import structlog
from redis.exceptions import ResponseError
from tortoise.transactions import in_transaction

from daemon.infra.stop import Stop
from daemon.ingest.batch import Batches, PositionMovedError
from daemon.ingest.ownership import Ownership
from daemon.ingest.stream import STREAM_START, Stream, StreamRead
from models.stream_position import Position, lock_position, move_position, read_position

log = structlog.get_logger(__name__)

#: Entries a transaction, at most: few enough that nothing waits long for the rows that they change, and enough that the
#: turns of the loop for which each statement waits behind the requests do not hold them up. :meth:`Stream.read` bounds
#: their bytes.
BATCH = 500
#: Milliseconds that a read waits for new entries.
BLOCK_MS = 1000
#: Seconds that a daemon waits when another one does intake.
BACK_OFF = 1.0
#: Seconds between two looks at a stream that this daemon may not read.
LOOK_AGAIN = 0.5
#: Seconds between two trims.
TRIM_EVERY = 60.0


class IntakeLoop:
    """The loop that reads the stream. *keep_days*, for how long applied entries stay in it, may change at any time."""

    def __init__(self, stream: Stream, batches: Batches, ownership: Ownership, *, keep_days: float) -> None:
        self._stream = stream
        self._ownership = ownership
        self._batches = batches
        self._clock = batches.clock
        self._metrics = batches.metrics
        self.keep_days = keep_days
        self._trim_at = 0.0
        self._batch = BATCH
        self._gap_reported: str | None = None

    async def step(self, stop: Stop) -> None:
        """Read and apply one batch; wait up to :data:`BLOCK_MS` when there is no new entry."""
        position = await read_position()
        seen = await self._read(position.entry_id)
        if not await self._ownership.confirm(position, seen.owner):
            await stop.sleep(LOOK_AGAIN)
            return
        if seen.was_reset(position.entry_id):
            await self._start_over(position)
            return
        if seen.has_gap(position.entry_id) and self._gap_reported != position.entry_id:
            self._gap_reported = position.entry_id
            self._metrics.stream_gaps.inc()
            log.warning(
                "the last entry that was read is gone from the stream; entries after it may be lost", **_at(position)
            )
        self._batches.backlog.observe(position.epoch, position.entry_id, seen)
        await self._trim()
        if not seen.entries:
            await self._stream.wait(position.entry_id, BLOCK_MS)
            return
        self._batch = min(BATCH, self._batch * 2)
        self._batches.hit("stream read")
        try:
            await self._batches.take(position, seen.entries)
        except PositionMovedError:
            await stop.sleep(BACK_OFF * (1 + random.random()))  # noqa: S311 - jitter

    async def _read(self, position: str) -> StreamRead:
        try:
            return await self._stream.read(position, self._batch)
        except Exception:
            # There may be more than can be read in time.
            self._batch = max(1, self._batch // 4)
            raise

    async def _start_over(self, position: Position) -> None:
        """Read a new stream from its start."""
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
        before_ms = self._clock.now() - int(self.keep_days * 86_400_000)
        position = await read_position()
        try:
            trimmed = await self._stream.trim(position.entry_id, before_ms=before_ms)
        except ResponseError as error:
            # Intake goes on: a growing stream is better than waiting grades.
            log.warning("old entries could not be trimmed from the stream", error=error)
            return
        if trimmed:
            log.info("old entries were trimmed from the stream", entries=trimmed)


def _at(position: Position) -> dict[str, int | str]:
    return {"epoch": position.epoch, "position": position.entry_id}
