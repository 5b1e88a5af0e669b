"""Looks for the line items that launches over LTI 1.3 did not name, a few at a time at each campus."""

import asyncio
from collections.abc import Callable

import structlog

from actors.line_items import LineItems
from daemon.infra.stop import Stop
from models.db.clock import Clock
from models.line_item import WantedLineItem, claim_wanted

log = structlog.get_logger(__name__)

#: Line items that this daemon looks for at the same time, and all daemons at one campus.
AT_ONCE, AT_ONE_CAMPUS = 16, 2
#: Seconds between two rounds where nothing was found meanwhile.
EVERY = 2.0


class LineItemLoop:
    """
    Begins looks, each of which ends by itself: a slow platform holds back no other.

    *may_send*: whether what the stream held at start has been applied; nothing is made before.
    """

    def __init__(self, looks: LineItems, clock: Clock, may_send: Callable[[], bool]) -> None:
        self.looks, self.clock, self._may_send = looks, clock, may_send
        self._running: set[asyncio.Task[bool]] = set()
        #: Set once a line item is known: there may be more to look for.
        self._found = asyncio.Event()

    async def step(self, stop: Stop) -> None:
        """Claim what may be looked for, and sleep unless there may be more."""
        self._found.clear()
        if self._may_send():
            await self.begin()
        await stop.sleep_or(self._found, EVERY)

    async def round(self) -> list[bool]:
        """Which of those that are looked for from now are known once all these looks have ended."""
        return list(await asyncio.gather(*await self.begin()))

    async def begin(self) -> list[asyncio.Task[bool]]:
        """The looks that begin now, as many as may."""
        wanted = await claim_wanted(
            now=self.clock.now(),
            began=self.clock.monotonic(),
            lease_ms=self.looks.lease_ms(),
            most=AT_ONCE - len(self._running),
            each=AT_ONE_CAMPUS,
        )
        begun = [asyncio.create_task(self._look(one)) for one in wanted]
        self._running.update(begun)
        for task in begun:
            task.add_done_callback(self._running.discard)
        return begun

    async def close(self) -> None:
        """Wait for the looks under way; the stop ends their requests."""
        await asyncio.gather(*self._running)

    async def _look(self, wanted: WantedLineItem) -> bool:
        try:
            known = await self.looks.look(wanted)
        except Exception:
            # Its lease ends by time; the next look finds what this one made.
            log.warning("line_item.look_not_noted", service=wanted.service_id, exc_info=True)
            return False
        if known:
            self._found.set()
        return known
