"""Whether the daemon is alive and ready, and the status of everything."""

import asyncio
import contextvars
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from daemon.infra.loop import Loop
from daemon.ingest.lag import stream_lag
from daemon.ingest.stream import Stream
from daemon.web.snapshot import render, snapshot
from models.db.clock import Clock


class Health:
    """Until :meth:`started`, the daemon is not ready, for the reason in :attr:`starting`."""

    def __init__(self, whereabouts: Mapping[str, str] | None = None) -> None:
        """*whereabouts*: what ``status --json`` says of configuration and database."""
        self._whereabouts = dict(whereabouts or {})
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
        document = await asyncio.get_running_loop().create_task(reading, context=self._context)
        return {**self._whereabouts, **document}


async def status_document(now: int, stream: Stream | None, troubles: Sequence[str] = ()) -> dict[str, Any]:
    """The contract's ``status --json``; *stream*: None when Redis is known to be away."""
    return render(await snapshot(now, await stream_lag(stream), troubles))
