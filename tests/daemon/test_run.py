"""Running the loops until the stop."""

from __future__ import annotations

import asyncio

import pytest

from daemon.loops import Loop
from daemon.run import run_loops
from daemon.stop import Stop


async def sleeps(stop: Stop) -> None:
    await stop.sleep(60)


async def test_all_loops_end_at_the_stop():
    stop = Stop()
    running = asyncio.create_task(run_loops([Loop("a", sleeps), Loop("b", sleeps)], stop))
    await asyncio.sleep(0)
    stop.set()
    await running


async def test_a_loop_that_dies_ends_the_others_and_says_of_what():
    async def dies(stop: Stop) -> None:
        raise ValueError("a bug")

    stop = Stop()
    with pytest.raises(ValueError, match="a bug"):
        await run_loops([Loop("a", sleeps), Loop("b", dies)], stop)
    assert stop.is_set()


async def test_a_loop_that_hangs_in_a_lost_server_is_left_behind_and_not_cancelled():
    release, ended = asyncio.Event(), []

    async def hangs(stop: Stop) -> None:
        await release.wait()
        ended.append("in its own time")

    stop = Stop()
    stop.set()
    loop = asyncio.create_task(run_loops([Loop("a", hangs)], stop, patience=0.01))
    await loop
    assert ended == []


async def test_what_must_happen_at_the_stop_happens_once():
    stop, told = Stop(), []
    stop.on_set(lambda: told.append("stop"))
    stop.set()
    stop.set()
    assert told == ["stop"]
