"""The states of an assignment: when it is due, and when it is only dirty. On both databases."""

from itertools import permutations

import pytest

from models.assignment import DUE, DUE_BY_ID, READY_AT, RETRIED, SENDABLE, SENDABLE_BY_ID, STATE, STATES
from models.db.sql import Statement
from tests.models.rows import make_assignment

NOW = 1_000_000
CLEAN = {"version_number": 3, "sent_version": 3, "due_at": NOW - 9}
DIRTY = {"version_number": 4, "sent_version": 3, "due_at": NOW - 9}
CLAIMED = {"claim_token": 7, "claimed_at": NOW - 9, "claimed_version": 4}

_LOOK = Statement(f"""
    SELECT {STATE} AS state, {READY_AT} AS ready_at, {RETRIED} AS retried,
        CASE WHEN {DUE} THEN 1 ELSE 0 END AS due, CASE WHEN {DUE_BY_ID} THEN 1 ELSE 0 END AS due_by_id,
        CASE WHEN {SENDABLE} THEN 1 ELSE 0 END AS sendable,
        CASE WHEN {SENDABLE_BY_ID} THEN 1 ELSE 0 END AS sendable_by_id
    FROM graded_assignment WHERE id = :id""")

pytestmark = pytest.mark.usefixtures("empty_database")


async def look(now=NOW, **columns):
    """What the predicates say of a row with these columns."""
    row = await _LOOK.row(id=await make_assignment(**columns), now=now)
    assert row is not None
    return row


#: A row of each state, and whether it can be claimed; no state is left out.
ROWS = [
    (CLEAN, "clean", False),
    (CLEAN | {"not_before": NOW + 1}, "clean", False),
    (DIRTY, "due", True),
    (DIRTY | {"due_at": NOW, "not_before": NOW, "hold_until": NOW}, "due", True),
    (DIRTY | CLAIMED | {"claimed_until": NOW}, "due", False),
    (DIRTY | {"due_at": NOW + 1}, "waiting", False),
    (DIRTY | {"not_before": NOW + 1}, "waiting", False),
    (DIRTY | {"hold_until": NOW + 1}, "waiting", False),
    (DIRTY | {"waiting_since": NOW - 9}, "waiting", False),
    (DIRTY | CLAIMED | {"claimed_until": NOW + 1}, "claimed", False),
    (DIRTY | {"parked_at": NOW - 5}, "parked", False),
    (DIRTY | {"disabled_at": NOW - 5}, "disabled", False),
    (CLEAN | {"disabled_at": NOW - 5}, "disabled", False),
    (DIRTY | {"parked_at": NOW - 5, "disabled_at": NOW - 5}, "disabled", False),
]


@pytest.mark.parametrize(("columns", "state", "due"), ROWS)
async def test_every_row_is_in_one_state_and_is_due_only_if_it_can_be_claimed(columns, state, due):
    """A lease that ran out is due for people; senders wait until it is rescued."""
    row = await look(**columns)
    assert (row["state"], bool(row["due"]), bool(row["due_by_id"])) == (state, due, due)


def test_no_state_is_left_out_above():
    assert {state for _, state, _ in ROWS} == set(STATES)


@pytest.mark.parametrize(
    ("columns", "sendable"),
    [
        (DIRTY, True),
        (DIRTY | {"due_at": NOW + 9, "not_before": NOW + 9, "hold_until": NOW + 9}, True),
        (DIRTY | CLAIMED | {"claimed_until": NOW - 9}, False),
        (DIRTY | {"waiting_since": 1}, False),
        (DIRTY | {"parked_at": 1}, False),
        (DIRTY | {"disabled_at": 1}, False),
        (CLEAN, False),
    ],
)
async def test_a_row_is_sendable_if_nothing_but_time_holds_it_back(columns, sendable):
    row = await look(**columns)
    assert (bool(row["sendable"]), bool(row["sendable_by_id"])) == (sendable, sendable)


@pytest.mark.parametrize("times", [*permutations((1, 2, 3)), (2, 2, 1), (1, 2, 2), (2, 1, 2), (2, 2, 2)])
async def test_a_row_is_ready_at_the_latest_of_its_times(times):
    due_at, not_before, hold_until = times
    row = await look(**{**DIRTY, "due_at": due_at, "not_before": not_before, "hold_until": hold_until})
    assert row["ready_at"] == max(times)


@pytest.mark.parametrize(
    ("columns", "retried"),
    [
        ({"attempts": 0}, False),
        ({"attempts": 1}, True),
        ({"not_before": NOW - 8}, True),
        ({"not_before": NOW - 9}, False),
        ({"hold_until": NOW + 9}, False),
    ],
)
async def test_a_row_was_retried_if_an_attempt_or_a_backoff_came_after_it_fell_due(columns, retried):
    assert bool((await look(**DIRTY | columns))["retried"]) is retried
