"""The gauges that are read from the database and Redis, refreshed in the background."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from daemon.health import stream_lag
from models.gate import STATES
from models.status import read_status

if TYPE_CHECKING:
    from actors.metrics import Metrics
    from daemon.stop import Stop
    from daemon.stream import Stream
    from models.clock import Clock
    from models.status import Status

#: Seconds between two readings.
EVERY = 5.0
#: The states that a line of figures names.
_TOLD = ("due", "waiting", "claimed", "parked")


class Gauges:
    """The loop that keeps the gauges fresh."""

    def __init__(self, *, clock: Clock, stream: Stream, metrics: Metrics) -> None:
        self._clock = clock
        self._stream = stream
        self._metrics = metrics
        self._begun: set[str] = set()
        #: How everything stands, in one line.
        self.line = "starting"

    async def step(self, stop: Stop) -> None:
        """Read once, sleep."""
        metrics = self._metrics
        status = await read_status(now=self._clock.now())
        for consumer in {campus.consumer for campus in status.campuses} - self._begun:
            self._begun.add(consumer)
            metrics.begin(consumer)
        for state, number in status.assignments.items():
            metrics.assignments.labels(state).set(number)
        metrics.oldest_due.clear()
        # A consumer may have several addresses; the campuses come sorted, so that the last word is set last.
        for campus in sorted(status.campuses, key=lambda campus: -(campus.oldest_due or 0)):
            if campus.oldest_due is not None:
                metrics.oldest_due.labels(campus.consumer).set(campus.oldest_due / 1000)
        for campus in sorted(status.campuses, key=lambda campus: campus.last_success or 0):
            if campus.last_success is not None:
                metrics.last_success.labels(campus.consumer).set(campus.last_success / 1000)
        metrics.gate_state.clear()
        for consumer, state in itertools.product({campus.consumer for campus in status.campuses}, STATES):
            states = [campus.gate for campus in status.campuses if campus.consumer == consumer]
            metrics.gate_state.labels(consumer, state).set(states.count(state))
        metrics.quarantined.set(status.quarantined)
        lag = await stream_lag(self._stream)
        if lag is not None:
            metrics.stream_lag.set(lag)
        self.line = _line(status, lag)
        await stop.sleep(EVERY)


def _line(status: Status, lag: int | None) -> str:
    figures = [f"{status.assignments[state]} {state}" for state in _TOLD]
    shut = sum(campus.gate != "open" for campus in status.campuses)
    events = "Redis does not answer" if lag is None else f"{lag} events to apply"
    return ", ".join([*figures, f"{shut} of {len(status.campuses)} gates not open", events])
