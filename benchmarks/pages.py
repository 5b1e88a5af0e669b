"""How quickly pages answer on a large PostgreSQL, and what those who read them cost the grades that are sent."""

import asyncio
import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Annotated

import aiohttp
import typer

from benchmarks.campus import Campus
from benchmarks.daemon import Daemon, Event, launches, running_daemon, scores
from benchmarks.report import Row, publish
from benchmarks.servers import Servers, running_servers
from benchmarks.support_queries import fill

pages_app = typer.Typer()

#: What each page may take, in milliseconds, and what sending keeps of its rate beside those who read.
MAX_MS, LEAST_SHARE = 300.0, 0.95
#: Outcomes a second that are wanted, by how many learners, and how often events are written in a second.
WANTED, LEARNERS, BURSTS = 500, 5_000, 10
#: Seconds between two pages of those who read: as fifty do who have the overview open.
PAUSE = 0.2

_NAME, _PASSWORD = "bench", "a password of the benchmark"
# Besides what :func:`benchmarks.support_queries.fill` leaves: a thousand events in quarantine, and as many actions.
_MORE = """
INSERT INTO quarantined_event (epoch, entry_id, at, type, reason, content, truncated, user_id, course_id)
    SELECT 1, n || '-0', {now} - n, 'score.changed', 'points_earned: ' || n % 20 || ' is not a number', '', false,
        'user-' || n, 'course-' || n % 50
    FROM generate_series(1, 1000) AS n;
INSERT INTO action (at, account, host, command, selection, counts)
    SELECT {now} - n, 'anna (web)', 'host', 'resend', '{{"assignment": ' || n || '}}', '{{"matched": 1}}'
    FROM generate_series(1, 1000) AS n;
ANALYZE;
"""
PATHS = {
    "overview": "/",
    "a learner": "/learners?q=user-77",
    "a learner's id at a campus": "/learners?q=lti-77&as=lti_user",
    "no one": "/learners?q=unknown",
    "an assignment": "/assignments/7777",
    "a large course": "/activities?course=course-large",
    "an activity of it": "/activities?course=course-large&usage=block-7",
    "what of it is parked": "/activities?course=course-large&state=parked",
    "a campus": "/campuses/1",
    "parked": "/parked",
    "quarantine": "/quarantine",
    "keys": "/keys",
    "actions": "/actions",
}


@pages_app.command("pages")
def pages(
    assignments: Annotated[int, typer.Option(help="Five delivery records each.")] = 1_000_000,
    rounds: Annotated[int, typer.Option(help="Rounds of each kind.")] = 3,
    seconds: Annotated[float, typer.Option(help="How long a round lasts.")] = 20.0,
    write: Annotated[bool, typer.Option("--write", help="Write the tables into docs/performance.md.")] = False,
) -> None:
    """
    How long each page takes on a large PostgreSQL, beside 500 outcomes a second, and what these keep of their rate.

    Exits with 1 if a page takes more than 300 ms, or the outcomes keep less than 0.95 of their rate.
    """
    with running_servers() as servers, Campus(50) as campus:
        place = servers.fresh()
        _fill(servers, place[1], assignments)
        took, rates = asyncio.run(_measure(place, campus, rounds, seconds))
    beside = [Row(name, [1000 * one for one in found]) for name, found in took.items()]
    title = f"Pages beside {WANTED} outcomes a second, {assignments:,} assignments"
    publish("pages", title, beside, unit="ms", of="of the first", write=write)
    sent = [Row(name, found) for name, found in rates.items()]
    publish("pages-sending", "What pages cost sending", sent, unit="outcomes/s", of="of alone", write=write)
    slow = [row.name for row in beside if row.median > MAX_MS]
    share = sent[1].median / sent[0].median
    print(f"slower than {MAX_MS:.0f} ms: {', '.join(slow) or 'none'}; sending keeps {share:.2f} of its rate")
    raise typer.Exit(bool(slow) or share < LEAST_SHARE)


def _fill(servers: Servers, url: str, assignments: int) -> None:
    fill(servers, url, assignments, lines=5, large=assignments // 10)
    servers.postgres.execute(_MORE.format(now=int(time.time() * 1000)), database=url.rsplit("/", 1)[1])


async def _measure(
    place: tuple[Path, str, str], campus: Campus, rounds: int, seconds: float
) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """Seconds of each page, and outcomes a second alone and beside those who read."""
    took: dict[str, list[float]] = {name: [] for name in PATHS}
    rates: dict[str, list[float]] = {"alone": [], "beside pages": []}
    async with running_daemon(*place, _NAME, concurrency=256) as daemon, _reader(place[0], daemon) as reader:
        await daemon.add(launches(_NAME, campus.url, LEARNERS))
        await daemon.until_applied()
        load = _Load(daemon, campus)
        await load.rate(seconds)  # what a start does besides
        for _ in range(rounds):
            rates["alone"].append(await load.rate(seconds))
            before = daemon.memory_mb
            reading = asyncio.create_task(_read(reader, took))
            rates["beside pages"].append(await load.rate(seconds))
            reading.cancel()
            with suppress(asyncio.CancelledError):
                await reading
            print(f"memory: {before:.0f} MB, after {sum(map(len, took.values()))} pages {daemon.memory_mb:.0f} MB")
    return took, rates


class _Load:
    """Scores as they come, so many a second, and what of them the campus has stored."""

    def __init__(self, daemon: Daemon, campus: Campus) -> None:
        self._daemon = daemon
        self._campus = campus
        self._written = 0

    async def rate(self, seconds: float) -> float:
        """Outcomes a second that were stored while so many are wanted."""
        async with aiohttp.ClientSession() as web:
            began, before = time.perf_counter(), (await self._campus.look(web))[1]
            for burst in range(1, int(seconds * BURSTS) + 1):
                await self._daemon.add(self._next(WANTED // BURSTS))
                await asyncio.sleep(max(0.0, began + burst / BURSTS - time.perf_counter()))
            stored, took = (await self._campus.look(web))[1] - before, time.perf_counter() - began
            # What is left belongs to no other round.
            await self._campus.until_stored(web, self._written)
        return stored / took

    def _next(self, number: int) -> Iterable[Event]:
        for _ in range(number):
            learner, earned = self._written % LEARNERS, 1 + self._written // LEARNERS
            self._written += 1
            (event,) = scores(_NAME, 1, earned)
            yield {**event, "user_id": f"{_NAME}-{learner}", "points_possible": "100000"}


@asynccontextmanager
async def _reader(folder: Path, daemon: Daemon) -> AsyncIterator[aiohttp.ClientSession]:
    """A browser of an operator who is logged in."""
    add = [
        "web",
        "user",
        "add",
        _NAME,
        "--role",
        "operator",
        "--password-stdin",
        "--config",
        str(folder / "config.toml"),
    ]
    await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "daemon", *add],
        check=True,
        input=f"{_PASSWORD}\n".encode(),
        stdout=subprocess.DEVNULL,
    )
    # The cookie of an address, which a browser would keep too.
    jar = aiohttp.CookieJar(unsafe=True)
    base = daemon.web._base_url  # noqa: SLF001 - the session has no other way to say it
    async with aiohttp.ClientSession(base, cookie_jar=jar) as reader:
        async with reader.post("/login", data={"name": _NAME, "password": _PASSWORD}) as answer:
            text = await answer.text()
            if answer.status != 200 or not re.search("<h1>Overview", text):
                raise RuntimeError(f"no one could log in: {answer.status}")
        yield reader


async def _read(reader: aiohttp.ClientSession, took: dict[str, list[float]]) -> None:
    """One page after the other, until it is cancelled."""
    while True:
        for name, path in PATHS.items():
            began = time.perf_counter()
            async with reader.get(path) as answer:
                await answer.read()
                if answer.status != 200:
                    raise RuntimeError(f"{path}: {answer.status}")
            took[name].append(time.perf_counter() - began)
            await asyncio.sleep(PAUSE)
