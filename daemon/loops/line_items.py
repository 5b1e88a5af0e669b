"""Looks for the line items that launches over LTI 1.3 did not name, a few at a time at each campus."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from actors.line_items import LineItems
from daemon.infra.stop import Stop
from models.db.clock import Clock
from models.line_item import claim_wanted

#: Line items that are looked for at the same time, and of these at one campus.
AT_ONCE, AT_ONE_CAMPUS = 16, 2
#: Seconds between two rounds where there is nothing to look for.
EVERY = 2.0


@dataclass(frozen=True, slots=True)
class LineItemLoop:
    """*may_send*: whether what the stream held at start has been applied; nothing is made before."""

    looks: LineItems
    clock: Clock
    may_send: Callable[[], bool]

    async def step(self, stop: Stop) -> None:
        """One round: claim some, look for them at once, sleep unless there may be more."""
        known = await self.round() if self.may_send() else []
        if not any(known):
            await stop.sleep(EVERY)

    async def round(self) -> list[bool]:
        """Which of those that were looked for are known now."""
        wanted = await claim_wanted(
            now=self.clock.now(),
            began=self.clock.monotonic(),
            lease_ms=self.looks.lease_ms(),
            most=AT_ONCE,
            each=AT_ONE_CAMPUS,
        )
        return list(await asyncio.gather(*(self.looks.look(one) for one in wanted)))
