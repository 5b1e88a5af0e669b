"""The claim: what it takes, what holds it back, and the limit of each campus. On both databases."""

import pytest

from models import consumer_admin
from models.campus import Campus
from models.claims import claim, claim_for_reading, superseded
from models.orphaned_claim import OrphanedClaim, orphan_claims, prune_orphans
from tests.models.claiming import (
    CLAIMED,
    DIRTY,
    LEASE,
    MAX_PER_CAMPUS,
    NOT_TO_BE_SENT,
    NOW,
    SECOND,
    campuses_answered,
    changed,
    claimed,
    ended,
    lease,
    make_due,
)
from tests.models.rows import BLOCK, COURSE, LEARNER, URL, changes, make_assignment, make_service, read_lines, read_row

pytestmark = pytest.mark.usefixtures("empty_database")


async def claimed_ids(*assignment_ids, now=NOW, most=99, max_per_campus=MAX_PER_CAMPUS):
    claims = await claim(assignment_ids, lease(now, max_per_campus=max_per_campus), most=most)
    return [got.assignment_id for got in claims]


# --- One row ---


async def test_a_claim_sets_its_token_and_lease_and_counts_the_attempt():
    assignment = await make_assignment(**DIRTY, forced_version=2, entry_id="7-1", lti_user_id="at campus")
    before = await read_row(assignment)
    got = await claimed(assignment)
    assert await changes(assignment, before) == {
        "claim_token": got.token,
        "claimed_at": NOW,
        "claimed_until": NOW + LEASE,
        "claimed_version": 4,
        "stamp": NOW // 1000,
        "stamped_version": 4,
        "attempts": 3,
    }
    assert 0 < got.token < 2**63
    assert (got.assignment_id, got.version, got.claimed_at, got.attempt) == (assignment, 4, NOW, 3)
    assert (got.forced_version, got.sent_version, got.sent_score, got.kind) == (2, 3, "0.5", "leaf")
    assert (got.user_id, got.course_id, got.usage_id) == (LEARNER, COURSE, BLOCK)
    assert (got.lis_result_sourcedid, got.due_at) == (before["lis_result_sourcedid"], NOW - 9_000)
    assert (got.entry_id, got.tripped_at, got.slow) == ("7-1", None, False)
    assert got.ids == (got.lis_result_sourcedid, "at campus", LEARNER)


async def test_a_claim_comes_with_where_the_grade_goes_and_with_which_credentials():
    service = await make_service()
    where = (await claimed(await make_assignment(service, **DIRTY))).address
    assert (where.outcome_service_id, where.url, where.campus_id) == (service.id, URL, service.campus_id)
    assert (where.origin, where.consumer_name, where.consumer_key) == ("https://campus.example:443", "campus", "key")
    assert (where.consumer_secret, where.pending_secret) == ("secret", None)
    assert "secret='" not in repr(where)


async def test_a_claim_that_may_try_two_secrets_lasts_longer():
    await make_service()
    await consumer_admin.pend("key", "next", now=0)
    assignment = await make_assignment(**DIRTY)
    got = await claimed(assignment)
    assert (got.address.consumer_secret, got.address.pending_secret) == ("secret", "next")
    assert (await read_row(assignment))["claimed_until"] == NOW + LEASE + SECOND


async def test_a_claim_says_whether_it_is_a_probe_and_its_campus_slow():
    await make_service()
    await campuses_answered(tripped_at=NOW - 5, slow=True)
    got = await claimed(await make_assignment(**DIRTY))
    assert (got.tripped_at, got.slow) == (NOW - 5, True)


@pytest.mark.parametrize("columns", [*NOT_TO_BE_SENT, *CLAIMED])
async def test_a_row_that_anything_holds_back_is_not_claimed_and_hinders_no_other(columns):
    assignment, free = await make_assignment(**{**DIRTY, **columns}), await make_assignment(**DIRTY)
    await campuses_answered()
    before = await read_row(assignment)
    assert await claimed_ids(assignment, free) == [free]
    assert await changes(assignment, before) == {}
    assert await read_lines(assignment) == []


@pytest.mark.parametrize("column", ["due_at", "not_before", "hold_until"])
async def test_a_row_can_be_claimed_the_moment_that_its_time_has_come(column):
    await claimed(await make_assignment(**{**DIRTY, column: NOW}))


async def test_nothing_is_claimed_of_no_rows_of_a_row_that_is_gone_or_without_a_connection():
    assert await claimed_ids() == []
    assert await claimed_ids(12345) == []
    assert await claimed_ids(await make_assignment(**DIRTY), most=0) == []


async def test_a_row_that_is_named_twice_is_claimed_once():
    assignment = await make_assignment(**DIRTY)
    await campuses_answered()
    (got,) = await claim([assignment, assignment], lease(), most=9)
    row = await read_row(assignment)
    assert (row["claim_token"], row["attempts"]) == (got.token, 3)


@pytest.mark.parametrize(("forced", "must"), [(2, False), (3, False), (4, True)])
async def test_an_equal_score_may_be_skipped_only_while_nothing_forces_it(forced, must):
    assignment = await make_assignment(**DIRTY, forced_version=forced)
    assert (await claimed(assignment)).must_go_out is must


async def test_an_attempt_is_superseded_once_a_newer_change_waits_for_its_own_time():
    assignment, other = await make_assignment(**DIRTY, composite=True), await make_assignment(**DIRTY)
    await campuses_answered()
    both = await claim([assignment, other], lease(), most=2)
    assert await superseded(both, now=NOW) == set()
    await changed(assignment, "composite")
    assert await superseded(both, now=NOW + 19_999) == {assignment}
    assert await superseded(both, now=NOW + 20_000) == set()
    assert await superseded([], now=NOW) == set()


# --- For reading ---


@pytest.mark.parametrize("columns", [*NOT_TO_BE_SENT, pytest.param({}, id="due")])
async def test_any_row_that_no_sender_has_is_claimed_for_reading(columns):
    assignment = await make_assignment(**{**DIRTY, **columns})
    got = await claim_for_reading(assignment, lease())
    assert got is not None
    assert (await read_row(assignment))["claimed_until"] == NOW + LEASE
    before = await read_row(assignment)
    await ended(got, "read", given_back=True)
    assert await changes(assignment, before) == {"claimed_until": None, "attempts": 2}


async def test_a_row_that_is_being_sent_or_whose_campus_is_busy_is_not_claimed_for_reading():
    first, second = await make_assignment(**DIRTY), await make_assignment(**DIRTY)
    await claimed(first)
    assert await claim_for_reading(second, lease()) is None, "a campus that never answered has one slot"
    await campuses_answered()
    assert await claim_for_reading(first, lease()) is None
    assert await claim_for_reading(12345, lease()) is None


# --- The limit of a campus ---


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        pytest.param({"answered_at": None}, 1, id="first contact"),
        pytest.param({}, MAX_PER_CAMPUS, id="up"),
        pytest.param({"max_in_flight": 2, "throttled_at": 1}, 2, id="throttled"),
        pytest.param({"max_in_flight": 99}, MAX_PER_CAMPUS, id="a limit from before the operator lowered it"),
        pytest.param({"tripped_at": NOW - 9, "blocked_until": NOW}, 1, id="a probe is due"),
        pytest.param({"tripped_at": NOW - 9, "blocked_until": NOW + 1}, 0, id="down"),
        pytest.param({"blocked_until": NOW + 1}, 0, id="as it asked"),
        pytest.param({"blocked_until": NOW}, MAX_PER_CAMPUS, id="no longer blocked"),
        pytest.param({"reading_until": NOW + 1}, MAX_PER_CAMPUS - 1, id="one slot is reserved"),
        pytest.param({"reading_until": NOW}, MAX_PER_CAMPUS, id="no longer reserved"),
        pytest.param({"reading_until": NOW + 1, "max_in_flight": 1}, 1, id="one slot cannot be shared"),
    ],
)
async def test_a_campus_gets_as_many_claims_as_it_may_have_requests_and_the_oldest_rows(columns, expected):
    due = await make_due(MAX_PER_CAMPUS + 2)
    await Campus.all().update(**{"answered_at": 1, **columns})
    assert sorted(await claimed_ids(*reversed(due))) == due[:expected]
    assert await claimed_ids(*due) == [], "they are in flight"


async def test_readers_may_have_the_slot_that_senders_leave_them():
    due = await make_due(MAX_PER_CAMPUS + 1)
    await campuses_answered(reading_until=NOW + 1)
    assert len(await claimed_ids(*due)) == MAX_PER_CAMPUS - 1
    assert await claim_for_reading(due[-1], lease()) is not None
    assert await claim_for_reading(due[-2], lease()) is None


async def test_the_limit_is_of_each_campus_and_the_caller_may_want_fewer():
    services = [await make_service(), await make_service("other"), await make_service(url="https://elsewhere.example/")]
    due = [await make_due(5, service) for service in services]
    await campuses_answered()
    everything = [row for rows in due for row in rows]
    assert sorted(await claimed_ids(*everything, max_per_campus=2)) == [row for rows in due for row in rows[:2]]
    assert len(await claimed_ids(*everything, most=4)) == 4


async def test_a_slot_is_free_again_once_an_attempt_ended_and_not_when_its_lease_ran_out():
    first, second = await make_due(2)
    got = await claimed(first)
    assert await claimed_ids(second) == []
    assert await claimed_ids(second, now=NOW + LEASE) == [], "the rescue has not run yet"
    await ended(got, "accepted", score="1")
    assert await claimed_ids(second) == [second]


async def test_a_request_whose_row_is_gone_keeps_its_slot_until_its_lease_ends():
    first, second, clean = [*await make_due(2), await make_assignment(**DIRTY)]
    got = await claimed(first)
    await orphan_claims([first, clean, 12345], now=NOW + 1)
    await orphan_claims([], now=NOW + 1)
    (orphan,) = await OrphanedClaim.all()
    assert (orphan.consumer_key, orphan.origin) == ("key", "https://campus.example:443")
    assert (orphan.claimed_until, orphan.in_doubt_until) == (NOW + LEASE, NOW + LEASE)
    await ended(got, "accepted", score="1")
    assert await claimed_ids(second, now=NOW + LEASE - 1) == []
    await prune_orphans(now=NOW + LEASE - 1)
    assert await OrphanedClaim.all().count() == 1
    assert await claimed_ids(second, now=NOW + LEASE) == [second]
    await prune_orphans(now=NOW + LEASE)
    assert await OrphanedClaim.all().count() == 0
