"""The connections of one daemon, which its campuses share in turn."""

from __future__ import annotations

import asyncio

import pytest
from actors.connections import Connections
from actors.slots import Slots


class Campus:
    """One that has answered before, and tasks that wait there until they are let in, and stay."""

    def __init__(self, connections: Connections, *, slow: bool = False, most: int = 100) -> None:
        self.slots = Slots(most, connections=connections, line=100)
        self.slots.answers(slowly=slow)
        self.tasks: list[asyncio.Task[None]] = []

    async def come(self, number: int) -> None:
        self.tasks += [asyncio.create_task(self.slots.enter(retried=False)) for _ in range(number)]
        await asyncio.sleep(0)

    async def end(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


@pytest.fixture
async def make_campus():
    made = []

    def make(connections, **how):
        made.append(Campus(connections, **how))
        return made[-1]

    yield make
    for campus in made:
        await campus.end()


def leave(campus: Campus, times: int = 1) -> None:
    for _ in range(times):
        campus.slots.leave()


async def test_no_more_are_let_in_than_there_are_connections(make_campus):
    connections = Connections(3)
    one, other = make_campus(connections), make_campus(connections)
    await one.come(2)
    await other.come(2)
    assert (one.slots.inside, other.slots.inside, connections.used, connections.waiting) == (2, 1, 3, 1)


async def test_campuses_take_turns_however_many_wait_at_one_of_them(make_campus):
    connections = Connections(4)
    crowded, *others = [make_campus(connections) for _ in range(3)]
    await crowded.come(50)
    for other in others:
        await other.come(2)
    leave(crowded, 3)
    assert [campus.slots.inside for campus in (crowded, *others)] == [2, 1, 1]


async def test_slow_campuses_have_half_of_them_and_a_quarter_while_quick_ones_wait(make_campus):
    connections = Connections(20)
    slow, quick = make_campus(connections, slow=True), make_campus(connections)
    await slow.come(50)
    assert (slow.slots.inside, connections.slow) == (10, 10)
    await quick.come(20)
    assert quick.slots.inside == 10
    leave(slow, 4)
    await asyncio.sleep(0)
    assert (slow.slots.inside, quick.slots.inside) == (6, 14)
    leave(slow, 4)
    await asyncio.sleep(0)
    # Slow and quick campuses take turns for what is free.
    assert (slow.slots.inside, quick.slots.inside, connections.slow) == (4, 16, 4)
    leave(slow, 4)
    await asyncio.sleep(0)
    assert (slow.slots.inside, quick.slots.inside, quick.slots.waiting) == (2, 18, 2)
    leave(quick, 10)
    await asyncio.sleep(0)
    assert (slow.slots.inside, quick.slots.inside, quick.slots.waiting) == (10, 10, 0)


async def test_the_only_connection_may_go_to_a_slow_campus(make_campus):
    slow = make_campus(Connections(1), slow=True)
    await slow.come(2)
    assert slow.slots.inside == 1


async def test_one_that_turns_slow_counts_as_slow_with_all_that_it_has_and_gets_no_more(make_campus):
    connections = Connections(10)
    campus = make_campus(connections)
    await campus.come(9)
    campus.slots.answers(slowly=True)
    await campus.come(1)
    assert (campus.slots.inside, connections.slow) == (9, 9)
    leave(campus, 5)
    assert (campus.slots.inside, connections.slow) == (5, 5)
    campus.slots.answers(slowly=False)
    assert connections.slow == 0


async def test_one_that_turned_quick_while_it_waited_is_let_in(make_campus):
    connections = Connections(2)
    campus = make_campus(connections, slow=True)
    await campus.come(2)
    assert campus.slots.inside == 1
    campus.slots.answers(slowly=False)
    assert campus.slots.inside == 2


async def test_one_that_turned_slow_while_it_waited_is_passed_over(make_campus):
    connections = Connections(2)
    other, campus, third = (make_campus(connections) for _ in range(3))
    await other.come(2)
    other.slots.answers(slowly=True)
    await campus.come(1)
    await third.come(1)
    campus.slots.answers(slowly=True)
    leave(other)
    assert (campus.slots.inside, third.slots.inside) == (0, 1)
    leave(other)
    assert campus.slots.inside == 1


async def test_whoever_waited_and_went_leaves_nothing_behind(make_campus):
    connections = Connections(1)
    one, other = make_campus(connections), make_campus(connections)
    await one.come(1)
    await other.come(3)
    await other.end()
    assert connections.waiting == 0
    leave(one)
    assert (connections.used, other.slots.inside) == (0, 0)
    await one.come(1)
    assert connections.used == 1
