"""Which signals count for a tripped breaker, and which assignments trip it."""

from __future__ import annotations

import pytest

from actors.breaker import next_breaker
from models.campus import Breaker, Signal

NOW, TRIPPED = 1_000_000, 900_000


def _failure(*, assignment_id: int = 1, tripped_at: int | None = None) -> Signal:
    return Signal("failure", campus_id=1, assignment_id=assignment_id, claimed_at=NOW - 1, tripped_at=tripped_at)


def _after(breaker: Breaker, signal: Signal) -> Breaker:
    return next_breaker(breaker, signal, now=NOW, max_per_campus=4, jitter=0.0)


@pytest.mark.parametrize("before", [None, TRIPPED - 1], ids=["before it tripped", "before the operator asked anew"])
def test_a_request_that_was_claimed_before_is_no_failed_probe(before):
    breaker = Breaker(1, tripped_at=TRIPPED, trips=2, blocked_until=NOW - 1)
    assert _after(breaker, _failure(tripped_at=before)) == breaker


def test_a_failed_probe_lengthens_the_pause():
    after = _after(Breaker(1, tripped_at=TRIPPED, trips=2, blocked_until=NOW - 1), _failure(tripped_at=TRIPPED))
    assert (after.trips, after.tripped_at) == (3, TRIPPED)
    assert after.blocked_until > NOW


def test_failures_trip_the_breaker_only_if_they_are_of_two_assignments():
    once = _after(Breaker(1), _failure())
    assert _after(once, _failure()) == once
    assert once.tripped_at is None
    assert _after(once, _failure(assignment_id=2)).tripped_at == NOW
