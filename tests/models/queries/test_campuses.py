"""Campuses as support sees them."""

import pytest

from models.assignment import GradedAssignment
from models.campus import Campus
from models.consumer import LtiConsumer
from models.queries.campuses import _NAMED, campuses_named, read_campus, read_troubled_campuses
from tests.models.plans import plan, whole_tables
from tests.models.rows import make_assignment, make_service

pytestmark = pytest.mark.usefixtures("empty_database")

NOW = 1_000_000


async def troubled():
    return [(one.consumer, one.campus_state) for one in await read_troubled_campuses(now=NOW)]


@pytest.mark.parametrize(
    ("columns", "state"),
    [({"tripped_at": 1}, "down"), ({"blocked_until": NOW + 1, "throttled_at": 1}, "throttled"), ({}, None)],
)
async def test_a_campus_to_which_waiting_grades_do_not_go_is_in_trouble(columns, state):
    service = await make_service()
    await make_assignment(service, version_number=2, sent_version=1)
    await Campus.all().update(blocked_until=0)
    if columns:
        await Campus.all().update(**columns)
    assert await troubled() == ([] if state is None else [("campus", state)])


async def test_a_paused_campus_is_in_trouble_only_while_grades_wait_for_it():
    service = await make_service()
    row = await make_assignment(service, version_number=2, sent_version=2)
    await LtiConsumer.all().update(paused_at=5)
    assert await troubled() == []
    await GradedAssignment.filter(id=row).update(sent_version=1)
    assert await troubled() == [("campus", "paused")]
    await GradedAssignment.filter(id=row).update(disabled_at=1)
    assert await troubled() == []


async def test_a_campus_is_read_with_all_that_is_known_of_it():
    service = await make_service()
    await make_assignment(service)
    await Campus.all().update(
        max_in_flight=2, slow=True, clock_offset=-7, last_error="HTTP 503", last_error_at=9, last_failed_assignment=1
    )
    await LtiConsumer.all().update(pending_secret="second", instance_guid="lms")
    found = await read_campus(service.campus_id, now=NOW)
    assert (found.consumer, found.origin, found.protocol) == ("campus", "https://campus.example:443", "lti-1.1")
    assert (found.max_in_flight, found.slow, found.clock_offset, found.failing, found.pending) == (
        2,
        True,
        -7,
        True,
        True,
    )
    assert (found.last_error, found.last_error_at, found.guid, found.issuer) == ("HTTP 503", 9, "lms", None)
    assert await read_campus(service.campus_id + 1, now=NOW) is None


async def test_the_addresses_of_a_campus_are_found_by_its_key_and_its_name_and_by_an_index():
    services = [await make_service(url=f"https://lms-{number}.example/o") for number in (2, 1)]
    expected = [(one.campus_id, (await Campus.get(id=one.campus_id)).origin) for one in reversed(services)]
    assert await campuses_named("key") == await campuses_named("campus") == expected
    assert await campuses_named("other") == []
    steps = await plan(_NAMED, word="key")
    assert whole_tables(steps) == [], steps
