"""What makes an assignment dirty: changes, forced resends, unparking. One test a rule, on both databases."""

import pytest

from models.changes import (
    Cause,
    Change,
    Dirty,
    change,
    change_blocks,
    change_waiting,
    clear_backoff,
    force_resend,
    raise_hold,
    read_dirty,
    unpark,
)
from tests.models.claiming import DEBOUNCE, NOW, UNPARKED, changed
from tests.models.rows import BLOCK, COURSE, changes, make_assignment, read_row

CLEAN = {"version_number": 3, "sent_version": 3, "due_at": NOW - 9_000}
DIRTY = {"version_number": 4, "sent_version": 3, "due_at": NOW - 9_000, "pending_since": NOW - 9_000}
PARKED = {"parked_at": NOW - 1, "parked_reason": "no such learner", "parked_scope": "learner"}

pytestmark = pytest.mark.usefixtures("empty_database")


# --- Scores ---


async def test_a_leaf_is_due_at_once_however_long_it_was_dirty():
    assignment = await make_assignment(**{**DIRTY, "due_at": NOW + 5_000})
    row = await changed(assignment, "leaf")
    assert (row["version_number"], row["due_at"], bool(row["composite"])) == (5, NOW, False)
    assert row["pending_since"] == NOW - 9_000


async def test_a_composite_is_due_a_while_after_its_newest_change():
    assignment = await make_assignment(**CLEAN, composite=True)
    row = await changed(assignment, "composite")
    assert (row["version_number"], row["due_at"], row["pending_since"]) == (4, NOW + 20_000, NOW)
    row = await changed(assignment, "composite", NOW + 1_000)
    assert (row["version_number"], row["due_at"], row["pending_since"]) == (5, NOW + 21_000, NOW)


@pytest.mark.parametrize(("later", "due"), [(39_999, 59_999), (40_000, 60_000), (40_001, 60_000), (100_000, 60_000)])
async def test_steady_work_is_sent_when_the_ceiling_after_its_first_change_is_reached(later, due):
    assignment = await make_assignment(**CLEAN, composite=True)
    await changed(assignment, "composite")
    assert (await changed(assignment, "composite", NOW + later))["due_at"] == NOW + due


async def test_a_change_takes_the_row_out_of_parking_and_keeps_its_attempts_backoff_hold_and_claim():
    claimed = {"claim_token": 7, "claimed_at": NOW - 1, "claimed_until": NOW + 9, "claimed_version": 4, "attempts": 7}
    assignment = await make_assignment(**DIRTY, **PARKED, **claimed, not_before=NOW + 1, hold_until=NOW + 2)
    before = await read_row(assignment)
    await changed(assignment, "leaf")
    expected = {"version_number": 5, "due_at": NOW, "changed_at": NOW, **UNPARKED}
    assert await changes(assignment, before) == expected


async def test_a_change_forces_its_version_only_if_it_is_asked_to():
    assignment = await make_assignment(**CLEAN, forced_version=2)
    assert (await changed(assignment, "leaf"))["forced_version"] == 2
    await change([Change(assignment, "leaf", number=3)], now=NOW, debounce=DEBOUNCE, force=True)
    row = await read_row(assignment)
    assert (row["version_number"], row["forced_version"], row["ordered_version"]) == (7, 7, 7)


@pytest.mark.parametrize(("scored", "stored"), [(NOW - 9, NOW - 9), (NOW + 9, NOW), (None, NOW)])
async def test_a_change_says_when_it_was_scored_and_never_later_than_now(scored, stored):
    assignment = await make_assignment(**CLEAN, changed_at=NOW - 99)
    await change([Change(assignment, "leaf", scored_at=scored)], now=NOW, debounce=DEBOUNCE)
    assert (await read_row(assignment))["changed_at"] == stored


async def test_many_changes_are_made_at_once_and_each_says_what_became_due():
    clean = await make_assignment(**CLEAN)
    pending = await make_assignment(**DIRTY, composite=True, entry_id="1-0")
    other = await make_assignment(**CLEAN)
    before = await read_row(other)
    given = [
        Change(pending, "composite", entry_id=None),
        Change(clean, "leaf", entry_id="7-1", number=3),
        Change(12345, "leaf"),
    ]
    dirty = await change(given, now=NOW, debounce=DEBOUNCE)
    assert sorted(dirty, key=lambda one: one.assignment_id) == [
        Dirty(clean, "leaf", NOW, first=True),
        Dirty(pending, "composite", NOW + 20_000, first=False),
    ]
    row = await read_row(clean)
    assert (row["version_number"], row["entry_id"]) == (6, "7-1")
    row = await read_row(pending)
    assert (row["version_number"], row["entry_id"]) == (5, "1-0"), "a change without an entry keeps the last one"
    assert await change([], now=NOW, debounce=DEBOUNCE) == []
    assert await read_row(other) == before


# --- Structures ---


async def test_a_structure_changes_the_assignments_of_its_blocks():
    changed_rows = [
        await make_assignment(**CLEAN),
        await make_assignment(**DIRTY, **PARKED),
        await make_assignment(**CLEAN, usage_id="leaf", composite=True),
    ]
    others = [await make_assignment(**CLEAN, usage_id="b"), await make_assignment(**CLEAN, course_id="c")]
    before = [await read_row(assignment) for assignment in others]
    kinds = {BLOCK: "composite", "leaf": "leaf", "unknown": "leaf"}
    assert await change_blocks(COURSE, kinds, now=NOW, debounce=DEBOUNCE, cause=Cause("7-1")) == 3
    rows = [await read_row(assignment) for assignment in changed_rows]
    assert [row["version_number"] for row in rows] == [4, 5, 4]
    assert [bool(row["composite"]) for row in rows] == [True, True, False]
    assert [row["due_at"] for row in rows] == [NOW + 20_000, NOW + 20_000, NOW]
    assert [(row["entry_id"], row["forced_version"]) for row in rows] == [("7-1", 0)] * 3
    assert [await read_row(assignment) for assignment in others] == before


async def test_a_structure_changes_those_that_wait_for_one():
    waits = await make_assignment(**DIRTY, waiting_since=NOW - 5)
    others = [await make_assignment(**DIRTY), await make_assignment(**DIRTY, course_id="c", waiting_since=NOW - 5)]
    before = [await read_row(assignment) for assignment in others]
    assert await change_waiting(COURSE, now=NOW, debounce=DEBOUNCE, cause=Cause()) == 1
    row = await read_row(waits)
    assert (row["version_number"], row["waiting_since"], bool(row["composite"])) == (5, None, True)
    assert [await read_row(assignment) for assignment in others] == before


async def test_a_structure_that_is_read_again_after_a_restore_forces_what_it_changes():
    here = await make_assignment(**CLEAN)
    waits = await make_assignment(**DIRTY, usage_id="b", waiting_since=NOW - 5)
    cause = Cause(force=True)
    await change_blocks(COURSE, {BLOCK: "leaf"}, now=NOW, debounce=DEBOUNCE, cause=cause)
    await change_waiting(COURSE, now=NOW, debounce=DEBOUNCE, cause=cause)
    assert [(await read_row(row))["forced_version"] for row in (here, waits)] == [4, 5]


# --- Resend, unpark, backoff, hold ---


async def test_a_forced_resend_starts_afresh_out_of_parking_and_waiting_and_keeps_the_hold():
    stuck = PARKED | {"waiting_since": NOW - 5, "attempts": 5, "not_before": NOW + 7, "hold_until": NOW + 8}
    assignment = await make_assignment(**CLEAN, **stuck, sent_score="1")
    before = await read_row(assignment)
    assert await force_resend(assignment, now=NOW)
    versions = {"version_number": 4, "forced_version": 4, "ordered_version": 4}
    expected = {**versions, "due_at": NOW, "attempts": 0, "not_before": 0}
    assert await changes(assignment, before) == expected | UNPARKED | {"waiting_since": None}
    assert not await force_resend(12345, now=NOW), "a row that is gone"


async def test_unparking_starts_afresh_with_a_new_version_that_nothing_forces():
    assignment = await make_assignment(**DIRTY, **PARKED, attempts=9, not_before=NOW + 7, hold_until=NOW + 8)
    before = await read_row(assignment)
    await unpark(assignment, now=NOW)
    expected = {"version_number": 5, "due_at": NOW, "attempts": 0, "not_before": 0, **UNPARKED}
    assert await changes(assignment, before) == expected


@pytest.mark.parametrize("backoff", [{"not_before": NOW + 7}, {}])
async def test_clearing_the_backoff_of_a_dirty_row_forgets_its_attempts_and_changes_nothing_else(backoff):
    assignment = await make_assignment(**DIRTY, **backoff, attempts=9, hold_until=NOW + 8)
    before = await read_row(assignment)
    await clear_backoff(assignment, now=NOW)
    assert await changes(assignment, before) == {"attempts": 0} | dict.fromkeys(backoff, 0)


@pytest.mark.parametrize("columns", [{**CLEAN, "not_before": NOW + 7, "attempts": 9}, {**DIRTY, "not_before": NOW}])
async def test_a_clean_row_and_one_without_a_backoff_are_left_alone(columns):
    assignment = await make_assignment(**columns)
    before = await read_row(assignment)
    await clear_backoff(assignment, now=NOW)
    assert await changes(assignment, before) == {}


@pytest.mark.parametrize(("until", "expected"), [(NOW + 9, NOW + 9), (NOW + 3, NOW + 5)])
async def test_a_hold_is_raised_and_never_lowered(until, expected):
    assignment = await make_assignment(**DIRTY, hold_until=NOW + 5)
    before = await read_row(assignment)
    await raise_hold(assignment, until=until)
    assert (await changes(assignment, before)).get("hold_until", NOW + 5) == expected


# --- What is to be sent ---


async def test_a_dirty_row_is_read_with_its_kind_and_time():
    leaf = await make_assignment(**DIRTY, not_before=NOW + 9)
    composite = await make_assignment(**{**DIRTY, "due_at": NOW + 5}, composite=True)
    assert await read_dirty(leaf) == Dirty(leaf, "leaf", NOW - 9_000, first=True)
    assert await read_dirty(composite) == Dirty(composite, "composite", NOW + 5, first=True)


@pytest.mark.parametrize(
    "columns", [PARKED, {"sent_version": 4}, {"disabled_at": 1}, {"waiting_since": 1}, {"claimed_until": NOW + 1}]
)
async def test_a_row_that_something_else_than_time_holds_back_is_not_read_as_dirty(columns):
    assert await read_dirty(await make_assignment(**{**DIRTY, **columns})) is None
    assert await read_dirty(12345) is None
