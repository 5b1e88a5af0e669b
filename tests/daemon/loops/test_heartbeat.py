"""Daemons that join, leave, freeze and thaw: no campus ever gets more at once than all of them together may send."""

from __future__ import annotations

from contextlib import AsyncExitStack

import pytest
from actors.gate import Gates
from models.attempt import address
from models.fleet import AWAKE_MS
from structlog.testing import capture_logs

from daemon.infra.log_throttle import TELL_EVERY
from daemon.infra.stop import Stop
from daemon.loops.heartbeat import EVERY, STALE, Fleet
from models import fleet
from models.db.clock import Clock
from tests.models.rows import make_assignment

MOST = 4
#: Seconds that a request may take, and after which a daemon that was not seen is taken for dead.
REQUEST = 10
LAPSE = AWAKE_MS / 1000 + REQUEST


class Ticker:
    """A monotonic clock that stands still until it is moved. Seconds."""

    seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


class Daemon:
    """What a daemon divides with."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.gates = Gates(MOST, connections=200, clock=clock, lease_seconds=35)
        self.fleet = Fleet(clock=clock, gates=self.gates, request_seconds=REQUEST)

    @property
    def joined(self) -> bool:
        return self.fleet.joined

    async def beat(self) -> None:
        await self.fleet.beat()

    async def fill(self, stack: AsyncExitStack, assignment_id: int) -> int:
        """Send as much at once as it may; gives how much that is."""
        place = await address(assignment_id, now=self.clock.now())
        gate = self.gates._gate(place.campus).slots
        gate.answers(slowly=False)
        while gate.inside < gate.limit:
            await stack.enter_async_context(self.gates.enter(place))
        return gate.inside


@pytest.fixture
async def make_daemon(empty_database):
    clock = Clock(Ticker())
    await clock.measure()
    return lambda: Daemon(clock)


async def test_a_daemon_that_is_alone_sends_at_once(make_daemon):
    alone = make_daemon()
    assert not alone.joined
    await alone.beat()
    assert alone.joined


async def test_a_daemon_that_joins_waits_until_the_others_have_noticed_it(make_daemon):
    old, new = make_daemon(), make_daemon()
    await old.beat()
    await new.beat()
    assert not new.joined
    await old.beat()
    assert old.joined
    await new.beat()
    assert new.joined


async def test_daemons_that_start_together_all_get_their_share(make_daemon):
    daemons = [make_daemon() for _ in range(3)]
    for _ in range(3):
        for daemon in daemons:
            await daemon.beat()
    assert all(daemon.joined for daemon in daemons)
    leaf = await make_assignment()
    async with AsyncExitStack() as stack:
        assert sum([await daemon.fill(stack, leaf) for daemon in daemons]) == MOST


async def test_a_daemon_that_joins_waits_until_what_is_under_way_elsewhere_has_made_room(make_daemon):
    old, new, leaf = make_daemon(), make_daemon(), await make_assignment()
    await old.beat()
    async with AsyncExitStack() as stack:
        assert await old.fill(stack, leaf) == MOST
        for _ in range(3):
            await new.beat()
            await old.beat()
        assert not new.joined
    await old.beat()
    await new.beat()
    assert new.joined
    async with AsyncExitStack() as stack:
        assert [await old.fill(stack, leaf), await new.fill(stack, leaf)] == [2, 2]


async def test_the_share_of_a_daemon_that_took_leave_is_given_away_at_once(make_daemon):
    stays, goes, leaf = make_daemon(), make_daemon(), await make_assignment()
    for daemon in (stays, goes, stays):
        await daemon.beat()
    await goes.fleet.leave()
    await stays.beat()
    async with AsyncExitStack() as stack:
        assert await stays.fill(stack, leaf) == MOST


async def test_the_share_of_a_daemon_that_died_is_given_away_when_it_was_not_seen_for_a_while(make_daemon):
    stays, dies, leaf = make_daemon(), make_daemon(), await make_assignment()
    for daemon in (stays, dies, stays):
        await daemon.beat()
    stays.clock.monotonic.seconds += LAPSE - 0.1
    await stays.beat()
    async with AsyncExitStack() as stack:
        assert await stays.fill(stack, leaf) == MOST / 2
    stays.clock.monotonic.seconds += 0.2
    await stays.beat()
    async with AsyncExitStack() as stack:
        assert await stays.fill(stack, leaf) == MOST


async def test_a_daemon_that_joins_after_a_crash_waits_seconds_and_then_sends_with_its_share(make_daemon):
    dead, new, leaf = make_daemon(), make_daemon(), await make_assignment()
    await dead.beat()
    await new.beat()
    assert not new.joined
    new.clock.monotonic.seconds += AWAKE_MS / 1000
    await new.beat()
    assert new.joined
    async with AsyncExitStack() as stack:
        assert await new.fill(stack, leaf) == MOST / 2
    new.clock.monotonic.seconds += REQUEST
    await new.beat()
    async with AsyncExitStack() as stack:
        assert await new.fill(stack, leaf) == MOST


async def test_a_daemon_that_was_frozen_sends_nothing_until_the_others_have_made_room_again(make_daemon):
    awake, frozen = make_daemon(), make_daemon()
    for daemon in (awake, frozen, awake, frozen):
        await daemon.beat()
    assert frozen.joined
    awake.clock.monotonic.seconds += STALE + 0.1
    assert not frozen.joined, "not before it has looked around"
    awake.clock.monotonic.seconds += LAPSE
    await awake.beat()
    await frozen.beat()
    assert not frozen.joined
    await awake.beat()
    await frozen.beat()
    assert frozen.joined


async def test_a_round_beats_and_sleeps_no_longer_than_until_the_stop(make_daemon):
    daemon, stop = make_daemon(), Stop()
    stop.set()
    await daemon.fleet.step(stop)
    assert daemon.joined
    assert EVERY < STALE < AWAKE_MS / 1000


async def test_one_that_is_kept_waiting_says_so_once_a_minute(make_daemon):
    first, second = make_daemon(), make_daemon()
    stop = Stop()
    stop.set()  # no sleep between two steps
    with capture_logs() as logs:
        await first.beat()
        for _ in range(int(LAPSE + TELL_EVERY)):
            await second.fleet.step(stop)
            second.clock.monotonic.seconds += 1
            await fleet.beat(first.fleet.name, roster=frozenset(), now=first.clock.now(), lapse_ms=1)
    assert not second.joined
    assert [line["log_level"] for line in logs] == ["warning"]
