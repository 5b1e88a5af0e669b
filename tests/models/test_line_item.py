"""Who looks for which line items, of many that are wanted."""

import json

import pytest

from models.assignment import GradedAssignment
from models.campus import OutcomeService
from models.db.sql import is_postgres
from models.line_item import _CLAIM, claim_wanted
from tests.models.plans import explained, plan, rows_read
from tests.models.rows import make_assignment, make_service

NOW, MANY = 1_000_000, 400
LEASE = {"began": 0.0, "lease_ms": 9_000}


@pytest.fixture
async def many(empty_database):
    """So many links of one campus want a line item, the first one longest; and one of another campus."""
    service, other = await make_service(), await make_service("other", "https://other.example/")
    wanted = json.dumps({"resource_link_id": None, "resource_id": "block", "label": "x"})
    await make_assignment(other)
    await OutcomeService.filter(id=other.id).update(wanted_for=wanted, look_at=MANY + 1)
    of_campus = {"campus_id": service.campus_id, "lti_consumer_id": service.lti_consumer_id, "wanted_for": wanted}
    await OutcomeService.bulk_create(
        [
            OutcomeService(lis_outcome_service_url=str(number), url_digest=str(number), look_at=number, **of_campus)
            for number in range(1, MANY + 1)
        ]
    )
    learner = {"user_id": "learner", "course_id": "course", "usage_id": "block", "registered_us": 0, "due_at": 0}
    await GradedAssignment.bulk_create(
        [
            GradedAssignment(
                outcome_service_id=link.id,
                campus_id=link.campus_id,
                lis_result_sourcedid=link.url_digest,
                sourcedid_digest=link.url_digest,
                composite=False,
                **learner,
            )
            for link in await OutcomeService.filter(look_at__range=(1, MANY))
        ]
    )


async def urls(**limits):
    return [one.container for one in await claim_wanted(now=NOW, **LEASE, **{"most": 16, "each": 2} | limits)]


async def test_a_few_of_each_campus_are_looked_for_less_those_that_are_and_those_first_that_waited_longest(many):
    assert sorted(await urls(most=2)) == ["1", "https://other.example/"]
    assert await urls() == ["2"]
    assert await urls() == []
    assert sorted(await urls(each=4)) == ["3", "4"]


async def test_looks_under_way_are_counted_once_however_many_links_want_one(many):
    limits = {"now": NOW, "until": NOW + 1, "most": 16, "each": 2}
    await urls()
    if not is_postgres():
        # Whether a learner is registered, and the three names of those that are returned: each by an index.
        assert (await plan(_CLAIM, **limits)).count("CORRELATED") == 4
        return
    nodes = await explained(_CLAIM, [limits[name] for name in _CLAIM.names])
    scans = [node for node in nodes if node.get("Relation Name") in ("outcome_service", "graded_assignment")]
    assert sum(map(rows_read, scans)) < 10 * MANY
