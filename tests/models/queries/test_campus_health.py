"""How campuses fare, by their rows and those of their grades."""

import pytest

from models.campus import Campus
from models.queries.campus_health import read_campus_health
from tests.models.rows import make_assignment, make_service

NOW = 1_000_000
CLEAN = {"version_number": 2, "sent_version": 2, "sent_at": NOW - 50, "due_at": NOW - 90}

pytestmark = pytest.mark.usefixtures("empty_database")


async def test_grades_are_counted_and_the_longest_due_is_found():
    service = await make_service()
    await make_assignment(service, **CLEAN)
    await make_assignment(service, **CLEAN | {"version_number": 3, "due_at": NOW - 70})
    await make_assignment(service, **CLEAN | {"version_number": 3, "due_at": NOW - 99, "not_before": NOW - 60})
    await make_assignment(service, **CLEAN | {"version_number": 3, "due_at": NOW + 1})
    await make_assignment(service, **CLEAN | {"version_number": 3, "disabled_at": NOW})
    for scope, reason in (("campus", "b"), ("campus", "a"), ("campus", "a"), ("learner", "c")):
        parked = {"version_number": 3, "parked_at": NOW - 5, "parked_scope": scope, "parked_reason": reason}
        await make_assignment(service, **CLEAN | parked)
    (found,) = await read_campus_health(now=NOW)
    assert (found.consumer, found.origin, found.state) == ("campus", "https://campus.example:443", "up")
    assert (found.dirty, found.due_since, found.last_success) == (3, NOW - 70, NOW - 50)
    assert (found.parked, found.parked_since, found.reasons, found.reason) == (3, NOW - 5, 2, "a")
    assert not found.failing


async def test_of_a_campus_that_fails_its_last_error_is_found():
    service, other = await make_service(), await make_service("other")
    failed, _ = await make_assignment(service), await make_assignment(other)
    await Campus.filter(id=service.campus_id).update(
        tripped_at=NOW - 9, last_failed_assignment=failed, last_error="no", last_error_at=NOW - 3
    )
    await Campus.filter(id=other.campus_id).update(last_error="an old one")
    found = {campus.consumer: campus for campus in await read_campus_health(now=NOW)}
    campus = found["campus"]
    assert (campus.state, campus.failing, campus.tripped_at, campus.last_error) == ("down", True, NOW - 9, "no")
    assert not found["other"].failing


async def test_a_campus_whose_grades_are_all_disabled_is_not_in_use():
    await make_assignment(await make_service(), **CLEAN | {"disabled_at": NOW})
    assert await read_campus_health(now=NOW) == []
