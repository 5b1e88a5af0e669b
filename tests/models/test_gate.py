"""The stored part of the gates: what all daemons see, and what outlives them."""

from __future__ import annotations

import pytest
from models.attempt import address
from models.gate import (
    LEAST_PAUSE_MS,
    Campus,
    close,
    hasten,
    probe_failed,
    read_troubles,
    release_probe,
    reopen,
    shut,
    take_probe,
    try_now,
)

from models import consumer_admin
from models.assignment import ROOM_WHEN_SHUT, GradedAssignment, sweep
from models.consumer import LtiConsumer, OutcomeService, note_error
from models.queries.status import read_status
from tests.models.rows import make_assignment, make_service

NOW, LEASE = 1_000_000, 35_000
UNTIL = NOW + LEAST_PAUSE_MS


@pytest.fixture
async def campus(empty_database):
    service = await make_service()
    return Campus(service.lti_consumer_id, service.origin)


async def state(now: int = NOW) -> str:
    """As the status shows it."""
    (campus,) = (await read_status(now=now)).campuses
    return campus.gate


async def troubles(now: int = NOW) -> list[tuple[str, bool]]:
    return [(trouble.state, trouble.away) for trouble in await read_troubles(now=now)]


async def test_a_campus_without_trouble_is_open(campus):
    leaf = await make_assignment()
    where = await address(leaf, now=NOW)
    assert (where.campus, where.passable, where.shut) == (campus, True, False)
    assert await state() == "open"
    assert await read_troubles(now=NOW) == []


async def test_a_shut_gate_lets_nothing_pass_until_its_pause_is_over(campus):
    leaf = await make_assignment()
    assert await shut(campus, now=NOW, until=UNTIL, reason="refused")
    for now, passable in ((NOW, False), (UNTIL - 1, False), (UNTIL, True)):
        where = await address(leaf, now=now)
        assert (where.passable, where.shut) == (passable, True)
        assert await state(now) == "shut"
        assert await troubles(now) == [("shut", True)]
        assert [wake.assignment_id for wake in await sweep(now=now, most=9)] == [leaf] * passable


async def test_whoever_shuts_a_gate_that_is_shut_changes_nothing(campus):
    assert await shut(campus, now=NOW, until=UNTIL, reason="refused")
    assert not await shut(campus, now=NOW + 5, until=UNTIL + 99_000, reason="another")
    assert [trouble.reason for trouble in await read_troubles(now=NOW)] == ["refused"]
    assert (await take_probe(campus, now=UNTIL, lease_ms=LEASE)).failed_before == 0


async def test_there_is_one_probe_at_a_time_and_it_can_be_lost(campus):
    await make_assignment()
    await shut(campus, now=NOW, until=UNTIL, reason="refused")
    assert await take_probe(campus, now=UNTIL - 1, lease_ms=LEASE) is None
    assert (await take_probe(campus, now=UNTIL, lease_ms=LEASE)).failed_before == 0
    assert await state(UNTIL) == "probing"
    assert await sweep(now=UNTIL, most=9) == []
    assert await take_probe(campus, now=UNTIL + LEASE - 1, lease_ms=LEASE) is None
    assert await state(UNTIL + LEASE) == "shut"
    assert (await take_probe(campus, now=UNTIL + LEASE, lease_ms=LEASE)).failed_before == 0


async def test_a_failed_probe_is_counted_and_the_next_one_waits(campus):
    await shut(campus, now=NOW, until=NOW, reason="refused")
    for failed in range(3):
        probe = await take_probe(campus, now=NOW, lease_ms=LEASE)
        assert probe.failed_before == failed
        await probe_failed(campus, probe, now=NOW, until=NOW, reason=f"the {failed}th")
    probe = await take_probe(campus, now=NOW, lease_ms=LEASE)
    await probe_failed(campus, probe, now=NOW, until=UNTIL, reason="still refused")
    assert [trouble.reason for trouble in await read_troubles(now=NOW)] == ["still refused"]
    assert await take_probe(campus, now=UNTIL - 1, lease_ms=LEASE) is None


async def test_a_probe_that_said_nothing_makes_room_for_another(campus):
    await shut(campus, now=NOW, until=NOW, reason="refused")
    probe = await take_probe(campus, now=NOW, lease_ms=LEASE)
    await release_probe(campus, probe)
    assert (await take_probe(campus, now=NOW, lease_ms=LEASE)).failed_before == 0


async def test_a_success_opens_it(campus):
    await make_assignment()
    await shut(campus, now=NOW, until=UNTIL, reason="refused")
    assert await reopen(campus)
    assert not await reopen(campus)
    assert await state() == "open"


async def test_a_busy_campus_is_closed_for_as_long_as_it_asked_and_never_for_less(campus):
    leaf = await make_assignment()
    await close(campus, now=NOW, until=NOW + 9_000, reason="slow down")
    await close(campus, now=NOW, until=NOW + 2_000, reason="slow down")
    assert await troubles(NOW + 8_999) == [("shut", False)]
    where = await address(leaf, now=NOW + 8_999)
    assert (where.passable, where.shut) == (False, False)
    assert await state(NOW + 9_000) == "open"
    assert await troubles(NOW + 9_000) == []
    assert (await address(leaf, now=NOW + 9_000)).passable
    assert not await reopen(campus), "there is no breaker to open"


async def test_a_campus_that_was_busy_can_be_shut_and_the_longer_wait_holds(campus):
    await close(campus, now=NOW, until=NOW + 99_000, reason="slow down")
    assert await shut(campus, now=NOW, until=UNTIL, reason="refused")
    assert await take_probe(campus, now=UNTIL, lease_ms=LEASE) is None
    assert (await take_probe(campus, now=NOW + 99_000, lease_ms=LEASE)).failed_before == 0


async def test_a_launch_from_there_brings_the_next_probe_forward_to_the_least_pause(campus):
    await shut(campus, now=NOW, until=NOW, reason="refused")
    probe = await take_probe(campus, now=NOW, lease_ms=LEASE)
    await probe_failed(campus, probe, now=NOW, until=NOW + 300_000, reason="refused")
    await hasten(campus)
    assert await take_probe(campus, now=UNTIL - 1, lease_ms=LEASE) is None
    assert (await take_probe(campus, now=UNTIL, lease_ms=LEASE)).failed_before == 0


async def test_a_launch_does_not_end_what_a_busy_campus_asked_for(campus):
    leaf = await make_assignment()
    await close(campus, now=NOW, until=NOW + 99_000, reason="slow down")
    await hasten(campus)
    assert not (await address(leaf, now=NOW + 98_999)).passable


async def test_a_mended_consumer_is_probed_at_once_at_all_its_origins(campus):
    elsewhere = Campus(campus.consumer_id, "https://elsewhere.example:443")
    for there in (campus, elsewhere):
        await shut(there, now=NOW, until=NOW + 300_000, reason="signature")
    await try_now(campus.consumer_id)
    for there in (campus, elsewhere):
        assert (await take_probe(there, now=NOW, lease_ms=LEASE)).failed_before == 0


@pytest.mark.parametrize("overtaken", ["by a mended consumer", "by another probe"])
async def test_a_probe_that_was_overtaken_has_no_say_any_more(campus, overtaken):
    await shut(campus, now=NOW, until=NOW, reason="signature")
    old = await take_probe(campus, now=NOW, lease_ms=LEASE)
    later = NOW + LEASE
    if overtaken == "by a mended consumer":
        await try_now(campus.consumer_id)
    else:
        assert await take_probe(campus, now=later, lease_ms=LEASE) is not None
    await probe_failed(campus, old, now=later, until=later + 300_000, reason="the old secret")
    await release_probe(campus, old)
    (trouble,) = await read_troubles(now=later)
    assert trouble.reason == "signature"
    assert trouble.state == ("shut" if overtaken == "by a mended consumer" else "probing")
    if overtaken == "by a mended consumer":
        assert await take_probe(campus, now=later, lease_ms=LEASE) is not None


async def test_behind_a_shut_gate_the_oldest_and_the_newest_that_were_not_tried_come_in_turn(campus):
    tried = await make_assignment(due_at=1, not_before=NOW + 5, attempts=1)
    old, middle, new = [await make_assignment(due_at=due) for due in (2, 3, 4)]
    order = []
    await shut(campus, now=NOW, until=NOW, reason="broken")
    for number in range(4):
        now = NOW + 100 + number
        wake, *_ = await sweep(now=now, most=9)
        order.append(wake.assignment_id)
        await GradedAssignment.all().update(wake_until=None)
        await GradedAssignment.filter(id=wake.assignment_id).update(not_before=now)
        probe = await take_probe(campus, now=now, lease_ms=LEASE)
        await probe_failed(campus, probe, now=now, until=now, reason="broken")
    assert order == [old, new, middle, tried]


async def test_who_was_in_backoff_long_ago_is_not_behind_whoever_came_due_since(campus):
    long_due = await make_assignment(due_at=5, not_before=10)
    for _ in range(3):
        await make_assignment(due_at=20)
    assert [wake.assignment_id for wake in await sweep(now=NOW, most=1, room=9)] == [long_due]


async def test_one_that_fails_again_and_again_is_not_first_for_having_fallen_due_first(campus):
    failing = await make_assignment(due_at=1, not_before=NOW - 1)
    healthy = await make_assignment(due_at=2)
    assert [wake.assignment_id for wake in await sweep(now=NOW, most=9)] == [healthy, failing]


async def test_behind_a_shut_gate_a_few_are_woken_since_the_first_may_have_nothing_to_send(campus):
    for _ in range(ROOM_WHEN_SHUT + 2):
        await make_assignment()
    await shut(campus, now=NOW, until=NOW, reason="broken")
    assert len(await sweep(now=NOW + 1, most=99)) == ROOM_WHEN_SHUT


async def test_a_gate_stands_before_one_consumer_at_one_origin(campus):
    await shut(campus, now=NOW, until=UNTIL, reason="refused")
    other = await make_service("other")
    leaf = await make_assignment(other)
    where = await address(leaf, now=NOW)
    assert (where.campus.origin, where.passable, where.shut) == (campus.origin, True, False)
    assert await take_probe(where.campus, now=UNTIL, lease_ms=LEASE) is None


async def test_a_paused_consumer_gets_nothing_until_it_is_resumed(campus):
    leaf = await make_assignment()
    assert await consumer_admin.pause("key", now=NOW)
    assert not await consumer_admin.pause("key", now=NOW + 1)
    assert await state() == "paused"
    assert await troubles() == [("paused", False)]
    assert not (await address(leaf, now=NOW)).passable
    assert await sweep(now=NOW, most=9) == []
    assert await consumer_admin.resume("key")
    assert not await consumer_admin.resume("key")
    assert await state() == "open"
    assert [wake.assignment_id for wake in await sweep(now=NOW, most=9)] == [leaf]


@pytest.mark.parametrize("work", [lambda key: consumer_admin.pause(key, now=NOW), consumer_admin.resume])
@pytest.mark.parametrize("key", ["nobody", "x" * 99])
async def test_pausing_a_consumer_that_is_not_there_says_so(empty_database, work, key):
    with pytest.raises(consumer_admin.ConsumerError, match="there is no consumer with the key"):
        await work(key)


async def test_the_gates_of_a_removed_consumer_go_with_it(campus):
    await shut(campus, now=NOW, until=UNTIL, reason="refused")
    await LtiConsumer.filter(id=campus.consumer_id).delete()
    assert await read_troubles(now=NOW) == []


async def test_words_that_a_database_cannot_hold_are_stored_all_the_same(campus):
    await shut(campus, now=NOW, until=UNTIL, reason="nul \x00 and \ud800" + "x" * 999)
    (trouble,) = await read_troubles(now=NOW)
    assert trouble.reason.startswith("nul  and ?x")
    assert len(trouble.reason) == 500


async def test_the_last_error_of_a_campus_whose_gate_is_not_open_is_why(campus):
    await make_assignment()
    service = await OutcomeService.get()
    await note_error(service.id, "no such learner", now=NOW)

    async def last_error():
        (status,) = (await read_status(now=NOW)).campuses
        return status.last_error

    assert await last_error() == "no such learner"
    await shut(campus, now=NOW, until=UNTIL, reason="HTTP 401: signature")
    assert await last_error() == "HTTP 401: signature"
