"""Claims and their ends, for the tests of the models."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import pytest

from models.assignment import Kind
from models.campus import Breaker, Campus, OutcomeService, Signal
from models.changes import Change, Debounce, change
from models.claims import Claim, Lease, claim
from models.delivery import DeliveryRecord, DeliveryResult
from models.finish import Finish, Finished, HandOver, Outcome
from models.finishing import finish
from tests.models.rows import make_assignment, read_row

#: Milliseconds.
NOW, LEASE, SECOND = 1_000_000, 50_000, 15_000
LATER, HOUR = NOW + 4_000, 3_600_000
MAX_PER_CAMPUS = 4
#: A row that is due, and was tried twice.
DIRTY = {"version_number": 4, "sent_version": 3, "sent_score": "0.5", "due_at": NOW - 9_000, "attempts": 2}
UNPARKED = {"parked_at": None, "parked_reason": None, "parked_scope": None}
DEBOUNCE = Debounce(delay_ms=20_000, ceiling_ms=60_000)

#: What keeps a row from being sent now, though no sender has it.
NOT_TO_BE_SENT = [
    pytest.param({"sent_version": 4}, id="clean"),
    pytest.param({"parked_at": NOW - 1}, id="parked"),
    pytest.param({"disabled_at": NOW - 1}, id="disabled"),
    pytest.param({"waiting_since": NOW - 1}, id="waiting"),
    pytest.param({"due_at": NOW + 1}, id="not due"),
    pytest.param({"not_before": NOW + 1}, id="backoff"),
    pytest.param({"hold_until": NOW + 1}, id="hold"),
]
#: What a row has that a sender has.
CLAIMED = [
    pytest.param({"claim_token": 6, "claimed_until": NOW + 1}, id="claimed"),
    pytest.param({"claim_token": 6, "claimed_until": NOW}, id="its lease has run out"),
]


async def changed(assignment_id: int, kind: Kind, now: int = NOW) -> dict[str, Any]:
    """The row after one change."""
    await change([Change(assignment_id, kind)], now=now, debounce=DEBOUNCE)
    return await read_row(assignment_id)


def at(now: int) -> Callable[[], Awaitable[int]]:
    """The database's clock, which shows that."""

    async def read_now() -> int:
        return now

    return read_now


def lease(now: int = NOW, *, max_per_campus: int = MAX_PER_CAMPUS) -> Lease:
    """A lease that begins then."""
    return Lease(now=now, began=0.0, ms=LEASE, second_ms=SECOND, max_per_campus=max_per_campus)


async def campuses_answered(**columns: Any) -> None:
    """Every campus has answered once, so that it has its whole limit; set *columns* too."""
    await Campus.all().update(answered_at=1, **columns)


async def make_due(number: int, service: OutcomeService | None = None, **columns: Any) -> list[int]:
    """Rows that are due, the oldest first."""
    due = [{"due_at": NOW - 100 + place} for place in range(number)]
    return [await make_assignment(service, **{**DIRTY, **one, **columns}) for one in due]


async def claimed(assignment_id: int, *, now: int = NOW) -> Claim:
    """The claim of an assignment that can be claimed."""
    (got,) = await claim([assignment_id], lease(now), most=1)
    return got


def record(of: Claim, result: DeliveryResult, *, at: int = LATER, **columns: Any) -> DeliveryRecord:
    """The delivery record of that attempt."""
    values = {"attempt": of.attempt, "version": of.version, "score": "1", **columns}
    return DeliveryRecord(of.assignment_id, of.token, at=at, result=result, **values)


def unchanged(breaker: Breaker, signal: Signal) -> Breaker:
    """For attempts whose signals do not matter."""
    return breaker


async def ended(
    of: Claim,
    outcome: Outcome,
    *,
    now: int = LATER,
    result: DeliveryResult | None = None,
    columns: Mapping[str, Any] | None = None,
    hand_over: HandOver | None = None,
    **how: Any,
) -> Finished:
    """End one attempt; if it has a *result* with a delivery record, of these *columns*."""
    if result is not None:
        how["delivery"] = record(of, result, at=now, **(columns or {}))
    one = Finish(of, outcome, **how)
    found = await all_ended([one], now=now, hand_over=hand_over)
    return found[one]


async def all_ended(
    finishes: Sequence[Finish], *, now: int = LATER, hand_over: HandOver | None = None
) -> dict[Finish, Finished]:
    """End attempts whose signals do not matter."""
    found, _ = await finish(finishes, now=now, next_breaker=unchanged, hand_over=hand_over)
    return found
