"""The weather of a campus, over either version of LTI: what becomes of each request, and how it is remembered."""

import asyncio
import random
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Literal, Self

from tests.chaos.oracle import Cell

#: Seconds, as the daemons are configured: whatever left a sender lands within HOLD.
TIMEOUT, HOLD = 2, 7
#: How many requests a campus may have at once.
LIMIT = 3
WEATHERS = ("fine", "slow", "late", "drops", "errors", "busy")

#: Seconds between two counts of what is under way, and for how many counts there must be too many.
TICK, TICKS = 0.02, 5


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of a request. Times are seconds after it came."""

    does: str = "well"
    latency: float = 0.0
    stored: bool = True
    #: When it is stored, whatever becomes of the answer; None: before that.
    stored_after: float | None = None
    cut: Literal["before", "midway"] | None = None
    #: Of a page without any sense; None: it is answered as it should be.
    status: int | None = None


def fate_in(weather: str, chance: random.Random) -> Fate:
    """The fate of one request."""
    if weather == "calm":
        return Fate()
    if chance.random() < 0.4:
        late = chance.uniform(1, HOLD - 1)
        match weather:
            case "slow":
                return Fate("slow", chance.uniform(0.3, TIMEOUT * 0.8))
            case "late":
                return Fate("answers too late", late)
            case "drops":
                cuts = (
                    Fate("cut, stored", cut=chance.choice(("before", "midway"))),
                    Fate("cut, not stored", cut="before", stored=False),
                    Fate("cut, stored later", cut="before", stored_after=late),
                )
                return chance.choice(cuts)
            case "errors":
                status = chance.choice((500, 502, 503))
                errors = (
                    Fate(f"{status}", stored=False, status=status),
                    Fate(f"{status}, stored", status=status),
                    Fate(f"{status}, stored later", stored_after=late, status=status),
                )
                return chance.choice(errors)
            case "busy" if chance.random() < 0.3:
                return Fate("429", stored=False, status=429)
    return Fate(latency=chance.choice((0.0, 0.01, 0.05, chance.uniform(0.1, 0.8))))


@dataclass
class Handled:
    """What a campus did with a request. Times are ``time.monotonic``."""

    #: As the fake LMS, or the fake platform, has it.
    record: Any
    #: None: it is about no grade.
    cell: Cell | None
    #: The score that it carries; None: none.
    score: str | None = None
    does: str = ""
    stored: float | None = None
    #: Not stored, since this machine was too slow to do it in time.
    lost: bool = False
    #: Whether its sender still waits for an answer.
    waits: Callable[[], bool] = field(default=lambda: False, repr=False)


class Weather:
    """The weather of one campus, and what the campus did in it. Everything may be used from any thread."""

    def __init__(self, seed: str) -> None:
        self.now = "fine"
        self._random = random.Random(seed)
        #: By the number of the request.
        self.handled: dict[int, Handled] = {}
        self._snags: dict[Cell, list[Handled]] = {}
        #: Requests that are still to be stored, by number.
        self.planned: set[int] = set()
        #: When more than LIMIT requests were under way (``time.monotonic``), and how many.
        self.excesses: list[tuple[float, int]] = []
        self._lag, self._beat = 0.0, time.monotonic()

    def requests_of(self, cell: Cell) -> Iterator[Handled]:
        return (one for one in list(self.handled.values()) if one.cell == cell)

    def snag(self, cell: Cell) -> list[Handled]:
        """Have the next score for a cell stored at the last moment; gives that request, once it is there."""
        return self._snags.setdefault(cell, [])

    def release(self, cell: Cell) -> None:
        """Not any more; a request that is there stays as it is."""
        self._snags.pop(cell, None)

    def fate(self, one: Handled) -> Fate:
        """Remember a request; gives its fate."""
        self.handled[one.record.number] = one
        fate = fate_in(self.now, self._random)
        one.does = fate.does
        if one.score is not None and one.cell is not None and (caught := self._snags.pop(one.cell, None)) is not None:
            caught.append(one)
            fate = Fate(one.does, HOLD - 1)
        return fate

    def may_store(self, number: int) -> bool:
        """Whether a request is stored in time, now; noted on it."""
        one = self.handled[number]
        self.planned.discard(number)
        now = time.monotonic()
        one.lost = now - one.record.began + max(self._lag, now - self._beat) > HOLD - 0.2
        if not one.lost and one.score is not None:
            one.stored = now
        return not one.lost

    def at_rest(self, records: Iterable[Any]) -> bool:
        """Nothing is under way, and nothing is left to be stored."""
        return not self.planned and all(record.ended is not None for record in records)

    @asynccontextmanager
    async def watched(self):
        """Count meanwhile, on the campus's loop."""
        watching = asyncio.ensure_future(self._watch())
        try:
            yield
        finally:
            watching.cancel()
            with suppress(asyncio.CancelledError):
                await watching

    async def _watch(self) -> None:
        """
        Count what is under way, again and again, and note how late this loop is.

        What has reached this machine is dealt with between two counts: several that are too high are no coincidence.
        """
        times = 0
        while True:
            await asyncio.sleep(TICK)
            now = time.monotonic()
            self._lag, self._beat = max(now - self._beat - TICK, self._lag * 0.99), now
            number = self._under_way(now)
            times = times + 1 if number > LIMIT else 0
            if times == TICKS:
                self.excesses.append((now, number))

    def _under_way(self, now: float) -> int:
        # The claim of a sender that is frozen keeps its slot for at least so long; of one that was killed, the
        # connection has gone.
        since = now - TIMEOUT - HOLD
        latest = list(self.handled.values())[-200:]
        return sum(
            one.cell is not None and one.record.ended is None and one.record.began > since and one.waits()
            for one in latest
        )


class InWeather:
    """A fake campus whose :attr:`weather` is watched for as long as it serves; goes before its other base."""

    weather: Weather

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        self._watched = self.weather.watched()
        await self._watched.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._watched.__aexit__(None, None, None)
        await super().__aexit__(*error)
