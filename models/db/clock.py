"""
One clock for all daemons: this machine's monotonic clock plus the database's time of day.

So a daemon with a wrong clock cannot steal another's claim, and a clock that is set back has no effect meanwhile. When
the database's own clock steps, :mod:`models.clock_watch` moves the times that are stored.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from models.db.sql import Statement

#: Seconds. The time in a slower answer is too inexact.
MAX_ROUND_TRIP = 0.5

#: The database's time, milliseconds since 1970. clock_timestamp() and not now(), which is the transaction's start.
NOW_POSTGRES = "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)"
NOW_SQLITE = "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)"

_STEPS = "COALESCE((SELECT steps FROM clock_watch WHERE id = 1), 0) AS steps"
_NOW = Statement(f"SELECT {NOW_POSTGRES} AS now, {_STEPS}", sqlite=f"SELECT {NOW_SQLITE} AS now, {_STEPS}")

_TIME = Statement(f"SELECT {NOW_POSTGRES} AS now", sqlite=f"SELECT {NOW_SQLITE} AS now")


@dataclass(frozen=True, slots=True)
class ClockReading:
    """The database's clock, as far ahead of the monotonic one, and how often it was known to have stepped."""

    offset_ms: float
    steps: int
    #: Seconds that the answer took.
    took: float


class Clock:
    """
    Args:
        monotonic: Seconds that never step; a test hands in its own.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.monotonic = monotonic
        #: How often the database's clock had stepped when it was measured; a claim is made only while that is so.
        self.steps = 0
        self._offset_ms: float | None = None

    def now(self) -> int:
        """Milliseconds since 1970 by the database's clock."""
        if self._offset_ms is None:
            raise RuntimeError("the clock is read before it was measured")
        return int(self.monotonic() * 1000 + self._offset_ms)

    def now_utc(self) -> datetime:
        """:meth:`now` as a date, in UTC."""
        return datetime.fromtimestamp(self.now() / 1000, UTC)

    async def read(self) -> ClockReading:
        """Ask the database for the time, and subtract half of the round trip."""
        before = self.monotonic()
        (row,) = await _NOW.rows()
        after = self.monotonic()
        return ClockReading(row["now"] - (before + after) / 2 * 1000, row["steps"], after - before)

    def adopt(self, reading: ClockReading) -> int:
        """Go by this reading from now on; returns by how many milliseconds the time differs from the one so far."""
        if self._offset_ms is not None and reading.took > MAX_ROUND_TRIP and reading.steps == self.steps:
            return 0  # the delay may have been one-sided: the offset that we have is better
        jump = 0 if self._offset_ms is None else reading.offset_ms - self._offset_ms
        self._offset_ms, self.steps = reading.offset_ms, reading.steps
        return int(jump)

    async def measure(self) -> int:
        """Read the database's clock, and go by that; returns as :meth:`adopt`."""
        return self.adopt(await self.read())


async def database_now() -> int:
    """The database's time, milliseconds since 1970; the tables need not be there yet."""
    (row,) = await _TIME.rows()
    return int(row["now"])
