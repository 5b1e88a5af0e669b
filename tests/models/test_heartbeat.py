"""Which daemons run."""

import pytest

from models.heartbeat import ALIVE_MS, Heartbeat, Members, beat, deregister, read_members

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
