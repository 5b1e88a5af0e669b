"""A campus LMS in all weathers: slow, late, cut off, failing, busy. It remembers when it stored what."""

import asyncio
import random
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace

from aiohttp import web

from daemon.demo.lms.answer import Answer
from daemon.demo.lms.request import RequestRecord
from tests.chaos.oracle import Cell
from tests.fakes.lms import Behaviour, RecordingLms, answer, cut, html, success

#: Seconds, as the daemons are configured: whatever left a sender lands within HOLD.
TIMEOUT, HOLD = 2, 7
#: How many requests a campus may have at once.
LIMIT = 3
PATHS = ("/outcomes", "/section-b/outcomes")
WEATHERS = ("fine", "slow", "late", "drops", "errors", "busy")

#: Seconds between two counts of what is under way, and for how many counts there must be too many.
TICK, TICKS = 0.02, 5


@dataclass
class Handled:
    """What the campus did with a request. Times are ``time.monotonic``."""

    record: RequestRecord
    does: str = ""
    stored: float | None = None
    #: Not stored, since this machine was too slow to do it in time.
    lost: bool = False
    #: Whether its sender still waits for an answer.
    waits: Callable[[], bool] = field(default=lambda: False, repr=False)


class ChaosCampus(RecordingLms):
    """One campus. Everything public may be used from any thread."""

    def __init__(self, key: str, secret: str, seed: str) -> None:
        super().__init__(keys={key: secret}, behave=self._behave)
        self.key = key
        self.weather = "fine"
        self._random = random.Random(seed)
        #: By the number of the request.
        self.handled: dict[int, Handled] = {}
        self._snags: dict[Cell, list[Handled]] = {}
        self._planned: set[int] = set()
        #: When more than LIMIT requests were under way (``time.monotonic``), and how many.
        self.excesses: list[tuple[float, int]] = []
        self._lag, self._beat = 0.0, time.monotonic()

    async def __aenter__(self):
        await super().__aenter__()
        self._watching = asyncio.ensure_future(self._watch())
        return self

    async def __aexit__(self, *error: object) -> None:
        self._watching.cancel()
        with suppress(asyncio.CancelledError):
            await self._watching
        await super().__aexit__(*error)

    def cell_of(self, record: RequestRecord) -> Cell:
        return Cell(self.key, self.url(record.path), record.sourcedid or "")

    def cells(self) -> dict[Cell, str]:
        """What it holds."""
        grades = self.gradebook.copy().items()
        return {Cell(self.key, self.url(path), sourcedid): score for (path, sourcedid), score in grades}

    def requests_of(self, cell: Cell) -> Iterator[Handled]:
        return (one for one in list(self.handled.values()) if self.cell_of(one.record) == cell)

    def snag(self, cell: Cell) -> list[Handled]:
        """Have the next score for a cell stored at the last moment; gives that request, once it is there."""
        return self._snags.setdefault(cell, [])

    def release(self, cell: Cell) -> None:
        """Not any more; a request that is there stays as it is."""
        self._snags.pop(cell, None)

    @property
    def at_rest(self) -> bool:
        """Nothing is under way, and nothing is left to be stored."""
        return not self._planned and all(record.ended is not None for record in self.requests.copy())

    # --- on its own loop ---

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
        return sum(one.record.ended is None and one.record.began > since and one.waits() for one in self._latest())

    def _latest(self) -> list[Handled]:
        return list(self.handled.values())[-200:]

    def decide(self, record: RequestRecord) -> Answer:
        self.handled[record.number] = Handled(record)
        return super().decide(record)

    async def answer(self, request: web.BaseRequest, record: RequestRecord, answer: Behaviour) -> web.StreamResponse:
        transport = request.transport
        self.handled[record.number].waits = lambda: transport is not None and not transport.is_closing()
        if answer.apply_after is not None:
            self._planned.add(record.number)
        return await super().answer(request, record, answer)

    def store(self, record: RequestRecord) -> None:
        one = self.handled[record.number]
        self._planned.discard(record.number)
        now = time.monotonic()
        if now - record.began + max(self._lag, now - self._beat) > HOLD - 0.2:
            one.lost = True
            return
        super().store(record)
        if record.score is not None:
            one.stored = now

    async def write(self, request: web.BaseRequest, record: RequestRecord, answer: Behaviour) -> web.StreamResponse:
        if self.handled[record.number].lost:
            answer = replace(answer, cut="before")
        return await super().write(request, record, answer)

    def _behave(self, record: RequestRecord) -> Behaviour:
        one = self.handled[record.number]
        one.does, behaviour = self._by_weather()
        if record.score is not None and (caught := self._snags.pop(self.cell_of(record), None)) is not None:
            caught.append(one)
            return success(latency=HOLD - 1)
        return behaviour

    def _by_weather(self) -> tuple[str, Behaviour]:
        chance = self._random
        if self.weather == "calm":
            return "well", success()
        if chance.random() < 0.4:
            late = chance.uniform(1, HOLD - 1)
            match self.weather:
                case "slow":
                    return "slow", success(latency=chance.uniform(0.3, TIMEOUT * 0.8))
                case "late":
                    return "answers too late", success(latency=late)
                case "drops":
                    cuts = (
                        ("cut, stored", cut(chance.choice(("before", "midway")))),
                        ("cut, not stored", cut("before", apply=False)),
                        ("cut, stored later", cut("before", apply_after=late)),
                    )
                    return chance.choice(cuts)
                case "errors":
                    status = chance.choice((500, 502, 503))
                    errors = (
                        (f"{status}", html(status)),
                        (f"{status}, stored", html(status, apply=True)),
                        (f"{status}, stored later", html(status, apply_after=late)),
                    )
                    return chance.choice(errors)
                case "busy" if chance.random() < 0.3:
                    return "429", answer(429, headers={"Retry-After": "1"})
        return "well", success(latency=chance.choice((0.0, 0.01, 0.05, chance.uniform(0.1, 0.8))))
