"""Admission to a campus: a limit, a bounded line, first come first served."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, suppress

import pytest

from actors.gate import Campus, Gates, NotAdmittedError

CAMPUS = Campus("key", "https://campus.example:443")
OTHERS = [Campus("other", CAMPUS.origin), Campus(CAMPUS.consumer_key, "https://other.example:443")]


class Visitors:
    """Tasks that enter a gate and stay until they are let go."""

    def __init__(self, gates: Gates) -> None:
        self.gates = gates
        self.inside: list[str] = []
        self.turned_away: list[str] = []
        self.go = {}
        self.tasks = {}

    async def come(self, *names: str, campus: Campus = CAMPUS) -> None:
        for name in names:
            self.go[name] = asyncio.Event()
            self.tasks[name] = asyncio.create_task(self._visit(name, campus))
        await settled()

    async def leave(self, *names: str) -> None:
        for name in names:
            self.go[name].set()
        await settled()

    async def _visit(self, name, campus):
        try:
            async with self.gates.enter(campus):
                self.inside.append(name)
                try:
                    await self.go[name].wait()
                finally:
                    self.inside.remove(name)
        except NotAdmittedError:
            self.turned_away.append(name)

    async def end(self) -> None:
        for task in self.tasks.values():
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def settled():
    """Everything that can run without waiting has run."""
    for _ in range(10):
        await asyncio.sleep(0)


@pytest.fixture
async def visitors():
    visitors = Visitors(Gates(2, line=3))
    yield visitors
    await visitors.end()
    assert visitors.gates._gates == {}, "a gate is remembered that nobody stands at"


async def test_no_more_are_let_in_at_once_than_the_limit(visitors):
    await visitors.come("a", "b", "c")
    assert visitors.inside == ["a", "b"]


async def test_whoever_came_first_is_let_in_first(visitors):
    await visitors.come("a", "b", "c", "d", "e")
    await visitors.leave("b")
    assert visitors.inside == ["a", "c"]
    await visitors.leave("a", "c")
    assert visitors.inside == ["d", "e"]


async def test_who_comes_while_others_wait_does_not_overtake_them(visitors):
    await visitors.come("a", "b", "c")
    visitors.go["a"].set()
    await visitors.come("d")
    assert visitors.inside == ["b", "c"]


async def test_a_full_line_turns_away_and_lets_in_again_when_it_has_room(visitors):
    await visitors.come("a", "b", "c", "d", "e", "f")
    assert visitors.turned_away == ["f"]
    await visitors.leave("a")
    await visitors.come("g")
    assert visitors.turned_away == ["f"]
    await visitors.leave("b", "c", "d", "e")
    assert visitors.inside == ["g"]


async def test_without_a_line_nobody_waits():
    gates = Gates(1, line=0)
    async with gates.enter(CAMPUS):
        with pytest.raises(NotAdmittedError, match="full"):
            await gates.enter(CAMPUS).__aenter__()
    async with gates.enter(CAMPUS):
        pass


@pytest.mark.parametrize("other", OTHERS)
async def test_a_campus_is_a_key_and_an_origin_and_does_not_hold_up_another(visitors, other):
    await visitors.come("a", "b", "c")
    await visitors.come("d", "e", campus=other)
    assert visitors.inside == ["a", "b", "d", "e"]


async def test_closing_sends_away_who_waits_and_whoever_comes_and_lets_the_others_finish(visitors):
    await visitors.come("a", "b", "c", "d")
    visitors.gates.close()
    await visitors.come("e")
    await visitors.come("f", campus=OTHERS[0])
    assert visitors.inside == ["a", "b"]
    assert visitors.turned_away == ["c", "d", "e", "f"]
    await visitors.leave("a")
    assert visitors.inside == ["b"]


async def test_closing_twice_does_no_harm(visitors):
    await visitors.come("a", "b", "c")
    visitors.gates.close()
    visitors.gates.close()
    await settled()
    assert visitors.turned_away == ["c"]


async def test_who_waits_and_is_cancelled_leaves_the_line(visitors):
    await visitors.come("a", "b", "c", "d")
    visitors.tasks["c"].cancel()
    await settled()
    await visitors.leave("a")
    assert visitors.inside == ["b", "d"]


async def test_a_slot_that_was_handed_to_somebody_just_cancelled_is_not_lost(visitors):
    await visitors.come("a", "b", "c", "d")
    gate = visitors.gates._gates[CAMPUS]
    visitors.go["a"].set()
    while len(gate.line) == 2:
        await asyncio.sleep(0)
    # c is out of the line, and not inside yet.
    assert visitors.inside == ["b"]
    visitors.tasks["c"].cancel()
    await settled()
    assert visitors.inside == ["b", "d"]


async def test_who_fails_inside_gives_the_slot_back():
    gates = Gates(1, line=0)
    for _ in range(3):
        with pytest.raises(RuntimeError):
            async with gates.enter(CAMPUS):
                raise RuntimeError("inside")


async def test_gates_at_which_nobody_stands_are_forgotten():
    gates = Gates(2)
    async with AsyncExitStack() as stack:
        for number in range(50):
            await stack.enter_async_context(gates.enter(Campus(f"key-{number}", CAMPUS.origin)))
        assert len(gates._gates) == 50
    assert gates._gates == {}


async def test_a_gate_that_turned_everybody_away_is_forgotten():
    gates = Gates(1)
    gates.close()
    with pytest.raises(NotAdmittedError, match="stops"):
        await gates.enter(CAMPUS).__aenter__()
    assert gates._gates == {}
