"""An attempt: the claim, and every way that it can end. One test a rule, on both databases."""

from __future__ import annotations

import asyncio

import pytest
from models.attempt import (
    Accepted,
    Claim,
    Empty,
    Parked,
    Released,
    Retried,
    Uncertain,
    Unchanged,
    Waiting,
    claim,
    end,
    is_superseded,
)

from models.assignment import Debounce, GradedAssignment, bump, redo, sweep
from models.delivery import Line
from tests.models.rows import BLOCK, COURSE, LEARNER, changes, make_assignment, read_lines, read_row

NOW = 1_000_000
LEASE = 50_000
LATER = NOW + 4_000
DIRTY = {"version_number": 4, "sent_version": 3, "sent_score": "0.5", "due_at": NOW - 9_000, "attempts": 2}
ACCEPTED = Line("accepted", score="1", http_status=200, code_major="success", description="fine", duration_ms=90)
AMBIGUOUS = Line("ambiguous", score="1", http_status=502)

pytestmark = pytest.mark.usefixtures("empty_database")


async def claimed(assignment_id: int, *, token: int = 7, now: int = NOW) -> Claim:
    got = await claim(assignment_id, token=token, now=now, lease_ms=LEASE)
    assert got is not None
    return got


async def bumped(assignment_id: int, *, now: int = NOW, kind="leaf") -> None:
    await bump(assignment_id, kind=kind, now=now, debounce=Debounce(20_000, 60_000))


async def overtaken(**columns) -> tuple[int, Claim, Claim]:
    """An assignment, a claim that ran out, and the claim that took it over."""
    assignment = await make_assignment(**{**DIRTY, **columns})
    first = await claimed(assignment)
    return assignment, first, await claimed(assignment, token=8, now=NOW + LEASE)


# --- The claim ---


async def test_a_claim_sets_its_token_and_lease_and_counts_the_attempt():
    assignment = await make_assignment(**DIRTY, forced_version=2, wake_until=NOW + 5)
    before = await read_row(assignment)
    got = await claimed(assignment)
    assert await changes(assignment, before) == {
        "claim_token": 7,
        "claimed_at": NOW,
        "claimed_until": NOW + LEASE,
        "claimed_version": 4,
        "attempts": 3,
        "wake_until": None,
    }
    assert (got.assignment_id, got.token, got.version, got.claimed_at, got.attempt) == (assignment, 7, 4, NOW, 3)
    assert (got.forced_version, got.sent_version, got.sent_score, got.kind) == (2, 3, "0.5", "leaf")
    assert (got.user_id, got.course_id, got.usage_id) == (LEARNER, COURSE, BLOCK)
    assert got.lis_result_sourcedid == before["lis_result_sourcedid"]
    assert got.outcome_service_id == before["outcome_service_id"]


@pytest.mark.parametrize(
    "columns",
    [
        pytest.param({"sent_version": 4}, id="clean"),
        pytest.param({"parked_at": NOW - 1}, id="parked"),
        pytest.param({"disabled_at": NOW - 1}, id="disabled"),
        pytest.param({"waiting_since": NOW - 1}, id="waiting"),
        pytest.param({"due_at": NOW + 1}, id="not due"),
        pytest.param({"not_before": NOW + 1}, id="backoff"),
        pytest.param({"hold_until": NOW + 1}, id="hold"),
        pytest.param({"claim_token": 6, "claimed_until": NOW + 1}, id="held"),
    ],
)
async def test_a_row_that_anything_holds_back_is_not_claimed(columns):
    assignment = await make_assignment(**{**DIRTY, **columns})
    before = await read_row(assignment)
    assert await claim(assignment, token=7, now=NOW, lease_ms=LEASE) is None
    assert await changes(assignment, before) == {}
    assert await read_lines(assignment) == []


@pytest.mark.parametrize("column", ["due_at", "not_before", "hold_until"])
async def test_a_row_can_be_claimed_the_moment_that_its_time_has_come(column):
    await claimed(await make_assignment(**{**DIRTY, column: NOW}))


async def test_a_row_that_is_gone_cannot_be_claimed():
    assert await claim(12345, token=7, now=NOW, lease_ms=LEASE) is None


async def test_of_many_that_claim_at_once_one_succeeds():
    assignment = await make_assignment(**DIRTY)
    claims = await asyncio.gather(*(claim(assignment, token=token, now=NOW, lease_ms=LEASE) for token in range(1, 17)))
    assert len([got for got in claims if got is not None]) == 1
    assert (await read_row(assignment))["attempts"] == 3


async def test_of_many_that_take_over_at_once_one_succeeds():
    assignment = await make_assignment(**DIRTY)
    await claimed(assignment)
    now = NOW + LEASE
    claims = await asyncio.gather(*(claim(assignment, token=token, now=now, lease_ms=LEASE) for token in range(8, 24)))
    assert len([got for got in claims if got is not None]) == 1
    assert (await read_row(assignment))["attempts"] == 4
    assert [line["claim_token"] for line in await read_lines(assignment)] == [7]


async def test_a_claim_can_be_taken_over_when_its_lease_is_over_and_not_before():
    assignment = await make_assignment(**DIRTY)
    await claimed(assignment)
    assert await claim(assignment, token=8, now=NOW + LEASE - 1, lease_ms=LEASE) is None
    assert (await claimed(assignment, token=8, now=NOW + LEASE)).attempt == 4


async def test_a_takeover_forces_its_version_and_writes_the_lost_attempts_line():
    assignment = await make_assignment(**DIRTY)
    assert not (await claimed(assignment)).must_go_out
    await bumped(assignment)
    taken = await claimed(assignment, token=8, now=NOW + LEASE)
    assert taken.must_go_out
    assert (await read_row(assignment))["forced_version"] == taken.version == 5
    (line,) = await read_lines(assignment)
    assert (line["claim_token"], line["result"], line["score"]) == (7, "unknown", None)
    assert (line["at"], line["attempt"], line["version"]) == (NOW, 3, 4)


async def test_a_claim_after_an_end_forces_nothing_and_writes_no_line():
    assignment = await make_assignment(**DIRTY)
    await end(await claimed(assignment), Released(), now=LATER)
    assert not (await claimed(assignment, token=8, now=LATER)).must_go_out
    assert await read_lines(assignment) == []


async def test_a_thawed_holder_completes_the_line_of_its_lost_attempt():
    assignment, first, _ = await overtaken()
    await end(first, Accepted("1"), now=NOW + LEASE + 5, line=ACCEPTED)
    (line,) = await read_lines(assignment)
    assert (line["claim_token"], line["result"], line["score"]) == (7, "accepted", "1")
    assert (line["at"], line["attempt"], line["version"]) == (NOW + LEASE + 5, 3, 4)
    assert (line["http_status"], line["code_major"], line["description"], line["duration_ms"]) == (
        200,
        "success",
        "fine",
        90,
    )


@pytest.mark.parametrize(("forced", "must"), [(2, False), (3, False), (4, True)])
async def test_an_equal_score_may_be_skipped_only_while_nothing_forces_it(forced, must):
    assignment = await make_assignment(**DIRTY, forced_version=forced)
    assert (await claimed(assignment)).must_go_out is must


# --- The look before the request ---


async def test_an_attempt_is_superseded_once_a_newer_change_waits_for_its_own_time():
    assignment = await make_assignment(**DIRTY, composite=True)
    got = await claimed(assignment)
    assert not await is_superseded(got, now=NOW)
    await bumped(assignment, kind="composite")
    assert await is_superseded(got, now=NOW + 19_999)
    assert not await is_superseded(got, now=NOW + 20_000)


# --- The ends, each by what it does to every column ---

FREE = {"claimed_until": None}
SETTLED = {**FREE, "sent_version": 4, "attempts": 0, "pending_since": None}


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        (Accepted("1"), {**SETTLED, "sent_score": "1", "sent_at": LATER}),
        (Unchanged(), SETTLED),
        (Empty(), {**SETTLED, "sent_score": None}),
        (Released(), {**FREE, "attempts": 2, "not_before": 0}),
        (Released(LATER + 9), {**FREE, "attempts": 2, "not_before": LATER + 9}),
        (Retried(LATER + 9), {**FREE, "not_before": LATER + 9}),
        (
            Parked("gone", "learner"),
            {**FREE, "not_before": 0, "parked_at": LATER, "parked_reason": "gone", "parked_scope": "learner"},
        ),
        (Waiting(), {**FREE, "attempts": 2, "waiting_since": LATER}),
        (
            Uncertain(LATER + 9, LATER + 99),
            {**FREE, "forced_version": 4, "not_before": LATER + 9, "hold_until": LATER + 99},
        ),
        (
            Uncertain(LATER + 9, LATER + 99, Parked("no answer", "campus")),
            {
                **FREE,
                "forced_version": 4,
                "not_before": LATER + 9,
                "hold_until": LATER + 99,
                "parked_at": LATER,
                "parked_reason": "no answer",
                "parked_scope": "campus",
            },
        ),
    ],
    ids=str,
)
async def test_an_end_changes_these_columns_and_no_other_and_saying_it_again_changes_nothing(how, expected):
    assignment = await make_assignment(**DIRTY, pending_since=NOW - 9_000, not_before=NOW - 1, hold_until=NOW - 2)
    got = await claimed(assignment)
    before = await read_row(assignment)
    ended = await end(got, how, now=LATER)
    assert (ended.fenced, ended.gone, ended.wake is not None) == (False, False, how == Released())
    found = await changes(assignment, before)
    found.pop("wake_until", None)
    assert found == expected
    after = await read_row(assignment)
    assert await end(got, how, now=LATER) == ended
    assert await changes(assignment, after) == {}


@pytest.mark.parametrize("how", [Accepted("1"), Unchanged(), Empty()], ids=str)
async def test_a_row_that_is_still_dirty_is_pending_since_the_claim(how):
    assignment = await make_assignment(**DIRTY, pending_since=NOW - 9_000)
    got = await claimed(assignment)
    await bumped(assignment, now=NOW + 1)
    ended = await end(got, how, now=LATER)
    row = await read_row(assignment)
    assert (row["version_number"], row["sent_version"], row["pending_since"]) == (5, 4, NOW)
    assert ended.wake is not None
    assert ended.wake.version == 5


async def test_an_end_wakes_nobody_for_a_change_that_is_not_due_yet():
    assignment = await make_assignment(**DIRTY, composite=True)
    got = await claimed(assignment)
    await bumped(assignment, now=NOW + 1, kind="composite")
    assert (await end(got, Accepted("1"), now=LATER)).wake is None


@pytest.mark.parametrize("how", [Parked("gone", "learner"), Uncertain(0, 0, Parked("no answer", "campus"))], ids=str)
async def test_a_row_that_changed_since_the_claim_is_not_parked(how):
    assignment = await make_assignment(**DIRTY)
    got = await claimed(assignment)
    await bumped(assignment)
    ended = await end(got, how, now=LATER)
    row = await read_row(assignment)
    assert (row["parked_at"], row["parked_reason"], row["parked_scope"], row["attempts"]) == (None, None, None, 3)
    assert ended.wake is not None


async def test_a_row_that_changed_since_the_claim_does_not_wait_for_a_structure():
    assignment = await make_assignment(**DIRTY)
    got = await claimed(assignment)
    await bumped(assignment)
    ended = await end(got, Waiting(), now=LATER)
    assert (await read_row(assignment))["waiting_since"] is None
    assert ended.wake is not None


async def test_a_reason_for_parking_may_hold_anything_that_a_campus_says():
    assignment = await make_assignment(**DIRTY)
    await end(await claimed(assignment), Parked("no\x00such \ud800 learner", "learner"), now=LATER)
    assert (await read_row(assignment))["parked_reason"] == "nosuch ? learner"


@pytest.mark.parametrize("how", [Released(), Waiting()], ids=str)
async def test_an_attempt_is_given_back_once_however_often_its_end_is_said(how):
    assignment = await make_assignment(**DIRTY)
    got = await claimed(assignment)
    for _ in range(3):
        await end(got, how, now=LATER)
    assert (await read_row(assignment))["attempts"] == 2


@pytest.mark.parametrize("how", [Released(), Waiting()], ids=str)
async def test_an_attempt_that_was_forgotten_meanwhile_is_not_given_back(how):
    assignment = await make_assignment(**DIRTY)
    got = await claimed(assignment)
    await redo(assignment, now=NOW, afresh=True)
    await end(got, how, now=LATER)
    assert (await read_row(assignment))["attempts"] == 0


async def test_a_line_that_is_written_twice_is_one_line():
    assignment = await make_assignment(**DIRTY)
    got = await claimed(assignment)
    for _ in range(2):
        await end(got, Accepted("1"), now=LATER, line=ACCEPTED)
    (line,) = await read_lines(assignment)
    assert (line["claim_token"], line["result"], line["attempt"], line["version"]) == (7, "accepted", 3, 4)


async def test_an_end_said_again_after_a_newer_claim_leaves_that_claim_alone():
    assignment = await make_assignment(**DIRTY)
    first = await claimed(assignment)
    await end(first, Retried(LATER), now=LATER, line=Line("retried", score="1"))
    await claimed(assignment, token=8, now=LATER)
    before = await read_row(assignment)
    assert (await end(first, Retried(LATER), now=LATER, line=Line("retried", score="1"))).fenced
    assert await changes(assignment, before) == {}
    assert len(await read_lines(assignment)) == 1


async def test_a_hold_is_only_ever_raised():
    assignment = await make_assignment(**DIRTY)
    got = await claimed(assignment)
    await end(got, Uncertain(0, NOW + 99), now=LATER)
    await end(got, Uncertain(0, NOW + 50), now=LATER)
    assert (await read_row(assignment))["hold_until"] == NOW + 99
    for how in (Retried(0), Released(), Parked("gone", "learner"), Accepted("1")):
        await end(got, how, now=LATER)
        assert (await read_row(assignment))["hold_until"] == NOW + 99


async def test_an_ambiguous_end_never_lowers_what_is_forced():
    assignment = await make_assignment(**DIRTY)
    got = await claimed(assignment)
    await redo(assignment, now=NOW)
    await end(got, Uncertain(0, 0), now=LATER)
    assert (await read_row(assignment))["forced_version"] == 5


async def test_a_row_that_is_gone_is_a_normal_end():
    assignment = await make_assignment(**DIRTY)
    got = await claimed(assignment)
    await GradedAssignment.filter(id=assignment).delete()
    ended = await end(got, Uncertain(0, NOW + 99), now=LATER, line=AMBIGUOUS, redo_if_fenced=True)
    assert (ended.gone, ended.fenced, ended.wake) == (True, False, None)
    assert await read_lines(assignment) == []


# --- Fencing ---


@pytest.mark.parametrize(
    "how",
    [Accepted("1"), Unchanged(), Empty(), Released(), Retried(NOW), Parked("gone", "learner"), Waiting()],
    ids=str,
)
async def test_a_holder_that_was_overtaken_changes_nothing_if_it_need_not_be_redone(how):
    assignment, first, _ = await overtaken()
    before = await read_row(assignment)
    ended = await end(first, how, now=NOW + LEASE + 5)
    assert (ended.fenced, ended.gone, ended.wake) == (True, False, None)
    assert await changes(assignment, before) == {}


async def test_a_holder_that_was_overtaken_has_the_newest_score_sent_again():
    assignment, first, second = await overtaken()
    await end(second, Accepted("1"), now=NOW + LEASE + 1)
    before = await read_row(assignment)
    now = NOW + LEASE + 5
    ended = await end(first, Accepted("0"), now=now, redo_if_fenced=True)
    assert ended.fenced
    assert ended.wake is not None
    assert ended.wake.version == 5
    found = await changes(assignment, before)
    assert found.pop("wake_until") > now
    assert found == {"version_number": 5, "forced_version": 5, "due_at": now}
    assert (await claimed(assignment, token=9, now=now)).must_go_out


async def test_a_redo_by_an_overtaken_holder_waits_for_the_holder_of_now():
    assignment, first, second = await overtaken()
    now = NOW + LEASE + 5
    assert (await end(first, Accepted("0"), now=now, redo_if_fenced=True)).wake is None
    assert await claim(assignment, token=9, now=now, lease_ms=LEASE) is None
    assert (await end(second, Accepted("1"), now=now)).wake is not None
    assert (await claimed(assignment, token=9, now=now)).must_go_out


async def test_an_ambiguous_end_of_an_overtaken_holder_raises_the_hold():
    assignment, first, second = await overtaken()
    now = NOW + LEASE + 5
    await end(first, Uncertain(0, now + 30_000), now=now, line=AMBIGUOUS, redo_if_fenced=True)
    assert (await read_row(assignment))["hold_until"] == now + 30_000
    assert (await end(second, Accepted("1"), now=now)).wake is None
    assert await sweep(now=now + 29_999, most=10) == []
    assert await claim(assignment, token=9, now=now + 29_999, lease_ms=LEASE) is None
    await claimed(assignment, token=9, now=now + 30_000)


async def test_an_ambiguous_end_of_an_overtaken_holder_never_lowers_the_hold():
    assignment, first, second = await overtaken()
    await end(second, Uncertain(0, NOW + 999_999), now=NOW + LEASE + 1)
    await end(first, Uncertain(0, NOW + 99), now=NOW + LEASE + 5, redo_if_fenced=True)
    assert (await read_row(assignment))["hold_until"] == NOW + 999_999


async def test_a_holder_whose_lease_ran_out_but_whom_nobody_overtook_ends_as_usual():
    assignment = await make_assignment(**DIRTY)
    got = await claimed(assignment)
    ended = await end(got, Accepted("1"), now=NOW + LEASE + 5, line=ACCEPTED, redo_if_fenced=True)
    assert not ended.fenced
    row = await read_row(assignment)
    assert (row["sent_version"], row["version_number"], row["sent_score"]) == (4, 4, "1")


async def test_an_attempt_that_only_seemed_lost_leaves_no_line_if_it_sent_nothing():
    assignment = await make_assignment(**DIRTY, composite=True)
    got = await claimed(assignment)
    await bumped(assignment, now=NOW + LEASE - 1, kind="composite")
    assert await claim(assignment, token=8, now=NOW + LEASE, lease_ms=LEASE) is None
    await end(got, Released(), now=NOW + LEASE + 1)
    assert await read_lines(assignment) == []


@pytest.mark.parametrize(
    "how", [Released(LATER + 9_000), Retried(LATER + 9_000), Uncertain(LATER + 9_000, LATER)], ids=str
)
async def test_a_backoff_that_was_ended_meanwhile_does_not_come_back(how):
    assignment = await make_assignment(**DIRTY)
    got = await claimed(assignment)
    await redo(assignment, now=NOW, afresh=True)
    await end(got, how, now=LATER)
    assert (await read_row(assignment))["not_before"] == 0
