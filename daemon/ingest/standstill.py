"""Whether intake is stuck: entries wait, and no daemon moves the position in the stream."""

from collections.abc import Callable

import structlog

from actors.metrics import Metrics
from daemon.infra.text import counted
from models.stream_position import Position

log = structlog.get_logger(__name__)

#: Seconds for which the position may stay although entries wait.
STANDSTILL = 30.0
#: Seconds between two observations that count, at most: a process that was frozen in between saw nothing.
MAX_BETWEEN = 10.0


class Standstill:
    """
    Decides by what it is shown now and then.

    *excused*: whether this daemon may not do intake, for a reason that it says elsewhere. *trouble*: what is wrong.
    """

    def __init__(self, monotonic: Callable[[], float], metrics: Metrics, excused: Callable[[], bool]) -> None:
        self._monotonic = monotonic
        self._metrics = metrics
        self._excused = excused
        self._seen_at = monotonic()
        self._position: Position | None = None
        self._stayed = 0.0
        self.trouble: str | None = None

    def observe(self, position: Position | None, waiting: int | None) -> None:
        """Note the position, and how many entries come after it; None while Redis does not say."""
        now = self._monotonic()
        elapsed, self._seen_at = now - self._seen_at, now
        moved, self._position = position != self._position, position
        if moved or waiting == 0 or self._excused():
            self._stayed = 0.0
            self._go_on()
        elif waiting is not None:
            self._stayed += min(elapsed, MAX_BETWEEN)
            if self._stayed >= STANDSTILL:
                self._report(waiting)

    def _report(self, waiting: int) -> None:
        if self.trouble is None:
            at = None if self._position is None else self._position.entry_id
            log.error("intake is stuck", position=at, entries_waiting=waiting, seconds=round(self._stayed))
        self.trouble = (
            f"intake: {counted(waiting, 'event')} to apply, but the position in the stream has not moved for"
            f" {self._stayed:.0f} s; end the session that locks the row of the table intake"
        )
        self._metrics.intake_stalled.set(1)

    def _go_on(self) -> None:
        if self.trouble is not None:
            log.info("intake goes on")
        self.trouble = None
        self._metrics.intake_stalled.set(0)
