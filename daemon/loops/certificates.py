"""Until when each campus's certificate is valid, looked at a few times a day, so that its end surprises nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from daemon.check.reach import OutOfReachError, certificate
from models.queries.status import read_campuses

if TYPE_CHECKING:
    from actors.metrics import Metrics
    from daemon.check.reach import Ways
    from daemon.infra.stop import Stop
    from models.db.clock import Clock
    from models.queries.status import KnownCampus

log = structlog.get_logger(__name__)

#: Seconds between two rounds, and between two campuses of one round.
EVERY, BREATH = 6 * 3600.0, 0.5


class Certificates:
    """
    The loop that looks at them, one campus a step.

    Args:
        ways: With what a campus is looked at.
    """

    def __init__(self, *, ways: Ways, clock: Clock, metrics: Metrics) -> None:
        self._ways = ways
        self._clock = clock
        self._metrics = metrics
        self._left: list[KnownCampus] = []
        self._ends: dict[str, float] = {}
        self._next = 0.0

    async def step(self, stop: Stop) -> None:
        """Look at one campus, sleep."""
        if self._left:
            await self._look(self._left.pop())
        elif self._clock.monotonic() >= self._next:
            self._left = [campus for campus in await read_campuses() if campus.origin.startswith("https:")]
            self._next = self._clock.monotonic() + EVERY
            self._ends = {}
        await stop.sleep(BREATH)

    async def _look(self, campus: KnownCampus) -> None:
        consumer, origin, key = campus
        try:
            until = await certificate(origin, self._ways, key)
        except OutOfReachError as error:
            # Whether grades arrive there is the gate's to say.
            log.debug("a certificate could not be looked at", consumer=consumer, origin=origin, reason=str(error))
            return
        if until is not None:
            # Of several addresses the one that ends first.
            self._ends[consumer] = min(until, self._ends.get(consumer, until))
            self._metrics.certificate_until.labels(consumer).set(self._ends[consumer])
