"""Which grades a resend finds, and what marking does to their rows."""

from dataclasses import replace

import pytest

from models.consumer import LtiConsumer
from models.queries.filter import AssignmentFilter
from models.queries.resend import MAX_SHOWN, mark, match, next_chunk
from tests.models.rows import make_assignment, make_service, read_row

NOW = 1_000_000
CLEAN = {"version_number": 3, "sent_version": 3, "sent_score": "0.5", "sent_at": NOW - 50, "due_at": NOW - 90}
PARKED = {"parked_at": NOW - 20, "parked_reason": "course has ended", "parked_scope": "course", "sent_version": 2}
DISABLED = {"disabled_at": NOW - 10}
ALL = AssignmentFilter()

pytestmark = pytest.mark.usefixtures("empty_database")


async def found(wanted: AssignmentFilter) -> list[int]:
    ids = await next_chunk(wanted, after=0, now=NOW)
    assert (await match(wanted, now=NOW)).number == len(ids)
    return ids


async def test_each_selector_narrows_down_and_together_they_all_hold():
    one = await make_assignment(**CLEAN, user_id="ada", course_id="physics")
    other = await make_service("other")
    two = await make_assignment(other, **CLEAN, user_id="ada")
    three = await make_assignment(**CLEAN | PARKED | {"sent_at": None})
    four = await make_assignment(**CLEAN | {"version_number": 4, "due_at": NOW + 1}, usage_id="unit")
    consumer_id = other.lti_consumer_id
    for given, ids in (
        ({}, [one, two, three, four]),
        ({"assignment_id": two}, [two]),
        ({"user_id": "ada"}, [one, two]),
        ({"course_id": "physics"}, [one]),
        ({"consumer_id": consumer_id}, [two]),
        ({"parked": True}, [three]),
        ({"since_ms": NOW - 50}, [one, two, three, four]),
        ({"since_ms": NOW - 49}, [three]),  # parked since then
        ({"at_campus": other.campus_id}, [two]),
        ({"at_campus": other.campus_id + 1_000}, []),
        ({"parked_reason": "course has ended"}, [three]),
        ({"parked_reason": "course has"}, []),
        ({"parked_scope": "course"}, [three]),
        ({"parked_scope": "campus", "parked_reason": "course has ended"}, []),
        ({"usage_id": "unit"}, [four]),
        ({"state": "clean"}, [one, two]),
        ({"state": "parked"}, [three]),
        ({"state": "waiting"}, [four]),
        ({"state": "due"}, []),
        ({"assignment_ids": (two, three)}, [two, three]),
        ({"assignment_ids": (two, three), "state": "parked"}, [three]),
        ({"assignment_ids": ()}, []),
        ({"user_id": "ada", "consumer_id": consumer_id}, [two]),
        ({"user_id": "ada", "parked": True}, []),
    ):
        assert await found(AssignmentFilter(**given)) == ids, given


async def test_what_is_switched_off_is_left_out_and_counted():
    kept = await make_assignment(**CLEAN)
    off = await make_assignment(**CLEAN | DISABLED)
    matched = await match(ALL, now=NOW)
    assert (matched.number, matched.disabled) == (1, 1)
    assert await mark(ALL, first=0, last=off, now=NOW, force=True) == 1
    assert (await read_row(off))["version_number"] == 3
    assert (await read_row(kept))["version_number"] == 4


async def test_the_match_counts_how_many_of_each_campus_and_shows_the_first():
    await make_assignment(**CLEAN | PARKED)
    for _ in range(MAX_SHOWN):
        await make_assignment(**CLEAN)
    await make_assignment(await make_service("other"), **CLEAN)
    await LtiConsumer.filter(consumer_name="other").update(paused_at=NOW)
    matched = await match(ALL, now=NOW)
    where = "https://campus.example:443"
    assert matched.campuses == {("campus", where): MAX_SHOWN + 1, ("other", where): 1}
    assert matched.states == {("campus", where): "up", ("other", where): "paused"}
    assert len(matched.first) == MAX_SHOWN
    assert matched.first[0]["state"] == "parked"
    assert matched.first[0]["parked_reason"] == "course has ended"


@pytest.mark.parametrize(("force", "forced_version"), [(False, 0), (True, 4)])
async def test_a_marked_grade_starts_afresh_now_and_is_forced_only_if_that_is_wished(force, forced_version):
    trouble = {"attempts": 7, "not_before": NOW + 9, "hold_until": NOW + 5, "waiting_since": 1}
    assignment = await make_assignment(**CLEAN | PARKED | trouble)
    assert await mark(ALL, first=assignment, last=assignment, now=NOW, force=force) == 1
    row = await read_row(assignment)
    expected = {"version_number": 4, "forced_version": forced_version, "due_at": NOW, "attempts": 0, "not_before": 0}
    assert {name: row[name] for name in expected} == expected
    assert row["hold_until"] == NOW + 5, "a request in doubt may still land"
    assert (row["parked_at"], row["parked_reason"], row["parked_scope"], row["waiting_since"]) == (None,) * 4


async def test_only_the_selected_ids_in_between_are_marked():
    ids = [await make_assignment(**CLEAN, user_id=user) for user in ("ada", "bob", "ada", "ada")]
    of_ada = replace(ALL, user_id="ada")
    assert await mark(of_ada, first=ids[0], last=ids[2], now=NOW, force=False) == 2
    assert [(await read_row(one))["version_number"] for one in ids] == [4, 3, 4, 3]
