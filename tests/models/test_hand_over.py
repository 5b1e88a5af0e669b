"""The hand-over: the end of an attempt claims the next one of its campus and partition. On both databases."""

from dataclasses import replace

import pytest

from models import consumer_admin
from models.assignment import GradedAssignment
from models.campus import Campus, Signal
from models.claims import claim
from models.finish import Finish, HandOver
from models.finishing import finish
from models.rescue import rescue
from tests.models.claiming import (
    LATER,
    LEASE,
    MAX_PER_CAMPUS,
    NOW,
    all_ended,
    campuses_answered,
    changed,
    claimed,
    ended,
    lease,
    make_due,
)
from tests.models.rows import make_service, read_row

pytestmark = pytest.mark.usefixtures("empty_database")


def hand_over(*, partitions=1, now=LATER):
    return HandOver(lease(now), partitions)


async def in_flight():
    """The ids of the claimed rows, in order."""
    rows = await GradedAssignment.filter(claimed_until__isnull=False).order_by("id")
    return [row.id for row in rows]


async def claim_all():
    """As many claims as the campus may have, of more rows that are due."""
    rows = await make_due(12)
    await campuses_answered()
    claims = await claim(rows, lease(), most=99)
    assert len(claims) == MAX_PER_CAMPUS
    return claims


async def claim_and_end(*rows, outcome="accepted", **how):
    """Claim these rows and end their attempts in one batch with a hand-over; who follows, by the row that ended."""
    claims = await claim(rows, lease(max_per_campus=99), most=99)
    assert len(claims) == len(rows)
    ends = [Finish(got, outcome, score="1") for got in claims]
    found = await all_ended(ends, hand_over=hand_over(**how))
    return {one.claim.assignment_id: found[one].next for one in ends}


async def test_the_end_of_an_attempt_claims_the_row_that_has_been_due_longest():
    first, second, third = await make_due(3)
    found = await ended(await claimed(first), "accepted", score="1", hand_over=hand_over())
    got = found.next
    assert got is not None
    row = await read_row(second)
    assert (got.assignment_id, got.token, got.claimed_at) == (second, row["claim_token"], LATER)
    assert (got.attempt, got.address.url, row["claimed_until"]) == (3, "https://campus.example/outcomes", LATER + LEASE)
    assert await in_flight() == [second]
    assert (await read_row(third))["claim_token"] is None


async def test_nothing_is_claimed_unless_it_is_asked_for_or_if_nothing_is_due():
    first, second = await make_due(2)
    got = await claimed(first)
    assert (await ended(got, "accepted", score="1")).next is None
    found = await ended(await claimed(second), "accepted", score="1", hand_over=hand_over())
    assert found.next is None
    assert await in_flight() == []


async def test_a_row_that_changed_meanwhile_may_follow_itself():
    (row,) = await make_due(1)
    got = await claimed(row)
    await changed(row, "leaf")
    found = await ended(got, "accepted", score="1", hand_over=hand_over())
    assert (found.next.assignment_id, found.next.version) == (row, 5)
    assert found.next.token != got.token


async def test_as_many_follow_as_ended_and_each_at_the_campus_of_one_of_them():
    here, there = await make_service(), await make_service("other")
    of_here, of_there = await make_due(5, here), await make_due(5, there)
    await campuses_answered()
    followers = await claim_and_end(*of_here[:2], of_there[0])
    assert sorted(got.assignment_id for got in followers.values()) == sorted([*of_here[2:4], of_there[1]])
    for row, got in followers.items():
        assert (row in of_here) == (got.assignment_id in of_here)
        assert got.address.campus_id == (here if row in of_here else there).campus_id


async def test_a_follower_is_of_the_partition_of_the_attempt_that_it_follows():
    rows = await make_due(12)
    await campuses_answered()
    followers = await claim_and_end(*rows[:3], partitions=3)
    assert sorted(got.assignment_id for got in followers.values()) == rows[3:6]
    assert all(row % 3 == got.assignment_id % 3 for row, got in followers.items())


@pytest.mark.parametrize(
    ("columns", "following"),
    [
        pytest.param({}, 4, id="up"),
        pytest.param({"max_in_flight": 3}, 3, id="fewer at once"),
        pytest.param({"blocked_until": LATER + 1}, 0, id="none for now"),
        pytest.param({"tripped_at": NOW + 1, "blocked_until": LATER}, 1, id="a probe"),
        pytest.param({"reading_until": LATER + 1}, 3, id="one slot is reserved"),
    ],
)
async def test_a_limit_that_was_lowered_meanwhile_holds_for_those_that_follow(columns, following):
    claims = await claim_all()
    await Campus.all().update(**columns)
    await all_ended([Finish(got, "accepted", score="1") for got in claims], hand_over=hand_over())
    assert len(await in_flight()) == following


async def test_a_campus_that_the_attempt_itself_brought_down_gets_no_other():
    rows = await make_due(3)
    await campuses_answered()
    got = await claimed(rows[0])
    signal = Signal("failure", got.address.campus_id, rows[0], NOW)
    one = Finish(got, "retried", not_before=LATER + 9, signal=signal)

    def blocked(breaker, signal):
        return replace(breaker, tripped_at=LATER, blocked_until=LATER + 15_000)

    found, _ = await finish([one], now=LATER, next_breaker=blocked, hand_over=hand_over())
    assert found[one].next is None
    assert await in_flight() == []


async def test_nothing_follows_at_a_paused_consumer():
    first, *_ = await make_due(3)
    got = await claimed(first)
    await consumer_admin.pause("key", now=NOW)
    assert (await ended(got, "accepted", score="1", hand_over=hand_over())).next is None


async def test_an_end_that_was_fenced_frees_no_slot():
    first, *_ = await make_due(3)
    got = await claimed(first)
    await rescue(now=NOW + LEASE)
    found = await ended(got, "accepted", score="1", hand_over=hand_over())
    assert (found.fenced, found.next) == (True, None)
    assert await in_flight() == []


async def test_an_end_that_is_said_again_never_brings_the_campus_above_its_limit():
    claims = await claim_all()
    ends = [Finish(got, "accepted", score="1") for got in claims]
    for _ in range(3):
        await all_ended(ends, hand_over=hand_over())
    assert len(await in_flight()) == MAX_PER_CAMPUS


async def test_the_claims_that_follow_are_noted_before_the_commit_so_that_they_can_be_given_back():
    rows = await make_due(4)
    await campuses_answered()
    noted = hand_over()
    claims = await claim(rows[:2], lease(), most=99)
    found = await all_ended([Finish(got, "accepted", score="1") for got in claims], hand_over=noted)
    followers = {one.next.assignment_id: one.next for one in found.values()}
    assert {got.assignment_id: got for got in noted.claimed} == followers
    assert sorted(followers) == rows[2:]


async def test_parking_is_found_beside_the_follower():
    first, second = await make_due(2)
    found = await ended(await claimed(first), "parked", parked_scope="learner", hand_over=hand_over())
    assert (found.parked, found.next.assignment_id) == (True, second)
