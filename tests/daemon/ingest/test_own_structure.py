"""What a learner's own tree does: a part of the course that a problem bank, a cohort or a split test shows."""

import json
from functools import partial

import pytest

from daemon.ingest.blocks import MAX_BLOCKS_BYTES
from daemon.ingest.events import BadEvent
from models.assignment import GradedAssignment
from models.course import CourseTrees, LearnerStructure
from tests.daemon.ingest.reading import CLEAN, COURSE, NOW, PROBLEMS, RETIRED, STRUCTURE, versions

pytestmark = pytest.mark.usefixtures("campuses")


@pytest.fixture
def own(structure):
    return partial(structure, user_id="u")


@pytest.fixture
def taken_away(apply):
    async def taken_away(version):
        event = {"type": "course.structure", "course_id": "c", "user_id": "u", "version": version, "blocks": "[]"}
        return await apply(event)

    return taken_away


async def test_an_own_tree_changes_what_differs_from_the_one_before_and_only_that_learners_rows(structure, own, clean):
    await structure()
    ids = {await clean(block): block for block in COURSE}
    others = [await clean("vertical", user_id="another"), await clean("vertical", course_id="another")]
    before = await versions()
    result, dirty = await own(COURSE, points=PROBLEMS | {"side": 3})
    assert result == "applied"
    changed = {ids[one.assignment_id] for one in dirty}
    assert changed == {"side", "chapter", "course"}
    assert {ids.get(one) for one, version in (await versions()).items() if version != before[one]} == changed
    assert [(await versions())[one] for one in others] == [before[one] for one in others]


async def test_a_new_tree_of_the_course_leaves_those_with_a_tree_of_their_own_alone(structure, own, taken_away, clean):
    await structure()
    rows = [await clean("unit"), await clean("nowhere", CLEAN | {"waiting_since": NOW - 5})]
    others = [await clean("unit", user_id="another")]
    await own(COURSE | {"part": "unit"})
    before = await versions()
    await structure(version=2, points={"unit": 7})
    after = await versions()
    assert [after[one] - before[one] for one in (*rows, *others)] == [0, 0, 1]
    assert [(await GradedAssignment.get(id=one)).composite for one in (rows[0], others[0])] == [True, False]
    await taken_away(2)
    assert (await CourseTrees().get("c", "u")).possible == {"unit": 7}, "the newest, since then"
    assert [(await versions())[one] - after[one] for one in (*rows, *others)] == [1, 0, 0]


async def test_an_assignment_whose_block_a_tree_does_not_hold_stays_of_its_kind(structure, own, clean):
    await structure()
    ids = {block: await clean(block) for block in ("unit", "vertical")}
    await own({"course": None})
    kinds = {block: (await GradedAssignment.get(id=one)).composite for block, one in ids.items()}
    assert kinds == {"unit": False, "vertical": True}


async def test_an_own_tree_that_is_taken_away_leaves_the_courses(structure, own, taken_away, clean):
    await structure()
    unit = await clean("vertical")
    await own(COURSE, version=5, points={"unit": 9})
    assert (await CourseTrees().get("c", "u")).possible == {"unit": 9}
    result, (dirty,) = await taken_away(6)
    assert (result, dirty.assignment_id) == ("applied", unit)
    assert (await CourseTrees().get("c", "u")).possible == {"unit": 2}
    assert (await own(COURSE, version=5, points={"unit": 9}))[0] == "stale", "it does not come back"
    assert await taken_away(6) == ("unchanged", [])


async def test_an_own_tree_serves_where_the_course_has_none(own, taken_away, clean):
    row = await clean("vertical", {"waiting_since": NOW - 5})
    _, (dirty,) = await own()
    assert dirty.assignment_id == row
    assert (await GradedAssignment.get(id=row)).waiting_since is None
    await taken_away(2)
    assert await CourseTrees().get("c", "u") is None


async def test_a_score_touches_what_lies_above_it_in_the_learners_own_tree(structure, own, score, clean):
    await structure()
    await own(COURSE | {"unit": "side"})
    side, vertical = await clean("side"), await clean("vertical")
    of_another = await clean("vertical", user_id="another")
    touched = {one.assignment_id for one in (await score())[1]}
    assert (side in touched, vertical in touched) == (True, False)
    assert {one.assignment_id for one in (await score(user_id="another"))[1]} == {of_another}


async def test_a_launch_is_of_the_kind_that_the_block_has_in_the_learners_own_tree(structure, own, launch):
    await structure()
    await own(COURSE | {"part": "unit"})
    await launch("unit")
    await launch("unit", user_id="another")
    kinds = {row.user_id: row.composite for row in await GradedAssignment.all()}
    assert kinds == {"u": True, "another": False}


@pytest.mark.parametrize(
    ("changes", "result"),
    [({"version": 0}, "stale"), ({"version": 2, "modified": "2025-01-01T00:00:00Z"}, "stale"), ({}, "unchanged")],
)
async def test_what_is_older_or_the_same_changes_nothing(own, clean, changes, result):
    await own()
    await clean("vertical")
    before = await versions()
    assert await own(**changes) == (result, [])
    assert await versions() == before


async def test_the_same_version_with_other_blocks_is_a_bad_event(structure, own, taken_away):
    await structure(version=1)
    await own(version=1, points={"unit": 7})
    with pytest.raises(BadEvent, match="version 1 of this learner's own structure came before, and was different"):
        await own(version=1)
    with pytest.raises(BadEvent, match="was different"):
        await taken_away(1)


async def test_a_course_has_no_empty_tree(apply):
    with pytest.raises(BadEvent, match="exactly one block without a parent, not 0"):
        await apply({"type": "course.structure", "course_id": "c", "version": 1, "blocks": json.dumps([])})


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"user_id": ""}, "user_id is empty"),
        ({"user_id": "u" * 256}, "user_id is longer than 255 characters"),
        ({"blocks": json.dumps([{"usage_id": "x" * MAX_BLOCKS_BYTES}])}, "blocks is larger than"),
        ({"blocks": "{}"}, "blocks is not a JSON array"),
    ],
)
async def test_a_learners_tree_is_checked_as_the_courses_is(apply, changes, reason):
    with pytest.raises(BadEvent, match=reason):
        await apply(STRUCTURE | {"user_id": "u"} | changes)
    assert not await LearnerStructure.exists()


async def test_a_retirement_spares_a_tree_that_came_after_it_in_the_same_millisecond(own, apply):
    await own(sequence=1)
    await apply(RETIRED, sequence=2)
    assert not await LearnerStructure.exists()
    await own(sequence=3)
    await apply(RETIRED, sequence=2)
    assert await LearnerStructure.exists(), "also when the stream is read again"


async def test_a_retirement_takes_the_own_tree_along_and_refuses_an_older_one(own, apply):
    await own()
    await apply(RETIRED)
    assert not await LearnerStructure.exists()
    assert await own(version=2, later=-1) == ("stale", [])
    assert (await own(version=2, later=1))[0] == "applied"
