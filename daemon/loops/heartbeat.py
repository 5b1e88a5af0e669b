"""The daemons that work side by side: who is alive, and what is true for all of them about each campus."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from daemon.infra.log_throttle import TELL_EVERY
from models import fleet
from models.fleet import AWAKE_MS
from models.gate import read_troubles

if TYPE_CHECKING:
    from actors.gate import Gates
    from daemon.infra.stop import Stop
    from models.db.clock import Clock
    from models.fleet import Peer

log = structlog.get_logger(__name__)

#: Seconds between two beats.
EVERY = 1.0
#: Seconds. Who has not beaten for so long is soon not waited for any more, and must look around before it sends.
STALE = AWAKE_MS / 1000 - EVERY
#: Seconds that taking leave may take at the end; whoever does not is forgotten soon.
LEAVE_TIME = 1.0


class Fleet:
    """
    The loop that says "I am alive", sees who else is, and divides with them.

    A daemon that joins sends nothing until all others have noticed it and have no more under way than is left to them:
    so no campus ever gets more requests at once than ``outcomes.max_per_campus``. The share of one that went without a
    word is given away when its last requests must have ended.

    Args:
        request_seconds: How long a request may take.
        is_reader: Whether this is no daemon, but a command that reads from campuses.
    """

    def __init__(self, *, clock: Clock, gates: Gates, request_seconds: float, is_reader: bool = False) -> None:
        self.name = fleet.new_name(is_reader=is_reader)
        self._clock = clock
        self._gates = gates
        self._lapse_ms = AWAKE_MS + int(request_seconds * 1000)
        self._told: frozenset[str] = frozenset()
        self._joined = False
        self._beaten = 0.0
        self._complain_at = clock.monotonic() + self._lapse_ms / 1000

    @property
    def joined(self) -> bool:
        """Whether this daemon may send; not after it was frozen, until the others have made room again."""
        return self._joined and self._clock.monotonic() - self._beaten < STALE

    async def beat(self) -> None:
        """Once."""
        began, now = self._clock.monotonic(), self._clock.now()
        peers = await self._say(now)
        roster = frozenset(peer.name for peer in peers) | {self.name}
        self._gates.divide(self.name, roster)
        self._gates.heed(await read_troubles(now=now))
        if roster != self._told and self._gates.keeps_to_its_share():
            self._told = roster
            await self._say(now)
        self._joined = all(self.name in peer.roster for peer in peers if peer.name != self.name and peer.awake)
        self._beaten = began

    async def _say(self, now: int) -> list[Peer]:
        return await fleet.beat(self.name, roster=self._told, now=now, lapse_ms=self._lapse_ms)

    async def step(self, stop: Stop) -> None:
        """Beat, sleep."""
        await self.beat()
        self._complain()
        await stop.sleep(EVERY)

    def _complain(self) -> None:
        """Whoever looks at a daemon that answers and sends nothing must find out why."""
        now = self._clock.monotonic()
        if self._joined:
            self._complain_at = now + self._lapse_ms / 1000
        elif now >= self._complain_at:
            self._complain_at = now + TELL_EVERY
            log.warning("other daemons have not made room for this one, which sends nothing until then")

    async def leave(self) -> None:
        """Let the others have this daemon's share at once. To be called when it sends no more."""
        leaving = asyncio.create_task(fleet.leave(self.name, now=self._clock.now()))
        await asyncio.wait([leaving], timeout=LEAVE_TIME)
        if not leaving.done() or leaving.exception() is not None:
            log.warning("could not take leave of the other daemons; they notice within seconds")
