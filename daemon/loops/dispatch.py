"""The dispatcher: sends messages for the assignments that are due, as many as may be sent."""

import asyncio
import heapq
from collections.abc import Sequence

import structlog

from actors.access import Access
from actors.dependencies import Dependencies
from actors.send_outcomes import Outcomes
from daemon.infra.stop import Stop
from models.address import try_again
from models.clock_watch import STEP_MS, watch
from models.due import Capacity, Share, pick, read_capacity
from models.rescue import rescue
from models.unoffered import bring_back_offered

log = structlog.get_logger(__name__)

#: Seconds between two rounds, at most and at least.
EVERY, AT_LEAST = 0.5, 0.02
#: Seconds between two looks at what is parked and to be tried again: by time, or since a launch offers the scope now.
TRY_AGAIN_EVERY = 15.0


def divide(campuses: Sequence[Capacity], *, free: int, free_for_slow: int) -> list[Share]:
    """
    Divide *free* connections among campuses: each next one goes to the first of those that have fewest. Pure.

    Slow campuses together get at most *free_for_slow*. A campus whose breaker is tripped gets one probe: of the oldest
    and the newest assignment in turn, since the oldest may all be of one course that is broken.
    """
    waiting = [(one.in_flight, number) for number, one in enumerate(campuses) if one.free > 0]
    heapq.heapify(waiting)
    shares = [0] * len(campuses)
    while waiting and free:
        in_flight, number = heapq.heappop(waiting)
        campus = campuses[number]
        if campus.slow:
            if not free_for_slow:
                continue
            free_for_slow -= 1
        free -= 1
        shares[number] += 1
        if shares[number] < campus.free:
            heapq.heappush(waiting, (in_flight + 1, number))
    return [
        Share(campus.campus_id, share, newest=campus.trips is not None and campus.trips % 2 == 1)
        for campus, share in zip(campuses, shares, strict=True)
        if share
    ]


def contended(campuses: Sequence[Capacity], free: int) -> bool:
    """Whether campuses want more connections than are free, and others than those that want them have some."""
    wanted = sum(campus.free for campus in campuses if campus.free > 0)
    return wanted > free and sum(campus.free > 0 or campus.in_flight > 0 for campus in campuses) > 1


class Dispatcher:
    """The loop that sends messages for due assignments, except while ``dependencies.may_send`` is false."""

    def __init__(self, outcomes: Outcomes, dependencies: Dependencies) -> None:
        self._outcomes = outcomes
        self._dependencies = dependencies
        self._clock = dependencies.clock
        self._notified = asyncio.Event()
        self._measured_at = self._tried_again_at = float("-inf")
        self._access = Access(
            dependencies.tokens,
            dependencies.clock,
            dependencies.next_breaker,
            notify=self.notify,
            metrics=dependencies.metrics,
        )
        #: By campus, when it was last given a connection, by the monotonic clock.
        self._served: dict[int, float] = {}

    async def close(self) -> None:
        """Wait for what it began."""
        await self._access.close()

    def notify(self) -> None:
        """Waiting assignments may be sent: do not wait for the next round."""
        self._notified.set()

    async def step(self, stop: Stop) -> None:
        """One round, and the wait for the next one."""
        began = self._clock.monotonic()
        # Negative after the clock stepped back: the old reading is wrong then.
        if not 0 <= began - self._measured_at < EVERY:
            self._measured_at = began
            await self._watch_clock()
            await rescue(now=self._clock.now(), steps=self._clock.steps)
        if not 0 <= began - self._tried_again_at < TRY_AGAIN_EVERY:
            self._tried_again_at = began
            await try_again(now=self._clock.now())
            await bring_back_offered(now=self._clock.now())
        self._notified.clear()
        if self._dependencies.may_send():
            await self.dispatch()
        # While campuses wait, each attempt that ends asks for a round: they may take half of the time, not all of it.
        await stop.sleep(min(EVERY, max(AT_LEAST, self._clock.monotonic() - began)))
        left = EVERY - (self._clock.monotonic() - began)
        await stop.sleep_or(self._notified, min(EVERY, max(0.0, left)))

    async def _watch_clock(self) -> None:
        jump = await watch(self._clock)
        if abs(jump) > STEP_MS:
            self._dependencies.metrics.clock_steps.inc()
            log.error("the database's clock stepped, or this daemon was suspended", seconds=round(jump / 1000, 3))

    async def dispatch(self) -> None:
        """Send messages for what may be sent now."""
        now = self._clock.now()
        campuses = await read_capacity(now=now, max_per_campus=self._dependencies.settings.max_per_campus)
        campuses = self._access.admit(campuses)
        campuses.sort(key=lambda campus: self._served.get(campus.campus_id, float("-inf")))
        free, free_for_slow = self._outcomes.free, self._outcomes.free_for_slow()
        slow = [campus for campus in campuses if campus.slow]
        # Slow ones that must leave the rest to the others do not keep these from handing connections over.
        served = campuses if free_for_slow else [campus for campus in campuses if not campus.slow]
        self._outcomes.backlog = bool(served)
        self._outcomes.contended = contended(served, free)
        self._outcomes.slow_contended = contended(slow, free_for_slow)
        shares = divide(campuses, free=free, free_for_slow=free_for_slow)
        self._served |= dict.fromkeys((share.campus_id for share in shares), self._clock.monotonic())
        await self._outcomes.enqueue_due(await pick(shares, now=now))
