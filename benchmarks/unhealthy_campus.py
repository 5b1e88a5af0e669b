"""Two campuses, one of which becomes so slow that all its requests hang: what the other one's grades still get."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from benchmarks.campus import Campus
from benchmarks.daemon import Daemon, launches, running_daemon, scores

HEALTHY, UNHEALTHY = "healthy", "unhealthy"
#: Seconds after the unhealthy campus's recovery within which all its grades must be there: requests that hang, and a
#: pause of its breaker in case that some of them ran out of time.
PATIENCE = 120.0
#: Seconds for the burst of its events and messages to be over: what it does while unhealthy is measured.
SETTLE = 1.0


@dataclass(slots=True)
class Figures:
    """A figure a round."""

    #: Outcomes a second of the healthy campus, by itself and beside the unhealthy one.
    alone: list[float] = field(default_factory=list)
    beside: list[float] = field(default_factory=list)
    #: Seconds from the unhealthy campus's recovery until its last grade is there.
    recovered: list[float] = field(default_factory=list)
    #: Grades of the unhealthy campus that were not there in the end.
    missing: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured. Milliseconds."""

    outcomes: int
    rounds: int
    latency_ms: int
    slow_ms: int
    concurrency: int


class Trial:
    """One daemon that serves both campuses, in rounds that differ in nothing but the unhealthy one's state."""

    def __init__(
        self, plan: Plan, daemon: Daemon, web: aiohttp.ClientSession, healthy: Campus, unhealthy: Campus
    ) -> None:
        self._plan = plan
        self._daemon = daemon
        self._web = web
        self._campuses = {HEALTHY: healthy, UNHEALTHY: unhealthy}
        self._sent = dict.fromkeys(self._campuses, 0)

    async def run(self) -> Figures:
        figures = Figures()
        number = self._plan.outcomes
        for name, campus in self._campuses.items():
            await self._daemon.add(launches(name, campus.url, number))
        await self._daemon.until_clean(2 * number)
        await self._healthy()  # connections, caches
        for _ in range(self._plan.rounds):
            figures.alone.append(await self._healthy())
            await self._slow_down()
            figures.beside.append(await self._healthy())
            took, missing = await self._recover()
            figures.recovered.append(took)
            figures.missing += missing
        return figures

    async def _healthy(self) -> float:
        """Outcomes a second of the healthy campus, from ``XADD`` to the campus."""
        started = time.perf_counter()
        await self._send(HEALTHY)
        await _until(lambda: self._arrived(HEALTHY))
        return self._plan.outcomes / (time.perf_counter() - started)

    async def _slow_down(self) -> None:
        """And have as much as it may get hang there."""
        campus = self._campuses[UNHEALTHY]
        await campus.take(self._web, self._plan.slow_ms)
        before, _ = await campus.look(self._web)
        await self._send(UNHEALTHY)
        most = min(self._plan.concurrency, self._plan.outcomes)

        async def hang() -> bool:
            came, _ = await campus.look(self._web)
            return came - before >= most

        await _until(hang)
        await asyncio.sleep(SETTLE)

    async def _recover(self) -> tuple[float, int]:
        """Seconds until all its grades are there, and how many were not within the time they have."""
        campus = self._campuses[UNHEALTHY]
        await campus.take(self._web, self._plan.latency_ms)
        started = time.perf_counter()
        await _until(lambda: self._arrived(UNHEALTHY))
        _, stored = await campus.look(self._web)
        return time.perf_counter() - started, self._sent[UNHEALTHY] - stored

    async def _send(self, name: str) -> None:
        """A new score for each learner there."""
        round_ = self._sent[name] // self._plan.outcomes + 1
        self._sent[name] += self._plan.outcomes
        await self._daemon.add(scores(name, self._plan.outcomes, round_))

    async def _arrived(self, name: str) -> bool:
        _, stored = await self._campuses[name].look(self._web)
        return stored == self._sent[name]


async def _until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Until the condition holds, or the time is over: the figures show which."""
    deadline = time.perf_counter() + PATIENCE
    while time.perf_counter() < deadline:
        if await condition():
            return
        await asyncio.sleep(0.02)


async def unhealthy_campus(
    work: Path, database: str, redis_url: str, healthy: Campus, unhealthy: Campus, plan: Plan
) -> Figures:
    """Alternating rounds."""
    async with (
        running_daemon(work, database, redis_url, HEALTHY, UNHEALTHY, concurrency=plan.concurrency) as daemon,
        aiohttp.ClientSession() as web,
    ):
        return await Trial(plan, daemon, web, healthy, unhealthy).run()
