"""How quickly pages answer on a large PostgreSQL, and what those who read them cost the grades that are sent."""

import asyncio
import re
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
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
#: Those who read at once, and the seconds between two pages of each: as a hundred do who have the overview open.
READERS, PAUSE = 2, 0.2
#: What PostgreSQL's manual would have it keep in memory on a machine of 4 GB, a quarter.
MEMORY = "1GB"
#: Megabytes by which a file of the large course may make the daemon grow.
MAX_GROWTH_MB = 20.0

_NAME, _PASSWORD = "bench", "a password of the benchmark"
# Besides what :func:`benchmarks.support_queries.fill` leaves: of the learners of the large course a tenth has attempted
# nothing but for some whose grade the campus has overruled; a thousand events in quarantine, and as many actions.
_MORE = """
UPDATE graded_assignment SET sent_score = NULL WHERE course_id = 'course-large' AND id / 10 % 10 = 3;
UPDATE delivery SET code_major = 'overruled', result = 'overtaken'
    WHERE assignment_id / 10 % 400 = 3 AND claim_token = 4
        AND assignment_id IN (SELECT id FROM graded_assignment WHERE course_id = 'course-large');
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
    How long each page takes on a large PostgreSQL, alone and beside 500 outcomes a second, and what these then keep.

    Exits with 1 if a page takes more than 300 ms, the outcomes keep less than 0.95 of their rate, or a file of a tenth
    of the grades makes the daemon grow by more than 20 MB.
    """
    with running_servers(shared_buffers=MEMORY) as servers, Campus(50) as campus:
        place = servers.fresh()
        _fill(servers, place[1], assignments)
        found = asyncio.run(_measure(place, campus, rounds, seconds))
    beside = f"beside {WANTED} outcomes a second"
    for key, title, took in (("pages", "with nothing else to do", found.alone), ("pages-busy", beside, found.beside)):
        rows = [Row(name, figures) for name, figures in took.items()]
        publish(key, f"Pages {title}, {assignments:,} assignments", rows, unit="ms", of="of the first", write=write)
    sent = [Row(name, figures) for name, figures in found.rates.items()]
    publish("pages-sending", "What pages cost sending", sent, unit="outcomes/s", of="of alone", write=write)
    slow = [name for name, figures in found.beside.items() if statistics.median(figures) > MAX_MS]
    share = sent[1].median / sent[0].median
    print(f"slower than {MAX_MS:.0f} ms: {', '.join(slow) or 'none'}; sending keeps {share:.2f} of its rate")
    print(f"a file of {assignments // 10:,} grades: {found.file}")
    raise typer.Exit(bool(slow) or share < LEAST_SHARE or found.grown_mb > MAX_GROWTH_MB)


def _fill(servers: Servers, url: str, assignments: int) -> None:
    fill(servers, url, assignments, lines=5, large=assignments // 10)
    servers.postgres.execute(_MORE.format(now=int(time.time() * 1000)), database=url.rsplit("/", 1)[1])


@dataclass
class _Found:
    """
    What was measured.

    *alone*, *beside*: milliseconds of each page, the median of each round. *rates*: outcomes a second without those who
    read, and beside them. *file*: in words. *grown_mb*: by how much the daemon grew meanwhile.
    """

    alone: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in PATHS})
    beside: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in PATHS})
    rates: dict[str, list[float]] = field(default_factory=lambda: {"alone": [], "beside pages": []})
    file: str = ""
    grown_mb: float = 0.0


async def _measure(place: tuple[Path, str, str], campus: Campus, rounds: int, seconds: float) -> _Found:
    found = _Found()
    async with running_daemon(*place, _NAME, concurrency=256) as daemon, _reader(place[0], daemon) as reader:
        await daemon.add(launches(_NAME, campus.url, LEARNERS))
        await daemon.until_applied()
        load = _Load(daemon, campus)
        await load.rate(seconds)  # what a start does besides
        for _ in range(rounds):
            before = daemon.memory_mb
            async with _reading(reader, found.alone):
                await asyncio.sleep(seconds)
            found.rates["alone"].append(await load.rate(seconds))
            async with _reading(reader, found.beside):
                found.rates["beside pages"].append(await load.rate(seconds))
            print(f"memory of the daemon: {before:.0f} MB before the round, {daemon.memory_mb:.0f} MB after it")
        await _read_file(reader, daemon, found)
    return found


@asynccontextmanager
async def _reading(reader: aiohttp.ClientSession, medians: dict[str, list[float]]) -> AsyncIterator[None]:
    """Pages are asked for within this context; the median of each is added at its end."""
    took: dict[str, list[float]] = {name: [] for name in PATHS}
    tasks = [asyncio.create_task(_read(reader, took, first)) for first in range(READERS)]
    yield
    for task in tasks:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    for name, figures in took.items():
        # Of a page that no one came to in this round there is no figure.
        medians[name] += [1000 * statistics.median(figures)] if figures else []


async def _read_file(reader: aiohttp.ClientSession, daemon: Daemon, found: _Found) -> None:
    before, began, size, most = daemon.memory_mb, time.perf_counter(), 0, 0.0
    async with reader.get("/activities.csv?course=course-large") as answer:
        answer.raise_for_status()
        async for chunk in answer.content.iter_any():
            size += len(chunk)
            most = max(most, daemon.memory_mb)
    found.grown_mb = most - before
    took = time.perf_counter() - began
    found.file = f"{size / 1e6:.1f} MB in {took:.1f} s; the daemon grew by {found.grown_mb:.1f} MB at most"


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


async def _read(reader: aiohttp.ClientSession, took: dict[str, list[float]], first: int) -> None:
    """One page after the other, until it is cancelled. *first*: where to begin, in shares of all pages."""
    names = list(PATHS)
    start = first * len(names) // READERS
    while True:
        for name in names[start:] + names[:start]:
            began = time.perf_counter()
            async with reader.get(PATHS[name]) as answer:
                await answer.read()
                if answer.status != 200:
                    raise RuntimeError(f"{PATHS[name]}: {answer.status}")
            took[name].append(time.perf_counter() - began)
            await asyncio.sleep(PAUSE)
