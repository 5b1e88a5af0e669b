"""Records that this daemon is at work."""

import asyncio
import uuid
from collections.abc import Callable, Sequence

import structlog

from daemon.infra.stop import Stop
from models import heartbeat
from models.db.clock import Clock

log = structlog.get_logger(__name__)

#: Seconds between two heartbeats.
EVERY = 1.0
#: Seconds that deregistering may take at the end; a daemon that does not deregister expires soon.
DEREGISTER_TIME = 1.0


class HeartbeatLoop:
    """
    The loop of heartbeats, under a name that no other daemon has.

    *reads* gives the token of the stream that this daemon reads, *troubles* why it is not ready.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        reads: Callable[[], str | None] = lambda: None,
        troubles: Callable[[], Sequence[str]] = tuple,
    ) -> None:
        self.name = uuid.uuid4().hex
        self._clock = clock
        self._reads = reads
        self._troubles = troubles

    async def begin(self) -> None:
        """The first heartbeat, of a daemon that is about to be ready: its start is no trouble of it any more."""
        await self._beat([])

    async def step(self, stop: Stop) -> None:
        """One heartbeat, sleep."""
        await self._beat(self._troubles())
        await stop.sleep(EVERY)

    async def _beat(self, troubles: Sequence[str]) -> None:
        await heartbeat.beat(self.name, now=self._clock.now(), stream_token=self._reads(), troubles=troubles)

    async def deregister(self) -> None:
        """Record that this daemon ends."""
        leaving = asyncio.create_task(heartbeat.deregister(self.name, now=self._clock.now()))
        await asyncio.wait([leaving], timeout=DEREGISTER_TIME)
        if not leaving.done() or leaving.exception() is not None:
            log.warning("heartbeat.not_deregistered")
