"""Courses whose structure is missing."""

import pytest

from models.campus import OutcomeService
from models.queries.structures import MISSING, MissingStructure, read_missing_structures
from tests.models.plans import plan, whole_tables
from tests.models.rows import make_assignment, make_service

pytestmark = pytest.mark.usefixtures("empty_database")


async def test_courses_are_counted_by_the_grades_that_wait_for_them():
    for course_id, since in (("b", 5), ("a", 7), ("a", 3), ("c", 4), ("late", 10)):
        await make_assignment(course_id=course_id, waiting_since=since)
    await make_assignment(course_id="a")
    found = await read_missing_structures(before=10, most=2)
    assert found == [MissingStructure("a", 2, 3), MissingStructure("b", 1, 5)]


async def test_what_waits_for_its_line_item_or_is_not_sent_is_left_out():
    service = await make_service()
    await OutcomeService.filter(id=service.id).update(wanted_for="{}")
    await make_assignment(service, course_id="a", waiting_since=1)
    other = await make_service("other")
    await make_assignment(other, course_id="b", waiting_since=1, parked_at=1)
    await make_assignment(other, course_id="c", waiting_since=1, disabled_at=1)
    assert await read_missing_structures(before=10, most=9) == []


async def test_they_are_found_by_an_index():
    steps = await plan(MISSING, before=10, most=9)
    assert whole_tables(steps) == [], steps
    assert "graded_assignment_waiting" in steps
