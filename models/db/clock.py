"""
One clock for all daemons: this machine's monotonic clock plus the database's time of day.

So one daemon's wrong clock cannot steal another's claim, and a clock that is set back moves nothing while we run.
"""

import time
from collections.abc import Callable

from models.db.sql import Statement, is_postgres

#: Seconds. A slower answer does not tell the time.
MAX_ROUND_TRIP = 0.5

# clock_timestamp() and not now(), which is the start of the transaction.
_POSTGRES = Statement("SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT) AS now")
_SQLITE = Statement("SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) AS now")


class Clock:
    """
    Tells the time in milliseconds since 1970, once :meth:`measure` has run.

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
        """Ask the database for the time; half of the round trip is taken off."""
        before = self.monotonic()
        row = await (_POSTGRES if is_postgres() else _SQLITE).row()
        after = self.monotonic()
        assert row is not None  # noqa: S101 - a SELECT without FROM has a row
        if self._offset_ms is not None and after - before > MAX_ROUND_TRIP:
            return  # the wait may have been on one side alone: what we know is better
        self._offset_ms = row["now"] - (before + after) / 2 * 1000
