"""Parked grades by reason, scope, campus and course."""

import re

import pytest

from models.campus import Campus
from models.queries.parked import _GROUP_OF, ParkedGroup, group_of, parked_statement, read_parked
from tests.models.plans import plan, whole_tables
from tests.models.rows import make_assignment, make_service

pytestmark = pytest.mark.usefixtures("empty_database")


def parked(at, reason, scope, **more):
    return {"parked_at": at, "parked_reason": reason, "parked_scope": scope, **more}


async def test_what_is_parked_for_the_same_reason_at_the_same_campus_is_a_group_for_each_course():
    late = await make_assignment(**parked(9, "course has ended", "course", course_id="physics"))
    await make_assignment(**parked(5, "course has ended", "course", course_id="physics"))
    await make_assignment(**parked(5, "course has ended", "course"))
    await make_assignment(**parked(7, "not enrolled", "learner"))
    await make_assignment(await make_service("other"), **parked(8, "HTTP 404", "campus"))
    await make_assignment()
    await make_assignment(**parked(1, "course has ended", "course", disabled_at=2))
    where = "https://campus.example:443"
    groups = await read_parked()
    assert groups[0] == ParkedGroup(
        "campus", "key", "lti-1.1", where, "physics", "course", "course has ended", 2, 5, late, groups[0].campus_id
    )
    assert await Campus.get(id=groups[0].campus_id).values_list("origin", flat=True) == where
    assert sorted((group.consumer, group.scope, group.number) for group in groups) == [
        ("campus", "course", 1),
        ("campus", "course", 2),
        ("campus", "learner", 1),
        ("other", "campus", 1),
    ]
    assert [group.scope for group in await read_parked(consumer_key="other")] == ["campus"]
    assert [group.number for group in await read_parked(course_id="physics")] == [2]
    elsewhere = await make_service(url="https://elsewhere.example/")
    await make_assignment(elsewhere, **parked(1, "course has ended", "course"))
    assert sorted((group.origin, group.number) for group in await read_parked(scope="course")) == [
        (where, 1),
        (where, 2),
        ("https://elsewhere.example:443", 1),
    ]
    assert [group.reason for group in await read_parked(scope="learner")] == ["not enrolled"]


async def test_the_group_of_an_assignment_is_the_one_that_is_listed():
    one = await make_assignment(**parked(9, "course has ended", "course"))
    await make_assignment(**parked(8, "course has ended", "course"))
    await make_assignment(**parked(8, "course has ended", "course", disabled_at=9))
    for other in (
        parked(8, "another reason", "course"),
        parked(8, "course has ended", "campus"),
        parked(8, "course has ended", "course", course_id="physics"),
    ):
        await make_assignment(**other)
    elsewhere = await make_service(url="https://elsewhere.example/")
    await make_assignment(elsewhere, **parked(8, "course has ended", "course"))
    group = await group_of(one)
    assert group in await read_parked()
    assert (group.number, group.since, group.example) == (2, 8, one)


async def test_what_is_not_parked_has_no_group():
    clean = await make_assignment(sent_version=1)
    disabled = await make_assignment(**parked(8, "course has ended", "course", disabled_at=9))
    await make_assignment(**parked(8, "course has ended", "course"))
    assert [await group_of(one) for one in (clean, disabled, 0)] == [None, None, None]


ASKED = [{}, {"consumer_key": "key"}, {"course_id": "c"}, {"scope": "course"}, {"course_id": "c", "scope": "course"}]


@pytest.mark.parametrize("asked", ASKED, ids=str)
async def test_groups_are_read_by_an_index(asked):
    steps = await plan(parked_statement(**asked), **{"consumer_key": None, "course_id": None, "scope": None} | asked)
    assert re.search(r"graded_assignment_parked|idx_graded_assi_course", steps), steps
    assert whole_tables(steps) == [], steps


async def test_the_group_of_an_assignment_is_read_by_an_index():
    steps = await plan(_GROUP_OF, id=1)
    assert whole_tables(steps) == [], steps
