"""What the ends of attempts say about their campuses, and that nothing else is written of these. On both databases."""

from dataclasses import replace

import pytest

from actors.breaker import next_breaker
from models.campus import SLOW_MS, Breaker, Campus, Signal, read_breakers
from models.claims import claim
from models.finish import Finish
from models.finishing import finish
from models.rescue import rescue
from tests.models.claiming import DIRTY, LATER, LEASE, NOW, campuses_answered, claimed, lease
from tests.models.rows import make_assignment, make_service

pytestmark = pytest.mark.usefixtures("empty_database")


def noting(breaker: Breaker, signal: Signal) -> Breaker:
    """Counts the signals, and stores what the last one was; none of one that is neutral."""
    if signal.kind == "neutral":
        return breaker
    return replace(breaker, trips=breaker.trips + 1, last_error=signal.error, last_failed_assignment=1)


async def signalled(*kinds, service=None):
    """End an attempt with each of these signals, in one batch; the campus is free for them."""
    rows = [await make_assignment(service, **DIRTY) for _ in kinds]
    await campuses_answered()
    claims = sorted(await claim(rows, lease(max_per_campus=99), most=99), key=lambda got: got.assignment_id)
    finishes = [
        Finish(got, "retried", signal=Signal(kind, got.address.campus_id, got.assignment_id, NOW, error=f"{place}"))
        for place, (got, kind) in enumerate(zip(claims, kinds, strict=True))
    ]
    return await finish(finishes, now=LATER, next_breaker=noting)


async def test_signals_are_applied_to_their_campus_in_order_and_what_they_changed_is_returned():
    service, other = await make_service(), await make_service("other")
    before = await read_breakers([other.campus_id])
    _, (change,) = await signalled("failure", "neutral", "failure", service=service)
    assert (change.before.trips, change.after.trips, change.after.last_error) == (0, 2, "2")
    assert await read_breakers([service.campus_id]) == [change.after]
    assert await read_breakers([other.campus_id]) == [replace(before[0], answered_at=1)]


async def test_a_signal_that_changes_nothing_writes_nothing():
    _, changed_breakers = await signalled("neutral")
    assert changed_breakers == []
    assert (await Campus.get()).last_error is None


async def test_neither_a_fenced_attempt_nor_one_whose_row_is_gone_says_anything_of_its_campus():
    fenced = await make_assignment(**DIRTY)
    got = await claimed(fenced)
    await rescue(now=NOW + LEASE)
    signal = Signal("failure", got.address.campus_id, fenced, NOW)
    gone = Finish(replace(got, assignment_id=4711), "retried", signal=signal)
    found, changed_breakers = await finish(
        [Finish(got, "retried", signal=signal), gone], now=LATER, next_breaker=noting
    )
    assert [one.fenced for one in found.values()] == [True, False]
    assert changed_breakers == []


#: A success that changes nothing at a campus without trouble.
PLAIN = {"answered": True, "duration_ms": SLOW_MS}


async def accepted(columns, **signal):
    """Whether a success was applied to the campus, of which these columns are set."""
    assignment = await make_assignment(**DIRTY)
    got = await claimed(assignment)
    await Campus.all().update(**{"answered_at": 1} | columns)
    one = Signal("success", got.address.campus_id, assignment, NOW, **PLAIN | signal)
    before = await read_breakers([got.address.campus_id])
    _, seen = await finish([Finish(got, "accepted", score="1", signal=one)], now=LATER, next_breaker=noting)
    if not seen:
        settings = {"now": LATER, "max_per_campus": 4, "jitter": 0.5}
        assert [next_breaker(breaker, one, **settings) for breaker in before] == before
    return bool(seen)


async def test_a_quick_success_is_not_applied_to_a_campus_without_trouble():
    assert not await accepted({})
    assert not await accepted({"last_error": "of one learner", "last_error_at": 1, "blocked_until": 1})


@pytest.mark.parametrize(
    ("columns", "signal"),
    [
        ({"answered_at": None}, {}),
        ({"tripped_at": 1}, {}),
        ({"trips": 1}, {}),
        ({"throttled_at": 1}, {}),
        ({"max_in_flight": 2}, {}),
        ({"slow": True}, {}),
        ({"last_failed_assignment": 1}, {}),
        ({}, {"duration_ms": SLOW_MS + 1}),
        ({}, {"duration_ms": None}),
        ({}, {"after": 5.0}),
        ({}, {"error": "of one learner"}),
    ],
    ids=str,
)
async def test_any_other_success_is_applied(columns, signal):
    assert await accepted(columns, **signal)
