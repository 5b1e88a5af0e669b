"""The life of an assignment's row: bumps, redo, wake-ups and the sweep. One test a rule, on both databases."""

from __future__ import annotations

from collections import Counter

import pytest
from models.gate import Campus, WaitingLine

from models.assignment import (
    WAKE_MS,
    Debounce,
    Wake,
    bump,
    bump_block,
    bump_waiting,
    forget_wake,
    hurry,
    redo,
    revive,
    sweep,
    wake_bumped,
    wake_claimable,
)
from tests.models.rows import BLOCK, COURSE, changes, make_assignment, make_service, read_row

NOW = 1_000_000
DEBOUNCE = Debounce(delay_ms=20_000, ceiling_ms=60_000)
CLEAN = {"version_number": 3, "sent_version": 3, "due_at": NOW - 9_000}
DIRTY = {"version_number": 4, "sent_version": 3, "due_at": NOW - 9_000, "pending_since": NOW - 9_000}
PARKED = {"parked_at": NOW - 1, "parked_reason": "no such learner", "parked_scope": "learner"}
UNPARKED = {"parked_at": None, "parked_reason": None, "parked_scope": None}

pytestmark = pytest.mark.usefixtures("empty_database")


async def bumped(assignment_id, kind, now=NOW):
    await bump(assignment_id, kind=kind, now=now, debounce=DEBOUNCE)
    return await read_row(assignment_id)


# --- Bumps ---


async def test_a_leaf_is_due_at_once_however_long_it_was_dirty():
    assignment = await make_assignment(**{**DIRTY, "due_at": NOW + 5_000})
    row = await bumped(assignment, "leaf")
    assert (row["version_number"], row["due_at"], bool(row["composite"])) == (5, NOW, False)
    assert row["pending_since"] == NOW - 9_000


async def test_a_composite_is_due_a_while_after_its_newest_change():
    assignment = await make_assignment(**CLEAN, composite=True)
    row = await bumped(assignment, "composite")
    assert (row["version_number"], row["due_at"], row["pending_since"]) == (4, NOW + 20_000, NOW)
    row = await bumped(assignment, "composite", NOW + 1_000)
    assert (row["version_number"], row["due_at"], row["pending_since"]) == (5, NOW + 21_000, NOW)


@pytest.mark.parametrize(("later", "due"), [(39_999, 59_999), (40_000, 60_000), (40_001, 60_000), (100_000, 60_000)])
async def test_steady_work_is_sent_when_the_ceiling_after_its_first_change_is_reached(later, due):
    assignment = await make_assignment(**CLEAN, composite=True)
    await bumped(assignment, "composite")
    assert (await bumped(assignment, "composite", NOW + later))["due_at"] == NOW + due


async def test_a_bump_takes_the_row_out_of_parking_and_keeps_its_attempts_and_backoff_and_hold():
    assignment = await make_assignment(**DIRTY, **PARKED, attempts=7, not_before=NOW + 1, hold_until=NOW + 2)
    before = await read_row(assignment)
    await bumped(assignment, "leaf")
    assert await changes(assignment, before) == {"version_number": 5, "due_at": NOW, **UNPARKED}


async def test_a_bump_ends_the_wait_for_a_structure():
    assignment = await make_assignment(**DIRTY, waiting_since=NOW - 5)
    assert (await bumped(assignment, "leaf"))["waiting_since"] is None


async def test_a_bump_leaves_a_disabled_row_disabled():
    assignment = await make_assignment(**DIRTY, disabled_at=NOW - 5)
    assert (await bumped(assignment, "leaf"))["disabled_at"] == NOW - 5


async def test_a_bump_during_an_attempt_leaves_the_claim_alone():
    claimed = {"claim_token": 7, "claimed_at": NOW - 1, "claimed_until": NOW + 9, "claimed_version": 4, "attempts": 1}
    assignment = await make_assignment(**DIRTY, **claimed)
    row = await bumped(assignment, "leaf")
    assert {name: row[name] for name in claimed} == claimed


async def test_a_structure_bumps_the_assignments_of_its_block():
    ours = [await make_assignment(**CLEAN), await make_assignment(**DIRTY, **PARKED)]
    others = [await make_assignment(**CLEAN, usage_id="b"), await make_assignment(**CLEAN, course_id="c")]
    before = [await read_row(assignment) for assignment in others]
    assert await bump_block(COURSE, BLOCK, kind="composite", now=NOW, debounce=DEBOUNCE) == 2
    assert [(await read_row(assignment))["version_number"] for assignment in ours] == [4, 5]
    assert (await read_row(ours[0]))["due_at"] == NOW + 20_000
    assert [await read_row(assignment) for assignment in others] == before


async def test_a_structure_bumps_those_that_wait_for_one():
    waits = await make_assignment(**DIRTY, waiting_since=NOW - 5)
    others = [await make_assignment(**DIRTY), await make_assignment(**DIRTY, course_id="c", waiting_since=NOW - 5)]
    before = [await read_row(assignment) for assignment in others]
    assert await bump_waiting(COURSE, now=NOW, debounce=DEBOUNCE) == 1
    row = await read_row(waits)
    assert (row["version_number"], row["waiting_since"]) == (5, None)
    assert [await read_row(assignment) for assignment in others] == before


# --- Redo, revival, hurry ---


async def test_a_redo_forces_a_new_version_now_and_keeps_attempts_and_backoff_and_hold():
    spent = {"attempts": 5, "not_before": NOW + 7, "hold_until": NOW + 8}
    assignment = await make_assignment(**CLEAN, **spent, sent_score="1")
    before = await read_row(assignment)
    assert await redo(assignment, now=NOW)
    assert await changes(assignment, before) == {"version_number": 4, "forced_version": 4, "due_at": NOW}


async def test_a_redo_afresh_ends_the_backoff_and_forgets_the_attempts_but_keeps_the_hold():
    assignment = await make_assignment(**CLEAN, attempts=5, not_before=NOW + 7, hold_until=NOW + 8)
    before = await read_row(assignment)
    assert await redo(assignment, now=NOW, afresh=True)
    expected = {"version_number": 4, "forced_version": 4, "due_at": NOW, "attempts": 0, "not_before": 0}
    assert await changes(assignment, before) == expected


async def test_a_redo_takes_the_row_out_of_parking_and_waiting():
    assignment = await make_assignment(**DIRTY, **PARKED, waiting_since=NOW - 5)
    assert await redo(assignment, now=NOW)
    row = await read_row(assignment)
    assert {name: row[name] for name in UNPARKED} == UNPARKED
    assert row["waiting_since"] is None


async def test_a_redo_of_a_row_that_is_gone_says_so():
    assert not await redo(12345, now=NOW)


async def test_a_revival_starts_afresh_with_a_new_version_that_nothing_forces():
    assignment = await make_assignment(**DIRTY, **PARKED, attempts=9, not_before=NOW + 7, hold_until=NOW + 8)
    before = await read_row(assignment)
    await revive(assignment, now=NOW)
    expected = {"version_number": 5, "due_at": NOW, "attempts": 0, "not_before": 0, **UNPARKED}
    assert await changes(assignment, before) == expected


async def test_a_hurry_ends_the_backoff_of_a_dirty_row_and_nothing_else():
    assignment = await make_assignment(**DIRTY, attempts=9, not_before=NOW + 7, hold_until=NOW + 8, wake_until=NOW + 9)
    before = await read_row(assignment)
    await hurry(assignment, now=NOW)
    assert await changes(assignment, before) == {"attempts": 0, "not_before": 0, "wake_until": None}


@pytest.mark.parametrize("columns", [{**CLEAN, "not_before": NOW + 7, "attempts": 9}, {**DIRTY, "not_before": NOW}])
async def test_a_hurry_leaves_a_clean_row_and_one_without_a_backoff_alone(columns):
    assignment = await make_assignment(**columns)
    before = await read_row(assignment)
    await hurry(assignment, now=NOW)
    assert await changes(assignment, before) == {}


async def test_a_hurry_forgives_the_attempts_of_a_row_that_is_sent_just_now():
    assignment = await make_assignment(**DIRTY, attempts=9)
    await hurry(assignment, now=NOW)
    assert (await read_row(assignment))["attempts"] == 0


# --- Wake-ups ---


async def test_the_first_bump_of_a_clean_row_wakes_at_its_due_time():
    assignment = await make_assignment(**CLEAN, composite=True)
    await bumped(assignment, "composite")
    assert await wake_bumped(assignment, now=NOW) == Wake(assignment, 4, "composite", NOW + 20_000)
    assert (await read_row(assignment))["wake_until"] == NOW + 20_000 + WAKE_MS


async def test_the_bump_of_a_leaf_wakes_now():
    assignment = await make_assignment(**CLEAN)
    await bumped(assignment, "leaf")
    assert await wake_bumped(assignment, now=NOW) == Wake(assignment, 4, "leaf", NOW)
    assert (await read_row(assignment))["wake_until"] == NOW + WAKE_MS


async def test_a_second_bump_wakes_nobody_while_a_wake_up_is_under_way():
    assignment = await make_assignment(**CLEAN, composite=True)
    await bumped(assignment, "composite")
    await wake_bumped(assignment, now=NOW)
    await bumped(assignment, "composite", NOW + 1_000)
    assert await wake_bumped(assignment, now=NOW + 1_000) is None


async def test_a_wake_up_that_is_left_from_before_the_row_was_clean_keeps_nobody_from_waking():
    assignment = await make_assignment(**CLEAN, wake_until=NOW + 5_000)
    await bumped(assignment, "leaf")
    assert await wake_bumped(assignment, now=NOW) is not None


async def test_a_bump_that_brings_the_due_time_forward_wakes_again():
    assignment = await make_assignment(**CLEAN, composite=True)
    await bumped(assignment, "composite")
    await wake_bumped(assignment, now=NOW)
    await bumped(assignment, "leaf", NOW + 1_000)
    assert await wake_bumped(assignment, now=NOW + 1_000) == Wake(assignment, 5, "leaf", NOW + 1_000)


async def test_a_redo_that_brings_the_due_time_forward_wakes_again():
    assignment = await make_assignment(**CLEAN, composite=True)
    await bumped(assignment, "composite")
    await wake_bumped(assignment, now=NOW)
    await redo(assignment, now=NOW + 1_000)
    assert await wake_bumped(assignment, now=NOW + 1_000) == Wake(assignment, 5, "composite", NOW + 1_000)


HELD_BACK = [
    pytest.param({"not_before": NOW + 1}, id="backoff"),
    pytest.param({"hold_until": NOW + 1}, id="hold"),
    pytest.param({"claimed_until": NOW + 1, "claim_token": 7}, id="claimed"),
    pytest.param({"disabled_at": NOW}, id="disabled"),
    pytest.param({"parked_at": NOW}, id="parked"),
    pytest.param({"waiting_since": NOW}, id="waiting"),
    pytest.param({"sent_version": 4}, id="clean"),
]


@pytest.mark.parametrize("columns", HELD_BACK)
async def test_a_row_that_something_holds_back_is_not_woken_by_a_bump(columns):
    assignment = await make_assignment(**{**DIRTY, **columns})
    assert await wake_bumped(assignment, now=NOW) is None
    assert (await read_row(assignment))["wake_until"] is None


@pytest.mark.parametrize("columns", [*HELD_BACK, pytest.param({"due_at": NOW + 1}, id="not due")])
async def test_a_row_that_is_not_claimable_is_neither_swept_nor_woken_at_an_end(columns):
    assignment = await make_assignment(**{**DIRTY, **columns})
    assert await sweep(now=NOW, most=10) == []
    assert await wake_claimable(assignment, now=NOW) is None


async def test_a_row_whose_time_has_just_come_is_swept():
    times = dict.fromkeys(("due_at", "not_before", "hold_until", "claimed_until", "wake_until"), NOW)
    assignment = await make_assignment(**{**DIRTY, **times, "claim_token": 7})
    assert await sweep(now=NOW - 1, most=10) == []
    assert await sweep(now=NOW, most=10) == [Wake(assignment, 4, "leaf", NOW)]
    assert (await read_row(assignment))["wake_until"] == NOW + WAKE_MS


async def test_the_sweep_leaves_a_wake_up_its_time_and_then_takes_it_for_lost():
    assignment = await make_assignment(**DIRTY)
    assert len(await sweep(now=NOW, most=10)) == 1
    assert await sweep(now=NOW + WAKE_MS - 1, most=10) == []
    assert [wake.assignment_id for wake in await sweep(now=NOW + WAKE_MS, most=10)] == [assignment]


async def test_the_sweep_takes_those_due_longest_first():
    due = [NOW - 10, NOW - 30, NOW - 20, NOW - 40]
    assignments = [await make_assignment(**{**DIRTY, "due_at": at}) for at in due]
    first = await sweep(now=NOW, most=2)
    assert {wake.assignment_id for wake in first} == {assignments[3], assignments[1]}
    second = await sweep(now=NOW, most=10)
    assert {wake.assignment_id for wake in second} == {assignments[2], assignments[0]}


async def test_the_many_that_wait_for_a_sick_campus_keep_nobody_elses_from_their_turn():
    sick, healthy = await make_service(), await make_service("other campus")
    for _ in range(20):
        await make_assignment(sick, **{**DIRTY, "due_at": NOW - 100})
    other = await make_assignment(healthy, **{**DIRTY, "due_at": NOW - 1})
    assert other in [wake.assignment_id for wake in await sweep(now=NOW, most=5)]


async def test_the_sweep_hands_out_those_due_longest_first():
    due = [NOW - 10, NOW - 30, NOW - 20, NOW - 40]
    for at in due:
        await make_assignment(**{**DIRTY, "due_at": at})
    assert [wake.due_at for wake in await sweep(now=NOW, most=10)] == sorted(due)


async def test_the_sweep_takes_no_more_than_it_is_asked_for():
    for _ in range(30):
        await make_assignment(**DIRTY)
    assert len(await sweep(now=NOW, most=7)) == 7
    assert len(await sweep(now=NOW, most=100)) == 23


async def test_the_sweep_takes_of_each_line_as_many_as_it_has_room_for():
    services = full, short, other = [await make_service(name) for name in ("full", "short", "other")]
    for service in services:
        for _ in range(5):
            await make_assignment(service, **DIRTY)
            await make_assignment(service, **DIRTY, attempts=1)
    lines = [
        WaitingLine(Campus(service.lti_consumer_id, service.origin), retried)
        for service in (full, short)
        for retried in (False, True)
    ]
    wakes = await sweep(now=NOW, most=99, room=3, rooms=dict(zip(lines, (0, 1, 2, 4), strict=True)))
    rows = [await read_row(wake.assignment_id) for wake in wakes]
    taken = Counter((row["outcome_service_id"], row["attempts"]) for row in rows)
    assert taken == {
        (full.id, 1): 1,
        (short.id, 0): 2,
        (short.id, 1): 4,
        (other.id, 0): 3,
        (other.id, 1): 3,
    }


async def test_a_wake_up_that_came_to_nothing_lets_the_sweep_send_another():
    assignment = await make_assignment(**DIRTY)
    await sweep(now=NOW, most=10)
    await forget_wake(assignment)
    assert len(await sweep(now=NOW, most=10)) == 1


async def test_an_end_wakes_a_claimable_row_unless_a_wake_up_is_under_way():
    assignment = await make_assignment(**DIRTY)
    assert await wake_claimable(assignment, now=NOW) == Wake(assignment, 4, "leaf", NOW - 9_000)
    assert await wake_claimable(assignment, now=NOW + 1) is None
    assert await wake_claimable(assignment, now=NOW + WAKE_MS) is not None
