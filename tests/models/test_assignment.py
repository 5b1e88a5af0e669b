"""The states of an assignment: when it is due, and when it is only dirty. On both databases."""

from itertools import permutations

import pytest

from models.assignment import DUE, DUE_BY_ID, RETRIED, SENDABLE, SENDABLE_BY_ID
from models.db.sql import Statement
from models.states import READY_AT, STATE, STATES
from tests.models.rows import make_assignment

NOW = 1_000_000
CLEAN = {"version_number": 3, "sent_version": 3, "due_at": NOW - 9}
DIRTY = {"version_number": 4, "sent_version": 3, "due_at": NOW - 9}
CLAIMED = {"claim_token": 7, "claimed_at": NOW - 9, "claimed_version": 4}

_READ = Statement(f"""
    SELECT {STATE} AS state, {READY_AT} AS ready_at, {RETRIED} AS retried,
        CASE WHEN {DUE} THEN 1 ELSE 0 END AS due, CASE WHEN {DUE_BY_ID} THEN 1 ELSE 0 END AS due_by_id,
        CASE WHEN {SENDABLE} THEN 1 ELSE 0 END AS sendable,
        CASE WHEN {SENDABLE_BY_ID} THEN 1 ELSE 0 END AS sendable_by_id
    FROM graded_assignment WHERE id = :id""")

pytestmark = pytest.mark.usefixtures("empty_database")


async def read(now=NOW, **columns):
    """The predicates of a row with these columns."""
    row = await _READ.row(id=await make_assignment(**columns), now=now)
    assert row is not None
    return row


#: A row of each state, whether it can be claimed, and whether nothing but time holds it back; no state is left out.
ROWS = [
    (CLEAN, "clean", False, False),
    (CLEAN | {"not_before": NOW + 1}, "clean", False, False),
    (DIRTY, "due", True, True),
    (DIRTY | {"due_at": NOW, "not_before": NOW, "hold_until": NOW}, "due", True, True),
    (DIRTY | CLAIMED | {"claimed_until": NOW}, "due", False, False),
    (DIRTY | {"due_at": NOW + 1}, "waiting", False, True),
    (DIRTY | {"not_before": NOW + 1}, "waiting", False, True),
    (DIRTY | {"hold_until": NOW + 1}, "waiting", False, True),
    (DIRTY | {"waiting_since": NOW - 9}, "waiting", False, False),
    (DIRTY | CLAIMED | {"claimed_until": NOW + 1}, "claimed", False, False),
    (DIRTY | {"parked_at": NOW - 5}, "parked", False, False),
    (DIRTY | {"disabled_at": NOW - 5}, "disabled", False, False),
    (CLEAN | {"disabled_at": NOW - 5}, "disabled", False, False),
    (DIRTY | {"parked_at": NOW - 5, "disabled_at": NOW - 5}, "disabled", False, False),
]


@pytest.mark.parametrize(("columns", "state", "due", "sendable"), ROWS)
async def test_every_row_is_in_one_state_and_is_due_only_if_it_can_be_claimed(columns, state, due, sendable):
    """A lease that ran out is due for people; senders wait until it is rescued."""
    row = await read(**columns)
    assert (row["state"], bool(row["due"]), bool(row["due_by_id"])) == (state, due, due)
    assert (bool(row["sendable"]), bool(row["sendable_by_id"])) == (sendable, sendable)


def test_no_state_is_left_out_above():
    assert {state for _, state, *_ in ROWS} == set(STATES)


@pytest.mark.parametrize("times", [*permutations((1, 2, 3)), (2, 2, 1), (1, 2, 2), (2, 1, 2), (2, 2, 2)])
async def test_a_row_is_ready_at_the_latest_of_its_times(times):
    due_at, not_before, hold_until = times
    row = await read(**{**DIRTY, "due_at": due_at, "not_before": not_before, "hold_until": hold_until})
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
    assert bool((await read(**DIRTY | columns))["retried"]) is retried
