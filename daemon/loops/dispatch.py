"""The sweep: wakes whoever was forgotten, whose backoff is over, or whose turn has come."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.assignment import sweep

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from actors.gate import Gates
    from daemon.infra.stop import Stop
    from models.assignment import Wake
    from models.db.clock import Clock

#: Seconds between two sweeps.
EVERY = 0.5


class Sweep:
    """
    The loop behind all wake-ups: SQL is the one retry clock, and this is its alarm.

    Args:
        gates: They know for how many each campus has room.
        may_send: While false, nobody is woken.
        wake: Sends wake-ups.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        gates: Gates,
        may_send: Callable[[], bool],
        wake: Callable[[Sequence[Wake]], Awaitable[None]],
    ) -> None:
        self._clock = clock
        self._gates = gates
        self._may_send = may_send
        self._wake = wake

    async def step(self, stop: Stop) -> None:
        """Measure the clock, sweep once, sleep."""
        await self._clock.measure()
        if self._may_send():
            gates, now = self._gates, self._clock.now()
            await self._wake(await sweep(now=now, most=gates.places, room=gates.room, rooms=gates.rooms()))
        await stop.sleep(EVERY)
