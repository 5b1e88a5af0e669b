"""What a course's structure does to the assignments in it."""

import pytest

from daemon.ingest.events import BadEvent
from models.assignment import GradedAssignment
from models.course import CourseStructure
from tests.daemon.ingest.reading import CLEAN, COURSE, NOW, PROBLEMS, versions

pytestmark = pytest.mark.usefixtures("campuses")

WAITING = CLEAN | {"waiting_since": NOW - 5}


async def row(assignment_id):
    return await GradedAssignment.get(id=assignment_id)


async def test_the_first_structure_changes_all_assignments_in_it_and_uses_earlier_scores(clean, score, structure):
    known, above, unknown = await clean(), await clean("course"), await clean("nowhere")
    await score()
    assert await versions() == {known: 4, above: 3, unknown: 3}
    assert await structure() == ("applied", [])
    assert await versions() == {known: 5, above: 4, unknown: 3}


@pytest.mark.parametrize(
    ("tree", "points", "changed"),
    [
        pytest.param(COURSE, {"unit": 7}, {"unit", "vertical", "chapter", "course"}, id="other points"),
        pytest.param(
            COURSE | {"unit": "side"},
            PROBLEMS,
            {"unit", "vertical", "side", "chapter", "course"},
            id="a moved problem: its old and its new path",
        ),
        pytest.param(COURSE, PROBLEMS, set(), id="the same tree under a new version"),
    ],
)
async def test_a_new_structure_changes_the_old_and_the_new_path_of_what_moved(structure, clean, tree, points, changed):
    await structure()
    ids = {await clean(block): block for block in COURSE}
    elsewhere = await clean("unit", course_id="another")
    assert (await structure(tree, version=2, points=points))[0] == "applied"
    assert {ids.get(one) for one, version in (await versions()).items() if version == 4} == changed
    assert (await versions())[elsewhere] == 3


async def test_a_new_structure_changes_those_that_wait_for_one_once(structure, clean):
    await structure()
    waiting = [await clean("nowhere", WAITING), await clean("unit", WAITING)]
    elsewhere = await clean("nowhere", WAITING, course_id="another")
    await structure(version=2, points={"unit": 7})
    assert await versions() == {waiting[0]: 4, waiting[1]: 4, elsewhere: 3}
    assert [(await row(one)).waiting_since for one in waiting] == [None, None]


async def test_a_structure_says_of_what_kind_an_assignment_is(clean, structure):
    leaf, above = await clean("unit"), await clean("vertical")
    await GradedAssignment.all().update(composite=True)
    await structure()
    assert ((await row(leaf)).composite, (await row(above)).composite) == (False, True)
    assert ((await row(leaf)).due_at, (await row(above)).due_at) == (NOW, NOW + 20_000)
    await structure(COURSE | {"part": "unit"}, version=2)
    assert (await row(leaf)).composite


@pytest.mark.parametrize(
    ("tree", "version", "result"),
    [({"course": None}, 0, "stale"), ({"course": None}, -7, "stale"), (dict(reversed(COURSE.items())), 1, "unchanged")],
)
async def test_a_lower_version_or_the_same_content_changes_nothing(structure, clean, tree, version, result):
    await structure()
    await clean()
    before = await versions()
    assert await structure(tree, version=version) == (result, [])
    assert await versions() == before
    assert (await CourseStructure.get()).version == 1


async def test_the_same_version_with_other_content_is_a_bad_event(structure):
    await structure()
    with pytest.raises(BadEvent, match="version 1 of this course's structure came before, and was different"):
        await structure(points={"unit": 7})
    assert (await CourseStructure.get()).version == 1


async def test_a_higher_version_that_says_that_it_is_older_is_stale(structure):
    await structure(modified="2026-01-01T12:00:00Z")
    assert (await structure(version=2, modified="2026-01-01T11:59:59Z"))[0] == "stale"
    assert (await structure(version=2))[0] == "applied"
    assert (await structure(version=3, modified="2026-01-01T11:59:59Z"))[0] == "stale"
    assert (await structure(version=3, modified="2026-01-01T12:00:00Z"))[0] == "applied"
