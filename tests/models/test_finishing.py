"""How attempts end: each outcome by what it does to every column and the records. On both databases."""

from dataclasses import replace

import pytest

from models.changes import force_resend
from models.claims import claim
from models.finish import Finish, Finished
from models.rescue import rescue
from tests.models.claiming import (
    DIRTY,
    LATER,
    LEASE,
    NOW,
    all_ended,
    campuses_answered,
    changed,
    claimed,
    ended,
    lease,
    record,
)
from tests.models.rows import changes, make_assignment, read_lines, read_row

pytestmark = pytest.mark.usefixtures("empty_database")

FREE = {"claimed_until": None}
SETTLED = {**FREE, "sent_version": 4, "attempts": 0, "pending_since": None}
PARK = {"parked_scope": "learner", "parked_reason": "gone"}
PARKED = {"parked_at": LATER, "parked_reason": "gone", "parked_scope": "learner"}
IN_DOUBT = {"not_before": LATER + 9, "hold_until": LATER + 99}
DOUBTED = {**FREE, "forced_version": 4, **IN_DOUBT}

#: An outcome, what it comes with, and the columns that it changes.
OUTCOMES = {
    "accepted": ("accepted", {"score": "1"}, {**SETTLED, "sent_score": "1", "sent_at": LATER}),
    "unchanged": ("unchanged", {}, SETTLED),
    "empty": ("empty", {}, {**SETTLED, "sent_score": None}),
    "released": ("released", {"given_back": True}, {**FREE, "attempts": 2, "not_before": 0}),
    "released until later": (
        "released",
        {"given_back": True, "not_before": LATER + 9},
        {**FREE, "attempts": 2, "not_before": LATER + 9},
    ),
    "superseded": ("superseded", {"given_back": True}, {**FREE, "attempts": 2, "not_before": 0}),
    "retried": ("retried", {"not_before": LATER + 9}, {**FREE, "not_before": LATER + 9}),
    "parked": ("parked", PARK, {**FREE, "not_before": 0, **PARKED}),
    "parked with a backoff": ("parked", {**PARK, "not_before": LATER + 9}, {**FREE, "not_before": LATER + 9, **PARKED}),
    "waiting": ("waiting", {"given_back": True}, {**FREE, "attempts": 2, "waiting_since": LATER}),
    "in doubt": ("in_doubt", IN_DOUBT, DOUBTED),
    "in doubt and given back": ("in_doubt", {**IN_DOUBT, "given_back": True}, {**DOUBTED, "attempts": 2}),
    "in doubt and parked": ("in_doubt", {**IN_DOUBT, **PARK}, {**DOUBTED, **PARKED}),
    "accepted after a doubt": (
        "accepted",
        {"score": "1", "hold_until": LATER + 99},
        {**SETTLED, "sent_score": "1", "sent_at": LATER, "hold_until": LATER + 99},
    ),
    "read": ("read", {"given_back": True}, {**FREE, "attempts": 2}),
}


@pytest.mark.parametrize("name", OUTCOMES)
async def test_an_end_changes_these_columns_and_no_other_and_saying_it_again_changes_nothing(name):
    outcome, how, expected = OUTCOMES[name]
    assignment = await make_assignment(**DIRTY, pending_since=NOW - 9_000, not_before=NOW - 1, hold_until=NOW - 2)
    got = await claimed(assignment)
    before = await read_row(assignment)
    found = await ended(got, outcome, **how)
    assert found == Finished(parked="parked_at" in expected)
    assert await changes(assignment, before) == expected
    after = await read_row(assignment)
    assert await ended(got, outcome, **how) == found
    assert await changes(assignment, after) == {}
    assert await read_lines(assignment) == [], "an end without a record writes none"


@pytest.mark.parametrize(
    ("outcome", "how", "result", "column"),
    [("accepted", {"score": "1"}, "accepted", "sent_at"), ("parked", PARK, "refused", "parked_at")],
)
async def test_the_row_has_the_time_of_its_record_however_late_it_is_finished(outcome, how, result, column):
    assignment = await make_assignment(**DIRTY)
    got = await claimed(assignment)
    for late in (9, 999):
        await all_ended([Finish(got, outcome, delivery=record(got, result, at=LATER), **how)], now=LATER + late)
        (line,) = await read_lines(assignment)
        assert (await read_row(assignment))[column] == line["at"] == LATER


async def test_all_outcomes_at_once_do_to_each_row_what_each_does_alone():
    rows = {name: await make_assignment(**DIRTY, pending_since=NOW - 9_000, not_before=NOW - 1) for name in OUTCOMES}
    await campuses_answered()
    claims = await claim(rows.values(), lease(max_per_campus=99), most=99)
    by_id = {got.assignment_id: got for got in claims}
    before = {name: await read_row(row) for name, row in rows.items()}
    finishes = [Finish(by_id[rows[name]], outcome, **how) for name, (outcome, how, _) in OUTCOMES.items()]
    found = await all_ended(finishes)
    assert len(found) == len(OUTCOMES)
    for name, row in rows.items():
        assert await changes(row, before[name]) == OUTCOMES[name][2], name


async def test_the_ends_that_cannot_be_made_hinder_no_other():
    fenced, plain, gone = [await make_assignment(**DIRTY) for _ in range(3)]
    await campuses_answered()
    by_id = {got.assignment_id: got for got in await claim([fenced, plain, gone], lease(), most=9)}
    await rescue(now=NOW + LEASE)
    again = await claimed(plain, now=NOW + LEASE)
    ends = [
        Finish(got, "accepted", score="1", delivery=record(got, "accepted"))
        for got in (by_id[fenced], again, replace(by_id[gone], assignment_id=4711))
    ]
    found = await all_ended(ends)
    assert [found[one] for one in ends] == [Finished(fenced=True), Finished(), Finished(gone=True)]
    assert (await read_row(fenced))["sent_version"] == 3
    assert (await read_row(plain))["sent_version"] == 4


async def test_nothing_ends_if_nothing_is_given():
    assert await all_ended([]) == {}


@pytest.mark.parametrize("outcome", ["accepted", "unchanged", "empty"])
async def test_a_row_that_is_still_dirty_is_pending_since_the_claim_and_due_at_its_own_time(outcome):
    assignment = await make_assignment(**DIRTY, pending_since=NOW - 9_000)
    got = await claimed(assignment)
    await changed(assignment, "leaf", NOW + 1)
    await ended(got, outcome, score="1")
    row = await read_row(assignment)
    assert (row["version_number"], row["sent_version"], row["pending_since"], row["due_at"]) == (5, 4, NOW, NOW + 1)
    assert (await claimed(assignment, now=LATER)).version == 5


@pytest.mark.parametrize(("outcome", "how"), [("parked", PARK), ("in_doubt", PARK), ("waiting", {})])
async def test_a_row_that_changed_since_the_claim_is_not_parked_and_does_not_wait_for_a_structure(outcome, how):
    assignment = await make_assignment(**DIRTY)
    got = await claimed(assignment)
    await changed(assignment, "leaf")
    assert await ended(got, outcome, **how) == Finished(parked=False)
    row = await read_row(assignment)
    assert (row["parked_at"], row["parked_reason"], row["parked_scope"], row["attempts"]) == (None, None, None, 3)
    assert row["waiting_since"] is None
    await claimed(assignment, now=LATER)


async def test_a_reason_for_parking_may_hold_anything_that_a_campus_says():
    assignment = await make_assignment(**DIRTY)
    reason = "no\x00such \ud800 learner" + "x" * 3_000
    await ended(await claimed(assignment), "parked", parked_scope="learner", parked_reason=reason)
    stored = (await read_row(assignment))["parked_reason"]
    assert stored.startswith("nosuch ? learnerx")
    assert len(stored) == 2_000


@pytest.mark.parametrize("outcome", ["released", "waiting", "superseded", "retried", "parked", "in_doubt"])
async def test_an_attempt_that_was_forgotten_meanwhile_is_not_given_back_nor_does_its_backoff_return(outcome):
    assignment = await make_assignment(**DIRTY)
    got = await claimed(assignment)
    await force_resend(assignment, now=NOW)
    await ended(got, outcome, given_back=True, not_before=LATER + 9_000)
    row = await read_row(assignment)
    assert (row["attempts"], row["not_before"]) == (0, 0)


async def test_a_hold_is_only_ever_raised():
    assignment = await make_assignment(**DIRTY)
    got = await claimed(assignment)
    await ended(got, "in_doubt", hold_until=NOW + 99)
    await ended(got, "in_doubt", hold_until=NOW + 50)
    assert (await read_row(assignment))["hold_until"] == NOW + 99
    for outcome in ("retried", "released", "parked", "accepted"):
        await ended(got, outcome, score="1")
        assert (await read_row(assignment))["hold_until"] == NOW + 99


async def test_a_doubt_never_lowers_what_is_forced():
    assignment = await make_assignment(**DIRTY)
    got = await claimed(assignment)
    await force_resend(assignment, now=NOW)
    await ended(got, "in_doubt")
    assert (await read_row(assignment))["forced_version"] == 5


@pytest.mark.parametrize(
    ("issuer", "doubtful", "forced"),
    [("https://platform.example", 4, 5), ("https://platform.example", 3, 3), (None, 4, 4)],
)
async def test_a_version_after_one_in_doubt_goes_out_with_its_own_timestamp_though_its_score_may_have(
    issuer, doubtful, forced
):
    """The score is read after the claim: a repeat of version 4 may carry that of version 5."""
    assignment = await make_assignment(**DIRTY, forced_version=doubtful)
    got = await claimed(assignment)
    await changed(assignment, "leaf", NOW + 1)
    await ended(replace(got, address=replace(got.address, issuer=issuer)), "accepted", score="1")
    row = await read_row(assignment)
    assert (row["sent_version"], row["sent_score"], row["forced_version"]) == (4, "1", forced)
    again = await claimed(assignment, now=LATER)
    assert again.must_go_out == (forced == 5)
    assert again.stamp > got.stamp


# --- Delivery records ---


async def test_a_delivery_record_that_is_written_twice_is_one():
    assignment = await make_assignment(**DIRTY)
    got = await claimed(assignment)
    columns = {"clamped": True, "http_status": 200, "code_major": "success", "description": "ö \U0001f600 'x'"}
    for _ in range(2):
        await ended(got, "accepted", score="1", result="accepted", columns=columns)
    (line,) = await read_lines(assignment)
    assert (line["claim_token"], line["result"], line["attempt"], line["version"]) == (got.token, "accepted", 3, 4)
    assert {name: line[name] for name in columns} == columns
