"""Disabling stops the grades of a sourcedid."""

import pytest

from models.assignment import GradedAssignment
from models.disabling import disable
from models.launch import RegistrationError
from models.moment import Moment
from tests.models.launching import CLEAN, NOW, NOW_US, OTHER_URL, launched
from tests.models.rows import read_row

pytestmark = pytest.mark.usefixtures("two_consumers")


async def test_an_assignment_is_disabled_once_and_by_nothing_older_than_its_launch():
    assignment = await launched(columns=CLEAN)
    before = await read_row(assignment)
    assert await disable("key", "sourcedid", moment=Moment(NOW_US - 1), now=NOW) == "stale"
    assert await read_row(assignment) == before
    assert await disable("key", "sourcedid", moment=Moment(NOW_US + 1), now=NOW) == "applied"
    assert await read_row(assignment) == before | {"disabled_at": NOW, "registered_us": NOW_US + 1}
    assert await disable("key", "sourcedid", moment=Moment(NOW_US + 2), now=NOW + 9) == "unchanged"
    assert (await read_row(assignment))["disabled_at"] == NOW


async def test_disabling_takes_every_address_of_that_consumers_sourcedid_and_no_others():
    first, second = await launched(), await launched(lis_outcome_service_url=OTHER_URL)
    others = [await launched(consumer_key="other key"), await launched(lis_result_sourcedid="another")]
    await disable("key", "sourcedid", moment=Moment(NOW_US), now=NOW)
    rows = {row.id: row.disabled_at for row in await GradedAssignment.all()}
    assert (rows[first], rows[second]) == (NOW, NOW)
    assert [rows[other] for other in others] == [None, None]


@pytest.mark.parametrize("known", [("key", "another"), ("key", "SOURCEDID"), ("other key", "sourcedid")])
async def test_disabling_a_sourcedid_that_was_never_registered_says_so(known):
    await launched()
    with pytest.raises(RegistrationError, match="no launch of this consumer registered this sourcedid"):
        await disable(*known, moment=Moment(NOW_US), now=NOW)
