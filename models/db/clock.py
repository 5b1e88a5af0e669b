"""
One clock for all daemons: this machine's monotonic clock plus the database's time of day.

So a daemon with a wrong clock cannot steal another's claim, and a clock that is set back has no effect meanwhile.
"""

import time
from collections.abc import Callable

from models.db.sql import Statement

#: Seconds. The time in a slower answer is too inexact.
MAX_ROUND_TRIP = 0.5

# clock_timestamp() and not now(), which is the start of the transaction.
_NOW = Statement(
    "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT) AS now",
    sqlite="SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) AS now",
)


class Clock:
    """
    Args:
        monotonic: Seconds that never step; a test hands in its own.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.monotonic = monotonic
        self._offset_ms: float | None = None

    def now(self) -> int:
        """Milliseconds since 1970 by the database's clock."""
        if self._offset_ms is None:
            raise RuntimeError("the clock is read before it was measured")
        return int(self.monotonic() * 1000 + self._offset_ms)

    async def measure(self) -> None:
        """Ask the database for the time, and subtract half of the round trip."""
        before = self.monotonic()
        (row,) = await _NOW.rows()
        after = self.monotonic()
        if self._offset_ms is not None and after - before > MAX_ROUND_TRIP:
            return  # the delay may have been one-sided: the offset that we have is better
        self._offset_ms = row["now"] - (before + after) / 2 * 1000
