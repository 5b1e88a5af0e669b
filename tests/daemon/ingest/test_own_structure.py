"""What a learner's own tree does: a part of the course that a problem bank, a cohort or a split test shows."""

import json
from functools import partial

import pytest

from actors.compute_grade import block_grade
from daemon.ingest.events import BadEvent
from models.assignment import GradedAssignment
from models.course import CourseTrees, LearnerStructure
from models.score import read_scores
from tests.daemon.ingest.reading import COURSE, NOW, PROBLEMS, RETIRED, SCORE, versions

pytestmark = pytest.mark.usefixtures("campuses")

#: A bank of 20 problems of 1 point each, of which a learner is shown five.
BANK = {"course": None, "unit": "course"} | {f"problem-{number}": "unit" for number in range(20)}
SHOWN = {block: parent for block, parent in BANK.items() if block in ("course", "unit")} | {
    f"problem-{number}": "unit" for number in (2, 3, 5, 7, 11)
}
POINTS = dict.fromkeys(BANK.keys() - {"course", "unit"}, 1)


@pytest.fixture
def own(structure):
    return partial(structure, user_id="u")


@pytest.fixture
def taken_away(apply):
    async def taken_away(version):
        event = {"type": "course.structure", "course_id": "c", "user_id": "u", "version": version, "blocks": "[]"}
        return await apply(event)

    return taken_away


async def grade(usage_id, user_id="u"):
    return block_grade(usage_id, await CourseTrees().get("c", user_id), await read_scores(user_id, "c"))


async def test_of_a_problem_bank_only_what_the_learner_is_shown_counts(structure, own, apply):
    await structure(BANK, points=POINTS)
    await own(SHOWN, points=POINTS)
    for user_id in ("u", "another"):
        for problem, earned in (("problem-2", "1"), ("problem-7", "0.5")):
            await apply(SCORE, user_id=user_id, usage_id=problem, points_earned=earned, points_possible="1")
    of_learner, of_another = await grade("unit"), await grade("unit", "another")
    assert (of_learner.earned, of_learner.possible) == (1.5, 5)
    assert (of_another.earned, of_another.possible) == (1.5, 20)


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


async def test_a_retirement_takes_the_own_tree_along_and_refuses_an_older_one(own, apply):
    await own()
    await apply(RETIRED)
    assert not await LearnerStructure.exists()
    assert await own(version=2, later=-1) == ("stale", [])
    assert (await own(version=2, later=1))[0] == "applied"
