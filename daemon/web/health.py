"""Whether the daemon is alive and ready, and the status of everything."""

import asyncio
import contextvars
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from daemon.infra.loop import Loop
from daemon.infra.text import iso
from daemon.ingest.stream import Stream, stream_lag
from models.db.clock import Clock
from models.heartbeat import Members, read_members
from models.queries.status import Status, read_rates, read_status


class Health:
    """Until :meth:`started`, the daemon is not ready, for the reason in :attr:`starting`."""

    def __init__(self) -> None:
        self.starting: str | None = "the daemon is starting"
        self._loops: list[Loop] = []
        #: What else may keep the daemon from being ready: each gives the reason, or None.
        self.reasons: list[Callable[[], str | None]] = []
        self._context = contextvars.copy_context()
        self._clock: Clock | None = None
        self._stream: Stream | None = None

    def started(self, loops: list[Loop], clock: Clock, stream: Stream) -> None:
        """Call it in the context in which the models work: web requests have none."""
        self._loops, self._clock, self._stream = loops, clock, stream
        self._context = contextvars.copy_context()
        self.starting = None

    def stuck(self) -> list[str]:
        """The names of the loops that do not tick, as one does that waits for a lost server."""
        return [loop.name for loop in self._loops if not loop.is_ticking()]

    def is_alive(self) -> bool:
        """Whether none is stuck."""
        return not self.stuck()

    def troubles(self) -> list[str]:
        """Why the daemon is not ready; empty when it is."""
        if self.starting is not None:
            return [self.starting]
        found = [f"{loop.name}: {loop.trouble}" for loop in self._loops if loop.trouble is not None]
        return found + [reason for give in self.reasons if (reason := give()) is not None]

    async def statusz(self) -> dict[str, Any] | None:
        """What ``status --json`` prints; None before the database is open."""
        if self._clock is None or self._stream is None:
            return None
        reading = status_document(self._clock.now(), self._stream, self.troubles())
        return await asyncio.get_running_loop().create_task(reading, context=self._context)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """
    Everything that ``status`` shows, at *now* (milliseconds since 1970 by the database's clock).

    *stream_lag*: entries not yet applied; None when Redis does not say. *rates*: grades that a campus accepted a minute
    lately, by consumer and origin. *troubles*: of servers, a line each.
    """

    now: int
    status: Status
    stream_lag: int | None
    daemons: Members
    rates: Mapping[tuple[str, str], float] = field(default_factory=dict)
    troubles: Sequence[str] = ()


async def snapshot(now: int, stream: Stream | None, troubles: Sequence[str] = ()) -> Snapshot:
    """
    Read the status of everything; a role that may only read is enough.

    Args:
        now: Milliseconds since 1970 by the database's clock.
        stream: None when Redis is known to be away.
    """
    # Before the status, which then includes all that the lag counts as applied.
    lag = await stream_lag(stream)
    status = await read_status(now=now)
    return Snapshot(now, status, lag, await read_members(now=now), await read_rates(now=now), troubles)


async def status_document(now: int, stream: Stream | None, troubles: Sequence[str] = ()) -> dict[str, Any]:
    """The contract's ``status --json``, of what :func:`snapshot` reads."""
    return render(await snapshot(now, stream, troubles))


def render(shot: Snapshot) -> dict[str, Any]:
    """The document itself. Pure."""
    oldest = shot.status.oldest_due
    return {
        "assignments": shot.status.assignments,
        "oldest_due_seconds": 0 if oldest is None else max(0, shot.now - oldest) / 1000,
        "stream_lag": shot.stream_lag,
        "quarantined": shot.status.quarantined,
        "troubles": list(dict.fromkeys([*shot.troubles, *shot.daemons.troubles])),
        "campuses": [
            {
                "consumer": campus.consumer,
                "origin": campus.origin,
                "state": campus.state,
                "due": campus.due,
                "parked": campus.parked,
                "last_success": iso(campus.last_success),
                "last_error": campus.last_error,
            }
            for campus in shot.status.campuses
        ],
    }
