"""What grows and must not make an outcome dearer or later: assignments, courses, composites, campuses, daemons."""

import asyncio
import json
import statistics
import time
from collections.abc import Iterable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Annotated

import aiohttp
import asyncpg
import typer

from benchmarks.campus import Campus
from benchmarks.daemon import Daemon, Event, running_daemon, scores
from benchmarks.report import Row, publish
from benchmarks.servers import Servers, running_servers
from models.db.migrate import migrate

growth_app = typer.Typer()

Rounds = Annotated[int, typer.Option(help="Rounds of each kind.")]

# Learners of a consumer that is added by then: the first who are measured are `bench-0`, `bench-1`, ...
_FILL = """
INSERT INTO lti_consumer (consumer_name, consumer_key, consumer_secret) VALUES ('bench', 'bench', 'secret');
INSERT INTO campus (lti_consumer_id, origin, blocked_until, trips, successes, answered_at, reading_until)
    SELECT id, '{origin}', 0, 0, 0, 1, 0 FROM lti_consumer;
INSERT INTO outcome_service (lti_consumer_id, campus_id, lis_outcome_service_url, url_digest)
    SELECT lti_consumer_id, id, '{url}', md5('{url}') FROM campus;
INSERT INTO graded_assignment (user_id, course_id, usage_id, outcome_service_id, campus_id, lis_result_sourcedid,
    sourcedid_digest, registered_us, composite, version_number, sent_version, due_at, forced_version, not_before,
    hold_until, attempts, note)
    SELECT 'bench-' || n, 'course', '{usage}', id, campus_id, '{tag}-' || n, md5(n::text), 0, {composite}, 1, 1,
        0, 0, 0, 0, 0, ''
    FROM generate_series(0, {number} - 1) AS n CROSS JOIN outcome_service;
ANALYZE;
"""


def _fill(servers: Servers, url: str, campus: Campus, number: int, *, composite: bool = False) -> None:
    asyncio.run(migrate(url))
    sql = _FILL.format(
        url=campus.url,
        origin=campus.url.removesuffix("/grades"),
        usage="unit-0" if composite else "problem",
        composite="true" if composite else "false",
        number=number,
        # The campus counts different grades: those of two databases must differ.
        tag=url.rsplit("/", 1)[1],
    )
    servers.postgres.execute(sql, database=url.rsplit("/", 1)[1])


@growth_app.command("assignments")
def assignments(rounds: Rounds = 5, outcomes: int = 4000, large: int = 1_000_000, write: bool = False) -> None:
    """CPU of the daemon for each outcome at 1,000 assignments and at a million, on PostgreSQL."""
    sizes = {f"{number:,} assignments": number for number in (1000, large)}
    with running_servers() as servers, Campus(50) as campus:
        places = {name: servers.fresh() for name in sizes}
        for name, number in sizes.items():
            _fill(servers, places[name][1], campus, number)
        figures: dict[str, list[float]] = {name: [] for name in sizes}
        for round_ in range(rounds):
            for name, number in sizes.items():
                batches = [
                    scores("bench", min(number, 1000), 1 + 10 * round_ + part) for part in range(outcomes // 1000)
                ]
                figures[name].append(asyncio.run(_cpu(places[name], campus, batches, 1000)))
    rows = [Row(name, found) for name, found in figures.items()]
    publish("assignments", "CPU for each outcome", rows, unit="ms", of="of the first", write=write)


@growth_app.command("courses")
def courses(rounds: Rounds = 5, learners: int = 1000, write: bool = False) -> None:
    """CPU of the daemon for a unit's composite in a course of 100 blocks and in one of 10,000, on PostgreSQL."""
    sizes = {f"a course of {number:,} blocks": number for number in (100, 10_000)}
    with running_servers() as servers, Campus(50) as campus:
        places = {name: servers.fresh() for name in sizes}
        figures: dict[str, list[float]] = {name: [] for name in sizes}
        for name in sizes:
            _fill(servers, places[name][1], campus, learners, composite=True)
        for round_ in range(rounds):
            for name, number in sizes.items():
                before = [_structure(number)] if not round_ else []
                events = _problem(learners, 1 + round_)
                figures[name].append(asyncio.run(_cpu(places[name], campus, [events], learners, before)))
    rows = [Row(name, found) for name, found in figures.items()]
    publish("courses", "CPU for each composite", rows, unit="ms", of="of the first", write=write)


def _structure(blocks: int) -> Event:
    """Units of nine problems each below the course."""
    tree: list[dict[str, object]] = [{"usage_id": "course", "parent": None}]
    for unit in range(blocks // 10):
        tree.append({"usage_id": f"unit-{unit}", "parent": "course"})
        tree += [
            {"usage_id": f"problem-{unit}-{number}", "parent": f"unit-{unit}", "points_possible": 1}
            for number in range(9)
        ]
    return {"type": "course.structure", "course_id": "course", "version": "1", "blocks": json.dumps(tree)}


def _problem(learners: int, earned: int) -> Iterable[Event]:
    for event in scores("bench", learners, earned):
        yield {**event, "usage_id": "problem-0-0"}


async def _cpu(
    place: tuple[Path, str, str],
    campus: Campus,
    batches: list[Iterable[Event]],
    each: int,
    before: list[Event] | None = None,
) -> float:
    """Milliseconds of a core for each outcome; each batch makes so many."""
    async with running_daemon(*place, concurrency=256, delay=1) as daemon, aiohttp.ClientSession() as web:
        await daemon.add(before or [])
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
        _fill(servers, place[1], campus, composites, composite=True)
        asyncio.run(_wait(place, campus, composites))


#: Seconds that composites wait there: longer than it takes to take them all in, and a restart.
_DELAY = 60


async def _wait(place: tuple[Path, str, str], campus: Campus, composites: int) -> None:
    async with running_daemon(*place, concurrency=256, delay=_DELAY) as daemon:
        await daemon.add([_structure(100)])
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
        _fill(servers, place[1], campus, rate * seconds)
        asyncio.run(_pace(place, rate, seconds, idle))


async def _pace(place: tuple[Path, str, str], rate: int, seconds: int, idle: int) -> None:
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
    print(_lags(await _read_lags(place[1])))


def _lags(lags: list[int]) -> str:
    """From the ledger, in order: a line's time less its entry's, which is Redis's clock on the same machine."""
    print(f"the first event after the idle time: {lags[0]} ms")
    at = {share: sorted(lags)[int(len(lags) * share / 100) - 1] for share in (50, 99)}
    return (
        f"{len(lags)} events: from event to accepted median {at[50]} ms, p99 {at[99]} ms, least {min(lags)} ms; "
        f"less the campus's 50 ms, p99 {at[99] - 50} ms"
    )


async def _read_lags(database: str) -> list[int]:
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
    number: int = 1000, sick: int = 100, learners: int = 20, connections: int = 1000, rounds: Rounds = 5
) -> None:
    """
    So many campuses: what the healthy ones keep of their throughput while others are sick.

    Args:
        sick: Campuses that answer after nine seconds; as many answer with 503, and as many refuse the connection.
        connections: Requests at once to all of them.
    """
    with running_servers() as servers, Campus(50) as well, Campus(9000) as slow, Campus(50) as failing:
        asyncio.run(_fail(failing))
        urls = (slow.url, failing.url, "http://127.0.0.1:1/grades")
        places = {"alone": servers.fresh(), "beside the sick ones": servers.fresh()}
        figures: dict[str, list[float]] = {name: [] for name in places}
        for name, place in places.items():
            # The stub counts different grades, so those of the two databases differ.
            _fill_campuses(servers, place[1], (well.url, *urls), number, sick, learners, tag=name[0])
        for round_ in range(rounds):
            for name, found in figures.items():
                ill = range(3 * sick) if name != "alone" else range(0)
                many = (ill, range(3 * sick, number))
                found.append(asyncio.run(_mixed(places[name], well, *many, learners, connections, round_)))
                print(f"{name}: {found[-1]:,.0f} outcomes/s", flush=True)
    share = statistics.median(figures["beside the sick ones"]) / statistics.median(figures["alone"])
    print(f"{number} campuses, {sick} of them slow, {sick} failing, {sick} not there: the others keep {share:.2f}")


async def _fail(campus: Campus) -> None:
    async with aiohttp.ClientSession() as web:
        await campus.take(web, 50, 503)


_FILL_CAMPUSES = """
CREATE TABLE place (kind INT, url TEXT);
INSERT INTO place VALUES {urls};
INSERT INTO lti_consumer (consumer_name, consumer_key, consumer_secret)
    SELECT 'campus-' || n, 'campus-' || n, 'secret' FROM generate_series(0, {number} - 1) AS n;
INSERT INTO campus (lti_consumer_id, origin, blocked_until, trips, successes, answered_at, reading_until)
    SELECT id, regexp_replace(url, '/grades$', ''), 0, 0, 0, 1, 0
    FROM lti_consumer JOIN place ON kind = CASE WHEN id <= 3 * {sick} THEN 1 + id % 3 ELSE 0 END;
INSERT INTO outcome_service (lti_consumer_id, campus_id, lis_outcome_service_url, url_digest)
    SELECT lti_consumer_id, id, origin || '/grades', md5(id::text) FROM campus;
INSERT INTO graded_assignment (user_id, course_id, usage_id, outcome_service_id, campus_id, lis_result_sourcedid,
    sourcedid_digest, registered_us, composite, version_number, sent_version, due_at, forced_version, not_before,
    hold_until, attempts, note)
    SELECT consumer_name || '-' || n, 'course', 'problem', outcome_service.id, campus_id,
        '{tag}-' || consumer_name || '-' || n, md5(consumer_name || '-' || n), 0, false, 1, 1, 0, 0, 0, 0, 0, ''
    FROM generate_series(0, {learners} - 1) AS n CROSS JOIN outcome_service
    JOIN lti_consumer ON lti_consumer.id = lti_consumer_id;
DROP TABLE place;
ANALYZE;
"""


def _fill_campuses(
    servers: Servers, database: str, urls: Sequence[str], number: int, sick: int, learners: int, *, tag: str
) -> None:
    asyncio.run(migrate(database))
    kinds = ", ".join(f"({kind}, '{url}')" for kind, url in enumerate(urls))
    sql = _FILL_CAMPUSES.format(urls=kinds, number=number, sick=sick, learners=learners, tag=tag)
    servers.postgres.execute(sql, database=database.rsplit("/", 1)[1])


async def _mixed(
    place: tuple[Path, str, str],
    well: Campus,
    sick: Iterable[int],
    healthy: Iterable[int],
    learners: int,
    connections: int,
    round_: int,
) -> float:
    """Outcomes a second of the healthy campuses, each of which has as many requests at once as is the default."""

    def news(campuses: Iterable[int]) -> list[Event]:
        return [event for one in campuses for event in scores(f"campus-{one}", learners, 1 + round_)]

    async with running_daemon(*place, concurrency=4, connections=connections) as daemon, aiohttp.ClientSession() as web:
        await daemon.add(news(sick))
        # Until a slow one has answered, and those that are away are probed less and less.
        await asyncio.sleep(30.0 if sick else 5.0)
        _, before = await well.look(web)
        events, started = news(healthy), time.perf_counter()
        await daemon.add(events)
        await well.until_stored(web, before + len(events))
        return len(events) / (time.perf_counter() - started)


@growth_app.command("daemons")
def daemons(rounds: Rounds = 5, outcomes: int = 20_000) -> None:
    """One daemon, and two on the same database and Redis."""
    with running_servers() as servers, Campus(50) as campus:
        place = servers.fresh()
        _fill(servers, place[1], campus, outcomes)
        figures: dict[int, list[float]] = {1: [], 2: []}
        for round_ in range(rounds):
            for number, found in figures.items():
                found.append(asyncio.run(_several(place, campus, number, outcomes, 2 * round_ + number)))
    for number, found in figures.items():
        print(f"{number} daemons: {' '.join(f'{one:,.0f}' for one in found)}, median {statistics.median(found):,.0f}/s")


async def _several(place: tuple[Path, str, str], campus: Campus, number: int, outcomes: int, earned: int) -> float:
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
        _fill(servers, place[1], campus, learners)
        servers.postgres.execute("UPDATE lti_consumer SET paused_at = 1", database=place[1].rsplit("/", 1)[1])
        figures = asyncio.run(_take_in(place, rounds, events, learners))
    print(f"intake: {' '.join(f'{one:,.0f}' for one in figures)}, median {statistics.median(figures):,.0f} events/s")


async def _take_in(place: tuple[Path, str, str], rounds: int, events: int, learners: int) -> list[float]:
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
