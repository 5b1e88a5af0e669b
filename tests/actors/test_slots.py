"""So many at once before one campus, two bounded lines behind them, and a limit that follows what the campus bears."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest
from actors.connections import Connections
from actors.slots import GROWTH, NotAdmittedError, Slots


def known(most: int, *, line: int) -> Slots:
    """Slots of a campus that has answered before, with connections for all."""
    slots = Slots(most, connections=Connections(100), line=line)
    slots.answers(slowly=False)
    return slots


class Visitors:
    """Tasks that enter and stay until they are let go; those whose name begins with "r" are retried work."""

    def __init__(self, slots: Slots) -> None:
        self.slots = slots
        self.inside: list[str] = []
        self.turned_away: list[str] = []
        self.go = {}
        self.tasks = {}

    async def come(self, *names: str) -> None:
        for name in names:
            self.go[name] = asyncio.Event()
            self.tasks[name] = asyncio.create_task(self._visit(name))
        await settled()

    async def leave(self, *names: str) -> None:
        for name in names:
            self.go[name].set()
        await settled()

    async def _visit(self, name):
        try:
            await self.slots.enter(retried=name.startswith("r"))
        except NotAdmittedError:
            self.turned_away.append(name)
            return
        self.inside.append(name)
        try:
            await self.go[name].wait()
        finally:
            self.inside.remove(name)
            self.slots.leave()

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
    visitors = Visitors(known(2, line=3))
    yield visitors
    await visitors.end()
    assert (visitors.slots.inside, visitors.slots.waiting) == (0, 0)


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
    await visitors.come("a", "b", "c", "d", "e")
    assert visitors.slots.room(retried=False) == 0
    await visitors.come("f")
    assert visitors.turned_away == ["f"]
    await visitors.leave("a")
    assert visitors.slots.room(retried=False) == 1
    await visitors.come("g")
    assert visitors.turned_away == ["f"]
    await visitors.leave("b", "c", "d", "e")
    assert visitors.inside == ["g"]


async def test_fresh_and_retried_work_are_let_in_in_turn(visitors):
    await visitors.come("a", "b", "c", "d", "e", "r1", "r2", "r3")
    assert not visitors.turned_away, "each has a line of its own"
    order = []
    for name in ("a", "b", "c", "r1", "d", "r2"):
        await visitors.leave(name)
        order.append(visitors.inside[-1])
    assert order == ["c", "r1", "d", "r2", "e", "r3"]


async def test_without_a_line_nobody_waits():
    slots = known(1, line=0)
    await slots.enter(retried=False)
    with pytest.raises(NotAdmittedError, match="full"):
        await slots.enter(retried=False)
    slots.leave()
    await slots.enter(retried=False)


async def test_who_is_sent_away_from_the_line_leaves_those_inside_alone(visitors):
    await visitors.come("a", "b", "c", "r")
    visitors.slots.dismiss("the campus is away")
    visitors.slots.dismiss("twice does no harm")
    await settled()
    assert (visitors.inside, visitors.turned_away) == (["a", "b"], ["c", "r"])
    await visitors.leave("a")
    assert visitors.inside == ["b"]


async def test_who_waits_and_is_cancelled_leaves_the_line(visitors):
    await visitors.come("a", "b", "c", "d")
    visitors.tasks["c"].cancel()
    await settled()
    await visitors.leave("a")
    assert visitors.inside == ["b", "d"]


async def test_a_slot_that_was_handed_to_somebody_just_cancelled_is_not_lost(visitors):
    await visitors.come("a", "b", "c", "d")
    visitors.go["a"].set()
    while visitors.slots.waiting == 2:
        await asyncio.sleep(0)
    # c is out of the line, and not inside yet.
    assert visitors.inside == ["b"]
    visitors.tasks["c"].cancel()
    await settled()
    assert visitors.inside == ["b", "d"]


async def test_a_larger_share_lets_in_who_waits_and_a_smaller_one_sends_nobody_out(visitors):
    await visitors.come("a", "b", "c", "d")
    visitors.slots.grant(3, line=3)
    await settled()
    assert visitors.inside == ["a", "b", "c"]
    visitors.slots.grant(1, line=3)
    await visitors.leave("a", "b")
    assert visitors.inside == ["c"]
    await visitors.leave("c")
    assert visitors.inside == ["d"]


async def test_a_shorter_line_sends_nobody_away_and_takes_nobody_more(visitors):
    await visitors.come("a", "b", "c", "d", "e")
    visitors.slots.grant(2, line=1)
    await visitors.come("f")
    assert visitors.turned_away == ["f"]
    await visitors.leave("a", "b")
    assert visitors.inside == ["c", "d"]
    await visitors.come("g")
    assert visitors.turned_away == ["f", "g"], "one waits, as many as may"
    await visitors.leave("c")
    await visitors.come("h")
    assert visitors.turned_away == ["f", "g"]


def test_a_busy_campus_gets_half_as_many_at_once_and_never_fewer_than_one():
    slots = known(12, line=3)
    limits = []
    for _ in range(5):
        slots.bears_less()
        limits.append(slots.limit)
    assert limits == [6, 3, 1, 1, 1]


def test_a_limit_grows_back_slowly_and_not_beyond_the_share():
    slots = known(4, line=3)
    slots.bears_less()
    answers = 0
    while slots.limit < 3:
        slots.bears_more()
        answers += 1
    assert answers >= 2 / GROWTH, "two slots' answers, over the growth of one round"
    for _ in range(1000):
        slots.bears_more()
    assert slots.limit == 4


def test_a_campus_that_bears_less_than_its_share_does_not_bear_more_for_a_larger_share():
    slots = known(8, line=3)
    slots.bears_less()
    slots.grant(16, line=3)
    assert slots.limit == 4


def test_a_campus_that_bears_one_does_not_bear_more_because_the_share_was_one_meanwhile():
    slots = known(4, line=3)
    slots.bears_one()
    for most in (1, 4):
        slots.grant(most, line=3)
        slots.bears_more()
    assert slots.limit == 1


def test_a_campus_that_never_complained_bears_whatever_the_share_is():
    slots = known(8, line=3)
    for most in (4, 8, 0, 8):
        slots.grant(most, line=3)
        assert slots.limit == most


def test_a_campus_that_comes_back_gets_one_at_once():
    slots = known(8, line=3)
    slots.bears_one()
    assert slots.limit == 1
