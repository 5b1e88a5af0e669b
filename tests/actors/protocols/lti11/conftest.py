"""Fixtures for tests with an LMS that speaks LTI 1.1."""

import pytest

from tests.actors.sending import just_now, scored
from tests.models.rows import make_assignment

#: As Moodle makes them: what an LMS must get back byte for byte.
JSON = '{"data":{"instanceid":"7","userid":"3","launchid":11},"hash":"a&b<c>"}'


@pytest.fixture
async def leaf(campus):
    """A leaf that is due, whose sourcedid is JSON."""
    await scored(1, 2)
    return await make_assignment(campus, lis_result_sourcedid=JSON, due_at=just_now())
