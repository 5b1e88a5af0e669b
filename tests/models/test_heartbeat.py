"""Which daemons are at work."""

import pytest

from models.heartbeat import ALIVE_MS, Heartbeat, Members, beat, deregister, read_members

NOW = 10_000_000

pytestmark = pytest.mark.usefixtures("empty_database")


async def names():
    return sorted(row.id for row in await Heartbeat.all())


async def test_where_no_daemon_ever_was_there_is_none():
    assert await read_members(now=NOW) == Members(0, None)


async def test_a_daemon_that_beats_is_at_work_once_however_often_it_beats():
    for later in (0, 1_000):
        await beat("a", now=NOW + later)
    await beat("b", now=NOW + 500)
    assert await read_members(now=NOW + 1_000) == Members(2, NOW + 1_000)


@pytest.mark.parametrize(
    ("seen", "alive"),
    [
        ((NOW,), 1),
        ((NOW - ALIVE_MS,), 0),
        ((NOW - ALIVE_MS + 1, NOW - 1_000_000, NOW + ALIVE_MS), 2),
        ((NOW + ALIVE_MS + 1,), 0),
    ],
    ids=["now", "seconds ago", "several", "before the clock was set back"],
)
async def test_the_daemons_that_were_seen_lately_are_at_work(seen, alive):
    for number, moment in enumerate(seen):
        await beat(f"daemon-{number}", now=moment)
    assert await read_members(now=NOW) == Members(alive, max(seen))


async def test_a_daemon_that_comes_back_is_at_work_again():
    await beat("a", now=NOW)
    assert (await read_members(now=NOW + ALIVE_MS)).alive == 0
    await beat("a", now=NOW + ALIVE_MS)
    assert (await read_members(now=NOW + ALIVE_MS)).alive == 1


async def test_a_daemon_whose_clock_was_set_back_is_at_work():
    await beat("a", now=NOW + 1_000_000)
    await beat("a", now=NOW)
    assert await read_members(now=NOW) == Members(1, NOW)


async def test_a_daemon_that_ends_is_gone_at_once_and_one_that_was_killed_after_an_hour():
    await beat("ends", now=NOW)
    await beat("works", now=NOW)
    await beat("killed", now=NOW - 3_600_000)
    await beat("killed long ago", now=NOW - 3_600_001)
    await deregister("ends", now=NOW)
    assert await names() == ["killed", "works"]
    await deregister("unknown", now=NOW)
    assert await names() == ["killed", "works"]
