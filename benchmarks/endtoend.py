"""The real daemon: from ``XADD`` to the clean row and the delivery record."""

import asyncio
import time
from pathlib import Path

import aiohttp

from benchmarks.campus import Campus
from benchmarks.daemon import launches, running_daemon, scores


class EndToEnd:
    """
    One database and one Redis, whose learners are registered once.

    Args:
        module: What is run: the daemon, or something in its place.
    """

    def __init__(
        self, place: tuple[Path, str, str], campus: Campus, outcomes: int, concurrency: int, module: str = "daemon"
    ) -> None:
        self._place = place
        self._campus = campus
        self._outcomes = outcomes
        self._concurrency = concurrency
        self._module = module
        #: Its learners and its consumer.
        self._name = f"{module}-{place[1].rpartition('/')[2]}"[:32]
        self._rounds = 0
        #: Milliseconds of a core that the daemon used for each outcome of the last round.
        self.cpu_ms = 0.0

    async def round(self) -> float:
        """Outcomes a second of a daemon that has just been started."""
        name, number = self._name, self._outcomes
        platform = self._campus.origin if self._campus.protocol == "lti-1.3" else None
        settings = {"concurrency": self._concurrency, "module": self._module, "platform": platform}
        async with (
            running_daemon(*self._place, name, **settings) as daemon,
            aiohttp.ClientSession() as web,
        ):
            if not self._rounds:
                await daemon.add(launches(name, self._campus.url, number, platform=platform))
                await daemon.until_clean(number)
            self._rounds += 1
            await asyncio.sleep(1.0)  # what a start does besides
            _, before = await self._campus.look(web)
            cpu, started = daemon.cpu, time.perf_counter()
            await daemon.add(scores(name, number, self._rounds))
            await self._campus.until_stored(web, before + number)
            await daemon.until_clean(number)
            took, self.cpu_ms = time.perf_counter() - started, 1000 * (daemon.cpu - cpu) / number
            return number / took
