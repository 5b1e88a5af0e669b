"""The alarm behind all wake-ups."""

from __future__ import annotations

import pytest
from actors.connections import CROWD, SHORT_LINE
from actors.gate import Gates

from daemon.infra.stop import Stop
from daemon.ingest.catch_up import CatchUp
from daemon.ingest.stream import Look
from daemon.loops.dispatch import Sweep
from models.assignment import WAKE_MS, GradedAssignment
from models.db.clock import Clock
from tests.models.rows import make_assignment

EMPTY_STREAM = Look(entries=[], last_id="0-0", first_id=None, at_position=False)


class Ticker:
    """A monotonic clock that stands still until it is moved. Seconds."""

    seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


class Swept:
    """A sweep whose wake-ups are collected, with the stream's backlog applied unless *applied* says otherwise."""

    def __init__(self, *, applied: bool = True) -> None:
        self.ticker = Ticker()
        self.clock = Clock(self.ticker)
        self.backlog = CatchUp()
        if applied:
            self.backlog.saw(0, "0-0", EMPTY_STREAM)
        self.woken: list[int] = []
        self.gates = Gates(4, connections=200, clock=self.clock, lease_seconds=35)
        self.sweep = Sweep(clock=self.clock, gates=self.gates, may_send=lambda: self.backlog.applied, wake=self._wake)
        self.stop = Stop()
        self.stop.set()  # nobody wants to sleep here

    async def _wake(self, wakes):
        self.woken += [wake.assignment_id for wake in wakes]

    async def step(self) -> list[int]:
        """One round; the assignments that it woke, in the order of their ids."""
        self.woken.clear()
        await self.sweep.step(self.stop)
        return sorted(self.woken)


@pytest.fixture
def swept(empty_database):
    return Swept()


async def test_a_round_measures_the_clock(swept):
    with pytest.raises(RuntimeError, match="before it was measured"):
        swept.clock.now()
    await swept.step()
    assert swept.clock.now() > 1_600_000_000_000


async def test_whoever_can_be_claimed_is_woken_once_and_again_when_the_wake_up_has_lapsed(swept):
    assignments = [await make_assignment(), await make_assignment(composite=True)]
    assert await swept.step() == assignments
    assert await swept.step() == []
    await GradedAssignment.filter(id=assignments[0]).update(wake_until=swept.clock.now() - 1)
    assert await swept.step() == assignments[:1]


async def test_a_wake_up_under_way_is_waited_for(swept):
    await swept.step()
    await make_assignment(wake_until=swept.clock.now() + WAKE_MS)
    assert await swept.step() == []


@pytest.mark.parametrize(
    "columns",
    [
        {"sent_version": 1},
        {"parked_at": 1},
        {"disabled_at": 1},
        {"waiting_since": 1},
        {"due_at": 1 << 50},
        {"not_before": 1 << 50},
        {"hold_until": 1 << 50},
        {"claim_token": 1, "claimed_until": 1 << 50},
    ],
    ids=lambda columns: next(iter(columns)),
)
async def test_whoever_cannot_be_claimed_is_let_sleep(swept, columns):
    await make_assignment(**columns)
    assert await swept.step() == []


async def test_a_claim_that_ran_out_is_woken_for(swept):
    lost = await make_assignment(claim_token=1, claimed_until=1)
    assert await swept.step() == [lost]


async def test_no_more_are_woken_for_one_campus_than_its_line_has_room_for(swept):
    assignments = [await make_assignment() for _ in range(3)]
    swept.gates._connections.waiting = CROWD
    assert len(await swept.step()) == SHORT_LINE // 2
    swept.gates._connections.waiting = 0
    assert len(await swept.step()) == len(assignments) - SHORT_LINE // 2


async def test_no_more_are_woken_at_all_campuses_than_may_wait_there(swept):
    for _ in range(CROWD // 2 + 1):
        await make_assignment()
    swept.gates = swept.sweep._gates = Gates(CROWD, connections=200, clock=swept.clock, lease_seconds=35)
    swept.gates._connections.waiting = CROWD - 1
    assert len(await swept.step()) == CROWD // 2


async def test_nobody_is_woken_before_the_backlog_is_applied(empty_database):
    swept = Swept(applied=False)
    assignment = await make_assignment()
    assert await swept.step() == []
    assert swept.clock.now() > 0, "the clock is measured all the same"
    swept.backlog.saw(0, "0-0", EMPTY_STREAM)
    assert await swept.step() == [assignment]


async def test_nobody_is_woken_while_a_database_that_was_restored_catches_up(swept):
    swept.backlog.saw(0, "7-0", EMPTY_STREAM)
    assignment = await make_assignment()
    last = ("7-0", {})
    swept.backlog.saw(0, "3-0", Look(entries=[last], last_id="7-0", first_id="3-0", at_position=True))
    assert await swept.step() == []
    swept.backlog.saw(0, "7-0", EMPTY_STREAM)
    assert await swept.step() == [assignment]
