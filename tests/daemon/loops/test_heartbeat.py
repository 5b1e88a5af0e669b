"""Daemons that say that they are at work, and when they end."""

import pytest
from structlog.testing import capture_logs

from daemon.infra.stop import Stop
from daemon.loops.heartbeat import EVERY, HeartbeatLoop
from models.db.clock import Clock
from models.db.sql import Statement
from models.heartbeat import ALIVE_MS, Heartbeat, Members, read_members
from tests.actors.sending import Ticker


@pytest.fixture
async def clock(empty_database):
    clock = Clock(Ticker())
    await clock.measure()
    return clock


@pytest.fixture
def stop():
    stop = Stop()
    stop.set()  # no sleep between rounds here
    return stop


async def test_each_daemon_has_a_name_of_its_own_and_is_counted_once(clock, stop):
    daemons = [HeartbeatLoop(clock) for _ in range(3)]
    for _ in range(2):
        for daemon in daemons:
            await daemon.step(stop)
    assert await read_members(now=clock.now()) == Members(3, clock.now())


async def test_a_daemon_that_was_not_seen_for_a_while_is_not_at_work(clock, stop):
    daemon, seen = HeartbeatLoop(clock), clock.now()
    await daemon.step(stop)
    clock.monotonic.seconds += ALIVE_MS / 1000 - 0.001
    assert (await read_members(now=clock.now())).alive == 1
    clock.monotonic.seconds += 0.001
    assert await read_members(now=clock.now()) == Members(0, seen)
    await daemon.step(stop)
    assert (await read_members(now=clock.now())).alive == 1
    assert ALIVE_MS / 1000 / 2 > EVERY, "one heartbeat may be late"


async def test_a_daemon_that_ends_is_not_at_work_at_once(clock, stop):
    stays, ends = HeartbeatLoop(clock), HeartbeatLoop(clock)
    await stays.step(stop)
    await ends.step(stop)
    await ends.deregister()
    assert await Heartbeat.all().values_list("id", flat=True) == [stays.name]


async def test_a_daemon_that_cannot_deregister_ends_with_a_warning(clock, stop):
    daemon = HeartbeatLoop(clock)
    await daemon.step(stop)
    await Statement("ALTER TABLE heartbeat RENAME TO away").rows()
    try:
        with capture_logs() as logs:
            await daemon.deregister()
    finally:
        await Statement("ALTER TABLE away RENAME TO heartbeat").rows()
    assert [(line["log_level"], line["event"]) for line in logs] == [("warning", "heartbeat.not_deregistered")]
