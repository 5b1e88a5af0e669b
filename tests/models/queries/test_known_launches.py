"""Which launches of an import are on record."""

import pytest

from models.queries.known_launches import _KNOWN, ImportedLaunch, known_launches
from tests.models.plans import plan, whole_tables
from tests.models.rows import BLOCK, COURSE, LEARNER, URL, make_assignment, make_service

pytestmark = pytest.mark.usefixtures("empty_database")

LAUNCH = ImportedLaunch("key", URL, "cell", LEARNER, COURSE, BLOCK, "campus-1")


@pytest.mark.parametrize(
    ("there", "given", "is_known"),
    [
        ({}, {}, True),
        ({}, {"lti_user_id": None}, True),
        ({"lti_user_id": None}, {}, False),
        ({"lti_user_id": None}, {"lti_user_id": None}, True),
        ({}, {"lti_user_id": "another"}, False),
        ({"user_id": "another"}, {}, False),
        ({"course_id": "another"}, {}, False),
        ({"usage_id": "another"}, {}, False),
        # A launch re-enables what was disabled before it.
        ({"disabled_at": 1}, {}, False),
        ({"registered_us": 6, "usage_id": "another", "disabled_at": 1}, {}, True),
        ({"registered_us": 4}, {}, False),
        ({}, {"sourcedid": "Cell"}, False),
        ({}, {"url": URL + "/"}, False),
        ({}, {"consumer_key": "another"}, False),
    ],
)
async def test_a_launch_is_known_where_applying_it_would_change_nothing(there, given, is_known):
    await make_service("another", URL)
    service = await make_service()
    here = {"lis_result_sourcedid": "cell", "registered_us": 5, "lti_user_id": "campus-1"}
    await make_assignment(service, **here | there)
    unknown = LAUNCH._replace(sourcedid="nowhere")
    found = await known_launches([unknown, LAUNCH._replace(**given)], modified_us=5)
    assert found == ({1} if is_known else set())


async def test_they_are_found_by_an_index():
    assert whole_tables(await plan(_KNOWN, given=[], modified_us=1)) == []
