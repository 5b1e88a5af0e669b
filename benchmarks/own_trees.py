"""A course in which each learner has a tree of their own, as problem banks make them, beside one common tree."""

import asyncio
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import aiohttp
import typer

from benchmarks.assignments import course_structure, fill
from benchmarks.campus import Campus
from benchmarks.daemon import Daemon, Event, running_daemon, scores
from benchmarks.report import Row, publish
from benchmarks.servers import running_servers

own_trees_app = typer.Typer()

_COMMON, _OWN = "one common tree", "a tree of each learner's own"
#: Events put onto the stream at once: of large ones no more than the stream's reader takes in a few reads.
_AT_ONCE = 500


@dataclass
class _Measured:
    """Milliseconds of a core for each outcome, and megabytes of memory after it, a figure a round."""

    cpu: list[float]
    memory: list[float]


@own_trees_app.command("own-trees")
def own_trees(
    rounds: Annotated[int, typer.Option(help="Rounds of each kind.")] = 5,
    learners: int = 10_000,
    blocks: int = 200,
    write: bool = False,
) -> None:
    """CPU and memory of the daemon for a unit's composite where all share a tree, and where each has their own."""
    found = {name: _Measured([], []) for name in (_COMMON, _OWN)}
    with running_servers() as servers, Campus(50) as campus:
        places = {name: servers.fresh() for name in found}
        for place in places.values():
            fill(servers, place[1], {"bench": campus.url}, learners, composite=True)
        for round_ in range(rounds):
            for name, measured in found.items():
                asyncio.run(_round(places[name], campus, name, learners, blocks, round_, measured))
    of = f"{learners:,} learners, trees of {blocks:,} blocks"
    cpu, memory = ([Row(name, getattr(one, what)) for name, one in found.items()] for what in ("cpu", "memory"))
    publish("own-trees", f"CPU for each composite; {of}", cpu, unit="ms", of="of the first", write=write)
    publish("own-trees-memory", f"Memory of the daemon; {of}", memory, unit="MB", of="of the first", write=write)


async def _round(
    place: tuple[Path, str, str],
    campus: Campus,
    name: str,
    learners: int,
    blocks: int,
    round_: int,
    measured: _Measured,
) -> None:
    async with running_daemon(*place, concurrency=256, delay=1) as daemon, aiohttp.ClientSession() as web:
        if round_ == 0:
            await daemon.add([course_structure(blocks)])
            if name == _OWN:
                await _take_in(daemon, learners, blocks)
            await daemon.until_applied()
        await asyncio.sleep(1.0)
        _, stored = await campus.look(web)
        cpu = daemon.cpu
        await daemon.add(_problem(learners, 1 + round_))
        await campus.until_stored(web, stored + learners)
        measured.cpu.append(1000 * (daemon.cpu - cpu) / learners)
        measured.memory.append(daemon.memory_mb)


async def _take_in(daemon: Daemon, learners: int, blocks: int) -> None:
    cpu = daemon.cpu
    for start in range(0, learners, _AT_ONCE):
        await daemon.add(_structures(range(start, min(start + _AT_ONCE, learners)), blocks))
        await daemon.until_applied()
    if await daemon.quarantined():
        raise ValueError("the trees were refused")
    print(f"{_OWN}: {1000 * (daemon.cpu - cpu) / learners:.2f} ms to take one in; {daemon.memory_mb:.0f} MB then")


def _structures(learners: Iterable[int], blocks: int) -> Iterator[Event]:
    """In each unit the last problem is another one for each learner."""
    common = course_structure(blocks)
    for learner in learners:
        tree = json.loads(common["blocks"])
        for block in tree:
            if re.fullmatch(r"problem-\d+-8", block["usage_id"]):
                block["usage_id"] += f"-of-{learner}"
        yield {**common, "user_id": f"bench-{learner}", "blocks": json.dumps(tree)}


def _problem(learners: int, earned: int) -> Iterable[Event]:
    for event in scores("bench", learners, earned):
        yield {**event, "usage_id": "problem-0-0"}
