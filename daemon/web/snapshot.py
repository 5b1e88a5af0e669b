"""The status of everything at one moment, and the document that ``status --json`` and ``/statusz`` print."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from daemon.infra.text import iso
from models.members import Members, read_members
from models.queries.status import (
    RATE_MS,
    CampusStatus,
    IdleConsumer,
    Rate,
    Status,
    read_idle_consumers,
    read_rates,
    read_status,
)

#: The states in which a campus takes grades.
SENDING = ("up", "throttled")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """
    Everything that ``status`` shows, at *now* (milliseconds since 1970 by the database's clock).

    *stream_lag*: entries not yet applied; None when Redis does not say. *rates*: what campuses accepted lately, by
    consumer and origin. *troubles*: of servers, a line each. *idle*: consumers without an assignment.
    """

    now: int
    status: Status
    stream_lag: int | None
    daemons: Members
    rates: Mapping[tuple[str, str], Rate] = field(default_factory=dict)
    troubles: Sequence[str] = ()
    idle: Sequence[IdleConsumer] = ()

    def rate(self, campus: CampusStatus) -> Rate:
        """What the campus accepted lately."""
        return self.rates.get((campus.consumer, campus.origin), Rate())

    @property
    def total_rate(self) -> Rate:
        """What all campuses accepted lately."""
        rates = self.rates.values()
        return Rate(sum(one.last_minute for one in rates), sum(one.ten_minutes for one in rates))

    def seconds_left(self, campus: CampusStatus) -> float | None:
        """Until its due grades are sent, at the present rate; None while nothing goes there or no rate is known."""
        if not campus.due:
            return 0.0
        rate = self.rate(campus)
        # Of ten minutes without work for all of them, the rate says nothing of what the campus can take.
        worked = campus.oldest_due is not None and self.now - campus.oldest_due >= RATE_MS
        pace = rate.last_minute or (rate.ten_minutes if worked else 0.0)
        return round(campus.due / pace * 60, 1) if pace and campus.state in SENDING else None


async def snapshot(
    now: int, stream_lag: int | None, troubles: Sequence[str] = (), status: Status | None = None
) -> Snapshot:
    """
    Read the status of everything; a role that may only read is enough.

    Args:
        now: Milliseconds since 1970 by the database's clock.
        stream_lag: Counted just before: the status then includes all that it counts as applied.
        status: Read before, since that takes a look at every assignment; None: it is read now.
    """
    status, members = status or await read_status(now=now), await read_members(now=now)
    return Snapshot(
        status.at, status, stream_lag, members, await read_rates(now=now), troubles, await read_idle_consumers()
    )


def render(shot: Snapshot) -> dict[str, Any]:
    """The document itself. Pure."""
    oldest, daemons = shot.status.oldest_due, shot.daemons
    return {
        "assignments": shot.status.assignments,
        "oldest_due_seconds": 0 if oldest is None else max(0, shot.now - oldest) / 1000,
        "oldest_due": iso(oldest),
        "oldest_parked": iso(shot.status.oldest_parked),
        "accepted_per_minute": _rate(shot.total_rate),
        "stream_lag": shot.stream_lag,
        "quarantined": shot.status.quarantined,
        "daemons": {"running": daemons.alive, "last_seen": None if daemons.alive else iso(daemons.last_seen)},
        "troubles": list(dict.fromkeys([*shot.troubles, *daemons.troubles])),
        "campuses": [_campus(campus, shot) for campus in shot.status.campuses],
        "without_launch": [{"consumer": one.name, "state": one.state} for one in shot.idle],
    }


def _campus(campus: CampusStatus, shot: Snapshot) -> dict[str, Any]:
    return {
        "consumer": campus.consumer,
        "origin": campus.origin,
        "state": campus.state,
        "due": campus.due,
        "parked": campus.parked,
        "oldest_due": iso(campus.oldest_due),
        "accepted_per_minute": _rate(shot.rate(campus)),
        "seconds_left": shot.seconds_left(campus),
        "last_success": iso(campus.last_success),
        "last_error": campus.last_error,
        "last_error_at": iso(campus.last_error_at),
        "succeeded_since": campus.succeeded_since,
    }


def _rate(rate: Rate) -> dict[str, float]:
    return {"last_minute": round(rate.last_minute, 3), "last_10_minutes": round(rate.ten_minutes, 3)}
