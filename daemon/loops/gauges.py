"""The gauges that are read from the database and Redis, refreshed in the background."""

from collections import Counter
from collections.abc import Mapping, Sequence

from actors.metrics import Metrics
from daemon.infra.redis import used_memory
from daemon.infra.stop import Stop
from daemon.infra.text import counted
from daemon.ingest.lag import entries_after, stream_ahead, stream_lag
from daemon.ingest.standstill import Standstill
from daemon.ingest.stream import Stream
from models.db.clock import Clock
from models.line_item import missing_line_items
from models.queries.status import CampusStatus, Status, read_consumers, read_status
from models.states import CAMPUS_STATES
from models.stream_position import Position, known_position

#: Seconds between two readings.
EVERY = 5.0
#: The states in the line of figures.
_SHOWN = ("due", "waiting", "claimed", "parked")


class Gauges:
    """The loop that refreshes the gauges. *certificate_ends*: by origin, seconds since 1970; the sessions write it."""

    def __init__(
        self,
        *,
        clock: Clock,
        stream: Stream,
        metrics: Metrics,
        standstill: Standstill,
        certificate_ends: Mapping[str, float],
    ) -> None:
        self._clock = clock
        self._standstill = standstill
        self._certificate_ends = certificate_ends
        self._stream = stream
        self._metrics = metrics
        self._consumers: set[str] = set()
        self._position: Position | None = None
        #: The state of everything, in one line.
        self.line = "starting"
        #: What was read last; None before that.
        self.status: Status | None = None
        #: Entries of the stream that were not applied when it was read last; None where that is not known.
        self.lag: int | None = None

    async def step(self, stop: Stop) -> None:
        """Read once, sleep."""
        try:
            await self._read()
        except Exception:
            # Without the database the position stays, and the stream grows.
            if self._position is not None:
                self.lag = await entries_after(self._stream, self._position.entry_id)
            raise
        await stop.sleep(EVERY)

    async def _read(self) -> None:
        metrics = self._metrics
        # Before the database is read: what is counted meanwhile may be of a campus that is new.
        counted = metrics.consumers()
        self.status = status = await read_status(now=self._clock.now())
        self._set_campuses(status.campuses)
        for consumer in counted - self._consumers:
            metrics.forget(consumer)
        self._set_certificates(status.campuses)
        consumers, missing = await read_consumers(), await missing_line_items()
        # Nothing is awaited while they are cleared: a scrape would miss them.
        metrics.consumer_info.clear()
        metrics.consumer_origins.clear()
        metrics.missing_line_items.clear()
        for one in missing:
            metrics.missing_line_items.labels(one.consumer).set(one.number)
        for known in consumers:
            metrics.consumer_info.labels(known.name, known.key).set(1)
            if known.origins:
                metrics.consumer_origins.labels(known.name).set(known.origins)
        for state, number in status.assignments.items():
            metrics.assignments.labels(state).set(number)
        metrics.quarantined.set(status.quarantined)
        position = self._position = await known_position()
        lag = await stream_lag(self._stream)
        self._standstill.observe(position, lag)
        self.lag = lag
        if lag is not None:
            metrics.stream_lag.set(lag)
        ahead = await stream_ahead(self._stream, self._clock.now())
        if ahead is not None:
            metrics.stream_ahead.set(ahead)
        metrics.redis_memory.set(await used_memory(self._stream.redis))
        self.line = _line(status, lag)

    def _set_campuses(self, campuses: Sequence[CampusStatus]) -> None:
        metrics = self._metrics
        consumers = {campus.consumer for campus in campuses}
        for consumer in consumers - self._consumers:
            metrics.begin(consumer)
        metrics.oldest_due.clear()
        # A consumer may have several addresses: the oldest of the one and the latest of the other are set last.
        for campus in sorted(campuses, key=lambda campus: -(campus.oldest_due or 0)):
            if campus.oldest_due is not None:
                metrics.oldest_due.labels(campus.consumer).set(campus.oldest_due / 1000)
        for campus in sorted(campuses, key=lambda campus: campus.last_success or 0):
            if campus.last_success is not None:
                metrics.last_success.labels(campus.consumer).set(campus.last_success / 1000)
        states = Counter((campus.consumer, campus.state) for campus in campuses)
        for state in CAMPUS_STATES:
            for consumer in consumers:
                metrics.campus_state.labels(consumer, state).set(states[consumer, state])
        self._consumers = consumers

    def _set_certificates(self, campuses: Sequence[CampusStatus]) -> None:
        ends: dict[str, float] = {}
        for campus in campuses:
            # The certificate of an address that a campus has left may run out.
            if campus.in_use and campus.origin in self._certificate_ends:
                end = self._certificate_ends[campus.origin]
                ends[campus.consumer] = min(end, ends.get(campus.consumer, end))
        self._metrics.certificate_until.clear()
        for consumer, end in ends.items():
            self._metrics.certificate_until.labels(consumer).set(end)


def _line(status: Status, lag: int | None) -> str:
    figures = [f"{status.assignments[state]} {state}" for state in _SHOWN]
    not_up = sum(campus.state != "up" for campus in status.campuses)
    events = "Redis does not answer" if lag is None else f"{counted(lag, 'event')} to apply"
    return ", ".join([*figures, f"{not_up} of {len(status.campuses)} campuses not up", events])
