"""What grows and must not make an outcome more expensive or later: assignments, courses, campuses, daemons."""

import asyncio
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Annotated

import aiohttp
import asyncpg
import typer

from benchmarks.assignments import course_structure, fill
from benchmarks.campus import Campus
from benchmarks.daemon import Daemon, Event, running_daemon, scores
from benchmarks.report import Row, publish
from benchmarks.servers import Servers, running_servers

growth_app = typer.Typer()

Rounds = Annotated[int, typer.Option(help="Rounds of each kind.")]

Place = tuple[Path, str, str]


def _fill(servers: Servers, place: Place, campus: Campus, number: int, *, composite: bool = False) -> None:
    fill(servers, place[1], {"bench": campus.url}, number, composite=composite)


@growth_app.command("assignments")
def assignments(rounds: Rounds = 5, outcomes: int = 4000, large: int = 1_000_000, write: bool = False) -> None:
    """CPU of the daemon for each outcome at 1,000 assignments and at a million, on PostgreSQL."""
    sizes = {f"{number:,} assignments": number for number in (1000, large)}
    with running_servers() as servers, Campus(50) as campus:
        places = {name: servers.fresh() for name in sizes}
        for name, number in sizes.items():
            _fill(servers, places[name], campus, number)

        def measure(name: str, round_: int) -> float:
            first = 1 + 10 * round_
            batches = [scores("bench", min(sizes[name], 1000), first + part) for part in range(outcomes // 1000)]
            return asyncio.run(_cpu(places[name], campus, batches, 1000))

        _compare("assignments", "CPU for each outcome", sizes, rounds, measure, write=write)


@growth_app.command("courses")
def courses(rounds: Rounds = 5, learners: int = 1000, write: bool = False) -> None:
    """CPU of the daemon for a unit's composite in a course of 100 blocks and in one of 10,000, on PostgreSQL."""
    sizes = {f"a course of {number:,} blocks": number for number in (100, 10_000)}
    with running_servers() as servers, Campus(50) as campus:
        places = {name: servers.fresh() for name in sizes}
        for place in places.values():
            _fill(servers, place, campus, learners, composite=True)

        def measure(name: str, round_: int) -> float:
            before = [] if round_ else [course_structure(sizes[name])]
            return asyncio.run(_cpu(places[name], campus, [_problem(learners, 1 + round_)], learners, before))

        _compare("courses", "CPU for each composite", sizes, rounds, measure, write=write)


def _compare(
    key: str, title: str, names: Iterable[str], rounds: int, measure: Callable[[str, int], float], *, write: bool
) -> None:
    figures: dict[str, list[float]] = {name: [] for name in names}
    for round_ in range(rounds):
        for name, found in figures.items():
            found.append(measure(name, round_))
    rows = [Row(name, found) for name, found in figures.items()]
    publish(key, title, rows, unit="ms", of="of the first", write=write)


def _problem(learners: int, earned: int) -> Iterable[Event]:
    for event in scores("bench", learners, earned):
        yield {**event, "usage_id": "problem-0-0"}


async def _cpu(
    place: Place,
    campus: Campus,
    batches: list[Iterable[Event]],
    each: int,
    before: Iterable[Event] = (),
) -> float:
    """Milliseconds of a core for each outcome; each batch makes so many."""
    async with running_daemon(*place, concurrency=256, delay=1) as daemon, aiohttp.ClientSession() as web:
        await daemon.add(before)
        await daemon.until_applied()
        await asyncio.sleep(1.0)
        cpu, made = daemon.cpu, 0
        for batch in batches:
            _, stored = await campus.look(web)
            await daemon.add(batch)
            await campus.until_stored(web, stored + each)
            made += each
        return 1000 * (daemon.cpu - cpu) / made


@growth_app.command("waiting")
def waiting(composites: int = 100_000) -> None:
    """Composites that wait for their time: the daemon's memory, and the first due one after a restart."""
    with running_servers() as servers, Campus(50) as campus:
        place = servers.fresh()
        _fill(servers, place, campus, composites, composite=True)
        asyncio.run(_wait(place, campus, composites))


#: Seconds that composites wait there: longer than it takes to take them all in, and a restart.
_DELAY = 60


async def _wait(place: Place, campus: Campus, composites: int) -> None:
    async with running_daemon(*place, concurrency=256, delay=_DELAY) as daemon:
        await daemon.add([course_structure(100)])
        await daemon.until_applied()
        started = time.perf_counter()
        events = list(_problem(composites, 1))
        for start in range(0, composites, 5000):
            await daemon.add(events[start : start + 5000])
        await daemon.until_applied()
        print(f"{composites:,} composites wait; {composites / (time.perf_counter() - started):,.0f} events/s")
        print(f"{daemon.memory_mb:.0f} MB")
    async with running_daemon(*place, concurrency=256, delay=_DELAY) as daemon, aiohttp.ClientSession() as web:
        ready = time.perf_counter() - started
        await campus.until_stored(web, 1)
        first = time.perf_counter() - started
        print(
            f"a new daemon was ready after {ready:.1f} s; the first one, due after {_DELAY} s, came after {first:.1f} s"
        )
        print(f"{daemon.memory_mb:.0f} MB then")


@growth_app.command("latency")
def latency(rate: int = 200, seconds: int = 30, idle: int = 30) -> None:
    """From event to accepted at a steady rate, and what an idle daemon uses of a core."""
    with running_servers() as servers, Campus(50) as campus:
        place = servers.fresh()
        _fill(servers, place, campus, rate * seconds)
        asyncio.run(_pace(place, rate, seconds, idle))


async def _pace(place: Place, rate: int, seconds: int, idle: int) -> None:
    async with running_daemon(*place, concurrency=256) as daemon:
        await asyncio.sleep(3.0)
        cpu = daemon.cpu
        await asyncio.sleep(idle)
        print(f"idle for {idle} s: {100 * (daemon.cpu - cpu) / idle:.1f} % of a core")
        first = list(scores("bench", 1, 7))
        await daemon.add(first)
        events, started = list(scores("bench", rate * seconds)), time.perf_counter()
        # Ten times a second, so that the clock of this process hardly matters.
        for number, start in enumerate(range(0, len(events), rate // 10)):
            await asyncio.sleep(max(0.0, started + number / 10 - time.perf_counter()))
            await daemon.add(events[start : start + rate // 10])
        await daemon.until_clean(rate * seconds)
        await asyncio.sleep(1.0)
    lags = await _read_lags(place[1])
    print(f"the first event after the idle time: {lags[0]} ms")
    at = {share: sorted(lags)[int(len(lags) * share / 100) - 1] for share in (50, 99)}
    print(
        f"{len(lags)} events: from event to accepted median {at[50]} ms, p99 {at[99]} ms, least {min(lags)} ms; "
        f"less the campus's 50 ms, p99 {at[99] - 50} ms"
    )


async def _read_lags(database: str) -> list[int]:
    """In order: the time of a delivery record less its entry's, which is by Redis's clock on the same machine."""
    connection = await asyncpg.connect(database)
    try:
        rows = await connection.fetch(
            "SELECT at - CAST(split_part(entry_id, '-', 1) AS BIGINT) AS lag FROM delivery WHERE result = 'accepted' "
            "ORDER BY id"
        )
        return [row["lag"] for row in rows]
    finally:
        await connection.close()


@growth_app.command("campuses")
def campuses(
    number: int = 1000, unhealthy: int = 100, learners: int = 20, connections: int = 1000, rounds: Rounds = 5
) -> None:
    """
    So many campuses: what the healthy ones keep of their throughput beside unhealthy ones.

    Args:
        unhealthy: Campuses that answer after nine seconds; as many answer with 503, and as many refuse the connection.
        connections: Requests at once to all of them.
    """
    with running_servers() as servers, Campus(50) as well, Campus(9000) as slow, Campus(50) as failing:
        asyncio.run(_fail(failing))
        urls = (slow.url, failing.url, "http://127.0.0.1:1/grades")
        services = {f"campus-{one}": urls[one % 3] if one < 3 * unhealthy else well.url for one in range(number)}
        places = {"alone": servers.fresh(), "beside unhealthy ones": servers.fresh()}
        figures: dict[str, list[float]] = {name: [] for name in places}
        for place in places.values():
            fill(servers, place[1], services, learners)
        for round_ in range(rounds):
            for name, found in figures.items():
                many = (range(3 * unhealthy) if name != "alone" else range(0), range(3 * unhealthy, number))
                found.append(asyncio.run(_mixed(places[name], well, *many, learners, connections, round_)))
                print(f"{name}: {found[-1]:,.0f} outcomes/s", flush=True)
    share = statistics.median(figures["beside unhealthy ones"]) / statistics.median(figures["alone"])
    print(
        f"{number} campuses, {unhealthy} of them slow, {unhealthy} failing, {unhealthy} not there: "
        f"the others keep {share:.2f}"
    )


async def _fail(campus: Campus) -> None:
    async with aiohttp.ClientSession() as web:
        await campus.take(web, 50, 503)


async def _mixed(
    place: Place,
    well: Campus,
    unhealthy: Sequence[int],
    healthy: Iterable[int],
    learners: int,
    connections: int,
    round_: int,
) -> float:
    """Outcomes a second of the healthy campuses, each of which has as many requests at once as is the default."""

    def changes(campuses: Iterable[int]) -> list[Event]:
        return [event for one in campuses for event in scores(f"campus-{one}", learners, 1 + round_)]

    async with running_daemon(*place, concurrency=4, connections=connections) as daemon, aiohttp.ClientSession() as web:
        await daemon.add(changes(unhealthy))
        # Until a slow one has answered, and those that are away are probed less and less.
        await asyncio.sleep(30.0 if unhealthy else 5.0)
        _, before = await well.look(web)
        events, started = changes(healthy), time.perf_counter()
        await daemon.add(events)
        await well.until_stored(web, before + len(events))
        return len(events) / (time.perf_counter() - started)


@growth_app.command("daemons")
def daemons(rounds: Rounds = 5, outcomes: int = 20_000) -> None:
    """One daemon, and two on the same database and Redis."""
    with running_servers() as servers, Campus(50) as campus:
        place = servers.fresh()
        _fill(servers, place, campus, outcomes)
        figures: dict[int, list[float]] = {1: [], 2: []}
        for round_ in range(rounds):
            for number, found in figures.items():
                found.append(asyncio.run(_several(place, campus, number, outcomes, 2 * round_ + number)))
    for number, found in figures.items():
        print(f"{number} daemons: {' '.join(f'{one:,.0f}' for one in found)}, median {statistics.median(found):,.0f}/s")


async def _several(place: Place, campus: Campus, number: int, outcomes: int, earned: int) -> float:
    folder, database, redis_url = place
    async with AsyncExitStack() as stack:
        daemons: list[Daemon] = []
        for one in range(number):
            own = folder / str(one)
            own.mkdir(exist_ok=True)
            daemons.append(await stack.enter_async_context(running_daemon(own, database, redis_url, concurrency=512)))
        web = await stack.enter_async_context(aiohttp.ClientSession())
        await asyncio.sleep(5.0)  # until they have divided the campus
        _, before = await campus.look(web)
        started = time.perf_counter()
        await daemons[0].add(scores("bench", outcomes, earned))
        await campus.until_stored(web, before + outcomes)
        return outcomes / (time.perf_counter() - started)


@growth_app.command("intake")
def intake(rounds: Rounds = 5, events: int = 40_000, learners: int = 10_000) -> None:
    """Score events a second into PostgreSQL, while nothing is sent."""
    with running_servers() as servers, Campus(50) as campus:
        place = servers.fresh()
        _fill(servers, place, campus, learners)
        servers.postgres.execute("UPDATE lti_consumer SET paused_at = 1", database=place[1].rsplit("/", 1)[1])
        figures = asyncio.run(_take_in(place, rounds, events, learners))
    print(f"intake: {' '.join(f'{one:,.0f}' for one in figures)}, median {statistics.median(figures):,.0f} events/s")


async def _take_in(place: Place, rounds: int, events: int, learners: int) -> list[float]:
    figures = []
    async with running_daemon(*place, concurrency=256) as daemon:
        for round_ in range(rounds):
            many = [
                event
                for part in range(events // learners)
                for event in scores("bench", learners, 1 + (round_ * 7 + part) % 90)
            ]
            started = time.perf_counter()
            for start in range(0, events, 5000):
                await daemon.add(many[start : start + 5000])
            await daemon.until_applied()
            figures.append(events / (time.perf_counter() - started))
    return figures
