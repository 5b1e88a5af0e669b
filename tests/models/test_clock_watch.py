"""The database's clock steps, and what is stored steps with it: once, whichever daemons look."""

from dataclasses import replace
from itertools import count

import pytest

from models.assignment import GradedAssignment
from models.campus import Breaker, Campus, OutcomeService, Signal
from models.changes import raise_hold
from models.claims import claim
from models.clock_watch import STEP_MS, ClockWatch, catch_up, follow, is_current, watch
from models.db.clock import MAX_ROUND_TRIP, Clock
from models.finish import Finish
from models.finishing import finish
from models.orphaned_claim import OrphanedClaim, prune_orphans
from models.rescue import rescue
from tests.models.claiming import HOUR, LEASE, at, campuses_answered, ended, lease, make_due
from tests.models.claiming import NOW as CLAIM_NOW
from tests.models.rows import make_assignment, read_row

pytestmark = pytest.mark.usefixtures("empty_database")

SEEN = 1_700_000_000_000
YEAR = 31_536_000_000
STEPS = [3_000, HOUR, YEAR]
MINUTES = 600_000


async def seen(at=SEEN):
    await ClockWatch.create(id=1, seen_at=at)


@pytest.mark.parametrize("by", STEPS)
async def test_a_step_forward_prolongs_what_may_be_under_way_and_nothing_that_is_over(by):
    await seen()
    running = await make_assignment(claimed_until=SEEN + 5_000, claim_token=7)
    in_doubt = await make_assignment(hold_until=SEEN + 9_000)
    over = await make_assignment(hold_until=SEEN, not_before=SEEN + 60_000, due_at=SEEN + 70_000)
    cell = {"consumer_key": "k", "origin": "o", "url_digest": "u", "sourcedid_digest": "s"}
    await OrphanedClaim.create(**cell, claimed_until=SEEN + 1, in_doubt_until=SEEN - 1)
    assert await follow(at(SEEN + by)) == by
    assert (await read_row(running))["claimed_until"] == SEEN + 5_000 + by
    assert (await read_row(in_doubt))["hold_until"] == SEEN + 9_000 + by
    row = await read_row(over)
    assert (row["hold_until"], row["not_before"], row["due_at"]) == (SEEN, SEEN + 60_000, SEEN + 70_000)
    orphan = await OrphanedClaim.get()
    assert (orphan.claimed_until, orphan.in_doubt_until) == (SEEN + 1 + by, SEEN - 1)


@pytest.mark.parametrize("by", STEPS)
async def test_a_step_back_brings_everything_that_lies_ahead_nearer_by_as_much(by):
    await seen()
    times = {"due_at": 1_000, "not_before": 2_000, "hold_until": 3_000, "claimed_until": 4_000, "parked_at": 900}
    times |= {"sent_at": -70, "changed_at": -80}
    row = await make_assignment(claim_token=7, **{name: SEEN + ahead for name, ahead in times.items()})
    long_ago = await make_assignment(due_at=SEEN - by - 1)
    await Campus.all().update(blocked_until=SEEN + 7, last_error_at=SEEN, tripped_at=SEEN - 1)
    await OutcomeService.all().update(accepted_at=SEEN - 2, refused_at=SEEN - 3)
    assert await follow(at(SEEN - by)) == -by
    service = await OutcomeService.get()
    assert (service.accepted_at, service.refused_at) == (SEEN - by - 2, SEEN - by - 3)
    after = await read_row(row)
    assert {name: after[name] - (SEEN - by) for name in times} == times
    assert (await read_row(long_ago))["due_at"] == SEEN - by - 1
    campus = await Campus.get()
    assert (campus.blocked_until, campus.last_error_at, campus.tripped_at) == (
        SEEN - by + 7,
        SEEN - by,
        SEEN - by - 1,
    )


@pytest.mark.parametrize("by", [STEP_MS, 1, 0, -1, -STEP_MS])
async def test_what_may_be_a_daemon_that_was_late_moves_nothing(by):
    await seen()
    row = await make_assignment(claimed_until=SEEN + 5_000, claim_token=7)
    assert await follow(at(SEEN + by)) == 0
    assert (await read_row(row))["claimed_until"] == SEEN + 5_000
    watched = await ClockWatch.get()
    assert (watched.seen_at, watched.steps) == (SEEN + by, 0)


async def test_of_two_daemons_that_find_the_step_one_moves_the_times():
    await seen()
    row = await make_assignment(hold_until=SEEN + 5_000)
    assert await follow(at(SEEN + HOUR)) == HOUR
    assert await follow(at(SEEN + HOUR + 20)) == 0
    assert (await read_row(row))["hold_until"] == SEEN + 5_000 + HOUR
    assert (await ClockWatch.get()).steps == 1


async def test_many_rows_are_moved_by_parts(empty_database):
    await seen()
    first = await make_assignment()
    values = (await GradedAssignment.filter(id=first).values())[0]
    await GradedAssignment.bulk_create(
        GradedAssignment(
            **{**values, "id": first + 7 * number, "sourcedid_digest": str(number), "hold_until": SEEN + 1}
        )
        for number in range(1, 12_001)
    )
    await follow(at(SEEN + HOUR))
    assert await GradedAssignment.filter(hold_until=SEEN + 1 + HOUR).count() == 12_000


async def test_the_first_daemon_ever_notes_the_time_and_moves_nothing():
    row = await make_assignment(hold_until=SEEN + 1)
    assert await follow(at(SEEN)) == 0
    assert (await ClockWatch.get()).seen_at == SEEN
    assert (await read_row(row))["hold_until"] == SEEN + 1


async def test_while_no_daemon_looked_no_lease_and_no_hold_has_passed():
    clock = Clock()
    await watch(clock)
    await ClockWatch.all().update(seen_at=clock.now() - HOUR)
    row = await make_assignment(hold_until=clock.now() - HOUR + 9_000)
    await watch(clock)
    assert abs((await read_row(row))["hold_until"] - clock.now() - 9_000) < STEP_MS + 9_000


# --- Daemons that have not seen the step yet ---


async def test_a_daemon_that_has_not_seen_the_step_claims_and_rescues_nothing():
    first, second = await make_due(2)
    await campuses_answered()
    await claim([first], lease(), most=1)
    await ClockWatch.create(id=1, seen_at=CLAIM_NOW + HOUR, steps=1)
    assert await claim([second], lease(), most=1) == []
    assert await rescue(now=CLAIM_NOW + LEASE, steps=0) == 0
    assert not await is_current(0)
    assert await is_current(1)
    assert await rescue(now=CLAIM_NOW + LEASE, steps=1) == 1


async def test_a_hold_of_a_daemon_that_has_not_seen_the_step_lasts_as_long_from_then():
    (row,) = await make_due(1)
    await campuses_answered()
    (got,) = await claim([row], lease(), most=1)
    await ClockWatch.create(id=1, seen_at=CLAIM_NOW + HOUR, steps=1)
    await ended(got, "in_doubt", now=CLAIM_NOW, hold_until=CLAIM_NOW + 20_000, bytes_left=True)
    assert (await read_row(row))["hold_until"] == CLAIM_NOW + HOUR + 20_000


async def test_what_was_reckoned_by_a_clock_that_was_set_back_since_is_waited_for_no_longer():
    first, second, third = await make_due(3)
    await campuses_answered()
    for row in (first, second, third):
        await GradedAssignment.filter(id=row).update(attempts=1)
    claims = {one.assignment_id: one for one in await claim([first, second, third], lease(), most=3)}
    await ClockWatch.create(id=1, seen_at=CLAIM_NOW - MINUTES, steps=1)
    old = {"now": CLAIM_NOW, "at": CLAIM_NOW, "not_before": CLAIM_NOW + 9_000}
    await ended(claims[first], "in_doubt", hold_until=CLAIM_NOW + 20_000, bytes_left=True, **old)
    await ended(claims[second], "parked", parked_scope="learner", parked_reason="no", **old)
    row = await read_row(first)
    assert (row["hold_until"], row["not_before"]) == (CLAIM_NOW - MINUTES + 20_000, CLAIM_NOW - MINUTES + 9_000)
    row = await read_row(second)
    assert (row["parked_at"], row["not_before"]) == (CLAIM_NOW - MINUTES, CLAIM_NOW - MINUTES + 9_000)
    await ended(claims[third], "released", now=CLAIM_NOW - MINUTES, steps=1, not_before=CLAIM_NOW - MINUTES + 5)
    assert (await read_row(third))["not_before"] == CLAIM_NOW - MINUTES + 5


@pytest.mark.parametrize("by", [MINUTES, -MINUTES])
async def test_a_fenced_attempt_that_ended_before_the_step_has_its_row_sent_at_once(by):
    (row,) = await make_due(1)
    await campuses_answered()
    (got,) = await claim([row], lease(), most=1)
    await rescue(now=CLAIM_NOW + LEASE)
    await ClockWatch.create(id=1, seen_at=CLAIM_NOW + by, steps=1)
    await ended(got, "accepted", result="accepted", now=CLAIM_NOW, score="1", bytes_left=True)
    assert (await read_row(row))["due_at"] == CLAIM_NOW + by


@pytest.mark.parametrize("by", [MINUTES, -MINUTES])
async def test_a_late_request_that_was_given_up_before_the_step_is_waited_for_as_long_from_then(by):
    (row,) = await make_due(1)
    await campuses_answered()
    (got,) = await claim([row], lease(), most=1)
    await GradedAssignment.filter(id=row).delete()
    other = await make_assignment(lis_result_sourcedid=got.lis_result_sourcedid)
    await ClockWatch.create(id=1, seen_at=CLAIM_NOW + by, steps=1)
    await ended(got, "in_doubt", now=CLAIM_NOW, hold_until=CLAIM_NOW + 20_000, bytes_left=True)
    assert (await OrphanedClaim.get()).in_doubt_until == CLAIM_NOW + by + 20_000
    after = await read_row(other)
    assert (after["hold_until"], after["due_at"]) == (CLAIM_NOW + by + 20_000, CLAIM_NOW + by)


async def test_a_daemon_that_has_not_seen_the_step_blocks_no_campus_and_forgets_no_late_request():
    (row,) = await make_due(1)
    await campuses_answered()
    (got,) = await claim([row], lease(), most=1)
    await ClockWatch.create(id=1, seen_at=CLAIM_NOW - MINUTES, steps=1)
    await OrphanedClaim.create(claimed_until=0, in_doubt_until=CLAIM_NOW - MINUTES + 20_000)
    signal = Signal("failure", got.address.campus_id, row, claimed_at=CLAIM_NOW)

    def blocked(breaker: Breaker, signal: Signal) -> Breaker:
        return replace(breaker, blocked_until=CLAIM_NOW + 60_000)

    await finish([Finish(got, "released", signal=signal)], now=CLAIM_NOW, next_breaker=blocked)
    assert (await Campus.get()).blocked_until == 0
    await prune_orphans(now=CLAIM_NOW, steps=0)
    assert await OrphanedClaim.exists()
    await prune_orphans(now=CLAIM_NOW, steps=1)
    assert not await OrphanedClaim.exists()


async def test_a_fenced_attempt_of_a_daemon_that_has_not_seen_the_step_holds_as_long_from_then():
    (row,) = await make_due(1)
    await campuses_answered()
    (got,) = await claim([row], lease(), most=1)
    await rescue(now=CLAIM_NOW + LEASE)
    await ClockWatch.create(id=1, seen_at=CLAIM_NOW + HOUR, steps=1)
    await ended(got, "in_doubt", now=CLAIM_NOW, hold_until=CLAIM_NOW + 20_000, bytes_left=True)
    assert (await read_row(row))["hold_until"] == CLAIM_NOW + HOUR + 20_000


async def test_a_reading_from_before_the_step_does_not_let_its_daemon_claim(empty_database):
    clock = Clock()
    await watch(clock)
    await raise_hold(await make_assignment(), until=1)
    # As if the clock had been set back just after the last look.
    await ClockWatch.all().update(seen_at=clock.now() + HOUR)
    before = clock.steps
    await watch(clock)
    assert (clock.steps, (await ClockWatch.get()).steps) == (before, 1)
    await watch(clock)
    assert clock.steps == 1


async def test_a_clock_that_has_stepped_is_taken_anew_before_times_are_stored_and_no_other(empty_database):
    clock = Clock(lambda: 0.0)
    await watch(clock)
    at = clock.now()
    await catch_up(clock)
    assert clock.now() == at
    await ClockWatch.all().update(steps=3)
    await catch_up(clock)
    assert clock.steps == 3
    assert clock.now() >= at


async def test_a_daemon_whose_server_is_slow_to_answer_learns_of_a_step_all_the_same(empty_database):
    ticks = count(5_000.0, 2 * MAX_ROUND_TRIP)
    clock = Clock(lambda: next(ticks))
    await watch(clock)
    await ClockWatch.all().update(steps=3)
    await watch(clock)
    assert clock.steps == 3
