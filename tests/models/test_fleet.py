"""Who is alive, and with whom each divides."""

from __future__ import annotations

from models.fleet import AWAKE_MS, Peer, leave
from models.fleet import beat as beat_with

NOW, LAPSE_MS = 1_000_000, 15_000
NOBODY: frozenset[str] = frozenset()
BOTH = frozenset({"a", "b"})


async def beat(name, **more):
    return await beat_with(name, **more, lapse_ms=LAPSE_MS)


async def test_a_daemon_that_beats_is_seen_by_all(empty_database):
    assert await beat("a", roster=NOBODY, now=NOW) == [Peer("a", NOBODY)]
    assert await beat("b", roster=NOBODY, now=NOW) == [Peer("a", NOBODY), Peer("b", NOBODY)]
    assert await beat("a", roster=BOTH, now=NOW) == [Peer("a", BOTH), Peer("b", NOBODY)]


async def test_a_daemon_that_was_not_seen_for_a_while_is_taken_for_dead_until_it_beats_again(empty_database):
    await beat("a", roster=BOTH, now=NOW)
    assert len(await beat("b", roster=BOTH, now=NOW + LAPSE_MS - 1)) == 2
    assert await beat("b", roster=BOTH, now=NOW + LAPSE_MS) == [Peer("b", BOTH)]
    assert len(await beat("a", roster=NOBODY, now=NOW + LAPSE_MS)) == 2


async def test_a_daemon_that_was_not_seen_for_seconds_has_its_share_but_is_not_waited_for(empty_database):
    await beat("a", roster=BOTH, now=NOW)
    for later, awake in ((AWAKE_MS - 1, True), (AWAKE_MS, False)):
        assert await beat("b", roster=BOTH, now=NOW + later) == [Peer("a", BOTH, awake=awake), Peer("b", BOTH)]


async def test_whoever_was_seen_before_the_clock_was_set_back_is_not_waited_for(empty_database):
    await beat("killed", roster=NOBODY, now=NOW + AWAKE_MS + 1)
    assert await beat("b", roster=NOBODY, now=NOW) == [Peer("b", NOBODY), Peer("killed", NOBODY, awake=False)]
    await beat("killed long after", roster=NOBODY, now=NOW + LAPSE_MS + 1)
    assert "killed long after" not in [peer.name for peer in await beat("b", roster=NOBODY, now=NOW)]


async def test_a_daemon_that_takes_leave_is_gone_at_once(empty_database):
    await beat("a", roster=NOBODY, now=NOW)
    await beat("long-dead", roster=NOBODY, now=NOW - 4_000_000)
    await leave("a", now=NOW)
    assert await beat("b", roster=NOBODY, now=NOW) == [Peer("b", NOBODY)]
    assert await beat("b", roster=NOBODY, now=NOW - 3_999_999) == [Peer("b", NOBODY)]
