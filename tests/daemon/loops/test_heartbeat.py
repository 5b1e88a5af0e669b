"""Daemons that say that they are at work, and when they end."""

import pytest
from structlog.testing import capture_logs

from daemon.loops.heartbeat import HeartbeatLoop
from models.db.clock import Clock
from models.db.sql import Statement
from models.heartbeat import Heartbeat
from models.members import Members, read_members
from tests.actors.sending import Ticker
from tests.daemon.doubles import stopped


@pytest.fixture
async def clock(empty_database):
    clock = Clock(Ticker())
    await clock.measure()
    return clock


async def test_each_daemon_has_a_name_of_its_own_and_is_counted_once_until_it_ends(clock):
    daemons = [HeartbeatLoop(clock) for _ in range(3)]
    for _ in range(2):
        for daemon in daemons:
            await daemon.step(stopped())
    assert await read_members(now=clock.now()) == Members(3, clock.now())
    await daemons[0].deregister()
    assert set(await Heartbeat.all().values_list("id", flat=True)) == {daemons[1].name, daemons[2].name}


async def test_each_heartbeat_has_what_the_daemon_reads_and_what_is_wrong_at_that_moment(clock):
    troubles = ["redis: away"]
    daemon = HeartbeatLoop(clock, reads=lambda: "token" if troubles else None, troubles=lambda: troubles)
    await daemon.step(stopped())
    row = await Heartbeat.get()
    assert (row.stream_token, row.troubles) == ("token", "redis: away")
    troubles.clear()
    await daemon.step(stopped())
    row = await Heartbeat.get()
    assert (row.stream_token, row.troubles) == (None, None)


async def test_a_daemon_that_cannot_deregister_ends_with_a_warning(clock):
    daemon = HeartbeatLoop(clock)
    await daemon.step(stopped())
    await Statement("ALTER TABLE heartbeat RENAME TO away").rows()
    try:
        with capture_logs() as logs:
            await daemon.deregister()
    finally:
        await Statement("ALTER TABLE away RENAME TO heartbeat").rows()
    assert [(line["log_level"], line["event"]) for line in logs] == [("warning", "heartbeat.not_deregistered")]
