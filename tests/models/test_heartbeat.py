"""Which daemons run."""

import pytest

from models.heartbeat import MAX_TROUBLES, Heartbeat, beat, deregister, reader_seen_at, was_seen
from models.members import ALIVE_MS, Members, read_members

NOW = 10_000_000

pytestmark = pytest.mark.usefixtures("empty_database")


@pytest.mark.parametrize(
    ("seen", "alive"),
    [
        ((), 0),
        ((NOW,), 1),
        ((NOW - ALIVE_MS,), 0),
        ((NOW - ALIVE_MS + 1, NOW - 1_000_000, NOW + ALIVE_MS), 2),
        ((NOW + ALIVE_MS + 1,), 0),
    ],
    ids=["none ever", "now", "seconds ago", "several", "before the clock was set back"],
)
async def test_the_daemons_that_were_seen_lately_run(seen, alive):
    for number, moment in enumerate(seen):
        await beat(f"daemon-{number}", now=moment)
    assert await read_members(now=NOW) == Members(alive, max(seen, default=None))


@pytest.mark.parametrize("before", [NOW - ALIVE_MS, NOW - 1, NOW + 1_000_000])
async def test_a_daemons_last_heartbeat_counts_alone(before):
    """It came back, it beats again, or its clock was set back."""
    await beat("a", now=before)
    await beat("a", now=NOW)
    assert await read_members(now=NOW) == Members(1, NOW)


async def test_a_daemon_that_ends_is_gone_at_once_and_one_that_was_killed_after_an_hour():
    await beat("ends", now=NOW)
    await beat("works", now=NOW)
    await beat("killed", now=NOW - 3_600_000)
    await beat("killed long ago", now=NOW - 3_600_001)
    for name in ("ends", "unknown"):
        await deregister(name, now=NOW)
        assert sorted(row.id for row in await Heartbeat.all()) == ["killed", "works"]


async def test_why_daemons_at_work_are_not_ready_is_known_once_each_and_forgotten_when_they_are():
    await beat("a", now=NOW, troubles=["redis: away", "prune: \x00 failed"])
    await beat("b", now=NOW, troubles=["redis: away"])
    await beat("killed", now=NOW - ALIVE_MS, troubles=["the database is away"])
    assert (await read_members(now=NOW)).troubles == ("prune:  failed", "redis: away")
    await beat("a", now=NOW)
    assert (await read_members(now=NOW)).troubles == ("redis: away",)
    await beat("b", now=NOW, troubles=["x" * 10_000])
    assert (await read_members(now=NOW)).troubles == ("x" * MAX_TROUBLES,)


async def test_a_stream_is_read_while_a_daemon_at_work_reads_it_that_is_not_the_one_which_asks():
    await beat("a", now=NOW - 1, stream_token="one")
    await beat("b", now=NOW, stream_token="one")
    await beat("c", now=NOW)
    await beat("killed", now=NOW - ALIVE_MS, stream_token="two")
    seen = {
        (token, name): await reader_seen_at(token, except_for=name, now=NOW)
        for token in ("one", "two")
        for name in "ab"
    }
    assert seen == {("one", "a"): NOW, ("one", "b"): NOW - 1, ("two", "a"): None, ("two", "b"): None}


async def test_a_daemon_is_known_until_it_ends_or_was_not_seen_for_a_while():
    await beat("a", now=NOW)
    await beat("ended", now=NOW)
    await deregister("ended", now=NOW)
    assert [await was_seen("a", since=since) for since in (NOW - 1, NOW)] == [True, False]
    assert not await was_seen("ended", since=NOW - 1)
