"""Claims whose lease ran out: what the rescue makes of them, and of their holders if these come back."""

import asyncio

import pytest

from models.assignment import GradedAssignment
from models.claims import claim
from models.rescue import rescue
from tests.models.claiming import DIRTY, LEASE, NOW, UNPARKED, campuses_answered, changed, claimed, ended, lease
from tests.models.rows import changes, make_assignment, read_lines, read_row

#: When the lease of a claim that was made at NOW is over.
OVER = NOW + LEASE
#: How attempts end that sent nothing, or whose answer is definite.
ENDS = ["accepted", "unchanged", "empty", "released", "superseded", "retried", "parked", "waiting", "read"]

pytestmark = pytest.mark.usefixtures("empty_database")


async def overtaken(**columns):
    """An assignment, a claim that was rescued, and the claim that came after it."""
    assignment = await make_assignment(**{**DIRTY, **columns})
    first = await claimed(assignment)
    assert await rescue(now=OVER) == 1
    return assignment, first, await claimed(assignment, now=OVER)


async def results(assignment):
    return [line["result"] for line in await read_lines(assignment)]


# --- The rescue ---


async def test_a_claim_is_rescued_when_its_lease_is_over_and_not_before():
    assignment = await make_assignment(**DIRTY)
    got = await claimed(assignment)
    assert await rescue(now=OVER - 1) == 0
    assert await claim([assignment], lease(OVER - 1), most=1) == []
    before = await read_row(assignment)
    assert await rescue(now=OVER) == 1
    assert await changes(assignment, before) == {"claimed_until": None, "claim_token": -got.token, "forced_version": 4}
    assert (await claimed(assignment, now=OVER)).attempt == 4


async def test_a_rescue_forces_the_newest_version_and_writes_the_lost_attempts_delivery_record():
    assignment = await make_assignment(**DIRTY)
    got = await claimed(assignment)
    assert not got.must_go_out
    await changed(assignment, "leaf")
    await rescue(now=OVER)
    taken = await claimed(assignment, now=OVER)
    assert taken.must_go_out
    assert (await read_row(assignment))["forced_version"] == taken.version == 5
    (line,) = await read_lines(assignment)
    assert (line["claim_token"], line["result"], line["score"]) == (got.token, "unknown", None)
    assert (line["at"], line["attempt"], line["version"]) == (NOW, 3, 4)


async def test_a_rescue_takes_every_lapsed_claim_once_and_no_other_row():
    rows = [await make_assignment(**DIRTY) for _ in range(3)]
    free, late = await make_assignment(**DIRTY), await make_assignment(**DIRTY)
    await campuses_answered()
    await claim(rows, lease(), most=9)
    await claimed(late, now=NOW + 1)
    before = [await read_row(free), await read_row(late)]
    assert await rescue(now=OVER) == 3
    assert await rescue(now=OVER) == 0
    assert [await read_row(free), await read_row(late)] == before
    assert [await results(row) for row in rows] == [["unknown"]] * 3


async def test_of_many_that_rescue_at_once_one_succeeds():
    assignment = await make_assignment(**DIRTY)
    await claimed(assignment)
    assert sum(await asyncio.gather(*(rescue(now=OVER) for _ in range(16)))) == 1
    assert (await read_row(assignment))["claim_token"] < 0
    assert await results(assignment) == ["unknown"]


# --- Holders that come back ---


async def test_a_holder_that_comes_back_completes_the_record_of_its_lost_attempt():
    assignment, first, _ = await overtaken()
    columns = {"score": "1", "http_status": 200, "code_major": "success", "description": "fine", "duration_ms": 90}
    await ended(first, "accepted", now=OVER + 5, result="accepted", columns=columns, score="1")
    (line,) = await read_lines(assignment)
    assert (line["claim_token"], line["result"]) == (first.token, "accepted")
    assert (line["at"], line["attempt"], line["version"]) == (OVER + 5, 3, 4)
    assert {name: line[name] for name in columns} == columns


@pytest.mark.parametrize("outcome", ENDS)
async def test_a_holder_that_was_overtaken_changes_nothing_if_no_byte_had_left(outcome):
    assignment, first, _ = await overtaken()
    before = await read_row(assignment)
    found = await ended(first, outcome, now=OVER + 5, score="1", not_before=OVER + 9, parked_scope="learner")
    assert (found.fenced, found.gone, found.locked, found.parked, found.next) == (True, False, False, False, None)
    assert await changes(assignment, before) == {}


PARK = {"parked_scope": "learner", "parked_reason": "gone", "not_before": OVER + 5}


@pytest.mark.parametrize(("outcome", "how", "more"), [("accepted", {"score": "1"}, {}), ("parked", PARK, UNPARKED)])
async def test_a_holder_that_was_overtaken_has_the_newest_score_sent_again(outcome, how, more):
    assignment, first, second = await overtaken()
    await ended(second, outcome, now=OVER + 1, **how)
    before = await read_row(assignment)
    now = OVER + 5
    assert (await ended(first, "accepted", now=now, score="0", bytes_left=True)).fenced
    versions = {"version_number": 5, "forced_version": 5, "ordered_version": 5}
    assert await changes(assignment, before) == {**versions, "due_at": now, **more}
    assert (await claimed(assignment, now=now)).must_go_out


async def test_the_doubt_of_an_overtaken_holder_raises_the_hold():
    assignment, first, second = await overtaken()
    now = OVER + 5
    how = {"hold_until": now + 30_000, "bytes_left": True}
    assert (await ended(first, "in_doubt", now=now, result="ambiguous", **how)).fenced
    assert (await read_row(assignment))["hold_until"] == now + 30_000
    await ended(second, "accepted", now=now, score="1")
    assert await claim([assignment], lease(now + 29_999), most=1) == []
    await claimed(assignment, now=now + 30_000)
    assert await results(assignment) == ["ambiguous"]


async def test_a_holder_whose_lease_ran_out_but_that_was_not_rescued_ends_as_usual():
    assignment = await make_assignment(**DIRTY)
    got = await claimed(assignment)
    found = await ended(got, "accepted", now=OVER + 5, result="accepted", score="1", bytes_left=True)
    assert not found.fenced
    row = await read_row(assignment)
    assert (row["sent_version"], row["version_number"], row["sent_score"]) == (4, 4, "1")
    assert await rescue(now=OVER + 5) == 0
    assert await results(assignment) == ["accepted"]


async def test_an_attempt_that_only_seemed_lost_leaves_no_record_if_it_sent_nothing():
    assignment, first, _ = await overtaken()
    assert await results(assignment) == ["unknown"]
    await ended(first, "released", now=OVER + 1, given_back=True)
    assert await results(assignment) == []
    assert (await read_row(assignment))["attempts"] == 4, "only the holder of a claim gives its attempt back"


async def test_the_end_of_a_holder_that_came_back_is_made_again_without_another_resend():
    assignment, first, _ = await overtaken()
    how = {"result": "accepted", "score": "0", "bytes_left": True, "now": OVER + 5}
    assert (await ended(first, "accepted", **how)).fenced
    before = await read_row(assignment)
    await ended(first, "accepted", **how)
    assert await changes(assignment, before) == {}


async def test_a_row_that_is_gone_is_a_normal_end():
    assignment = await make_assignment(**DIRTY)
    got = await claimed(assignment)
    await GradedAssignment.filter(id=assignment).delete()
    found = await ended(got, "in_doubt", result="ambiguous", hold_until=NOW + 99, bytes_left=True)
    assert (found.gone, found.fenced, found.locked, found.next) == (True, False, False, None)
    assert await read_lines(assignment) == []
