"""A row goes or moves while its request is under way: the next row in its cell waits, and is sent anew."""

import pytest
from tortoise.transactions import in_transaction

from models import consumer_admin
from models.assignment import GradedAssignment
from models.claims import claim
from models.moment import Moment
from models.orphaned_claim import OrphanedClaim
from models.rescue import rescue
from models.retirement import retire
from models.stream_position import read_position
from tests.models.claiming import LEASE, campuses_answered, ended, lease
from tests.models.launching import CLEAN, ELSEWHERE, LINKED, NOW, NOW_US, OTHER_URL, launch, launched
from tests.models.rows import read_row

pytestmark = pytest.mark.usefixtures("two_consumers")

UNTIL = NOW + 50_000
UNDER_WAY = [
    pytest.param({"claim_token": 7, "claimed_at": NOW, "claimed_until": UNTIL, "claimed_version": 1}, id="claimed"),
    pytest.param({"hold_until": UNTIL}, id="in doubt"),
]
CELL = {"lis_result_sourcedid": "sourcedid"}


async def removed_and_added_again():
    await consumer_admin.remove("key", now=NOW)
    await consumer_admin.add("campus", "key", "secret", guid=None, now=NOW)
    return await launch(LINKED, later=9)


async def retired_and_launched_anew():
    async with in_transaction():
        await retire("learner", await read_position(), moment=Moment(NOW_US + 1), now=NOW)
    return await launch(LINKED, later=9)


async def freed_and_given_to_another_learner():
    await launch(LINKED, later=1, lis_result_sourcedid="another")
    return await launch(LINKED, later=9, user_id="another learner")


async def freed_by_a_move_to_another_address():
    await launch(LINKED, later=1, lis_outcome_service_url=OTHER_URL)
    return await launch(LINKED, later=9, user_id="another learner")


async def freed_by_a_move_to_another_campus():
    await launch(LINKED, later=1, lis_outcome_service_url=ELSEWHERE)
    return await launch(LINKED, later=9, user_id="another learner")


async def displaced_and_given_to_another_learner():
    await launch(LINKED, later=1, lis_result_sourcedid="another", resource_link_id="other link")
    await launch(LINKED, later=2, lis_result_sourcedid="another")
    return await launch(LINKED, later=9, user_id="another learner")


async def freed_and_taken_by_the_move_of_another_row():
    await launched(LINKED, user_id="another learner", lis_result_sourcedid="theirs", columns=CLEAN)
    await launch(LINKED, later=1, lis_result_sourcedid="another")
    return await launch(LINKED, later=9, user_id="another learner")


async def removed_and_given_by_another_consumer():
    await consumer_admin.remove("key", now=NOW)
    return await launch(LINKED, later=9, consumer_key="other key")


DOORS = [
    removed_and_added_again,
    retired_and_launched_anew,
    freed_and_given_to_another_learner,
    freed_by_a_move_to_another_address,
    freed_by_a_move_to_another_campus,
    displaced_and_given_to_another_learner,
    freed_and_taken_by_the_move_of_another_row,
    removed_and_given_by_another_consumer,
]


@pytest.mark.parametrize("under_way", UNDER_WAY)
@pytest.mark.parametrize("door", DOORS)
async def test_the_next_row_of_a_cell_waits_for_a_request_under_way_and_is_sent_anew(door, under_way):
    await launched(LINKED, columns={**CLEAN, **under_way})
    result, assignment_id = await door()
    assert result == "applied"
    row = await read_row(assignment_id)
    assert row["hold_until"] == UNTIL
    assert row["version_number"] == row["forced_version"] > row["sent_version"]


@pytest.mark.parametrize("door", DOORS)
async def test_a_row_that_goes_with_nothing_under_way_leaves_nothing_behind(door):
    await launched(LINKED, columns=CLEAN | {"hold_until": NOW})
    _, assignment_id = await door()
    assert (await read_row(assignment_id))["hold_until"] <= NOW
    assert not await OrphanedClaim.exists()


async def test_another_cell_does_not_wait():
    await launched(LINKED, columns=CLEAN | {"hold_until": UNTIL})
    await consumer_admin.remove("key", now=NOW)
    await consumer_admin.add("campus", "key", "secret", guid=None, now=NOW)
    for cell in ({"lis_result_sourcedid": "another"}, {"lis_outcome_service_url": OTHER_URL}):
        _, assignment_id = await launch(LINKED, later=9, user_id=str(cell), **cell)
        assert (await read_row(assignment_id))["hold_until"] == 0


async def test_what_is_left_behind_names_no_learner():
    await launched(LINKED, columns=CLEAN | {"hold_until": UNTIL}, lti_user_id="lti learner")
    async with in_transaction():
        await retire("learner", await read_position(), moment=Moment(NOW_US + 1), now=NOW)
    (left,) = await OrphanedClaim.all().values()
    assert not {"learner", "lti learner", "sourcedid"} & set(map(str, left.values()))


async def test_a_removed_and_added_consumer_has_the_slots_that_requests_under_way_leave():
    columns = {"claim_token": 7, "claimed_at": NOW, "claimed_until": UNTIL, "claimed_version": 1}
    await launched(LINKED, columns={**CLEAN, **columns})
    await removed_and_added_again()
    _, other = await launch(LINKED, later=9, user_id="other", lis_result_sourcedid="another")
    await campuses_answered()
    assert await claim([other], lease(NOW, max_per_campus=1), most=9) == []
    assert len(await claim([other], lease(UNTIL, max_per_campus=1), most=9)) == 1


# --- What is learned of a request after its row has gone ---


async def claimed(assignment_id):
    await campuses_answered()
    (got,) = await claim([assignment_id], lease(NOW), most=1)
    return got


@pytest.mark.parametrize("door", DOORS)
async def test_a_request_that_may_land_long_after_its_lease_is_waited_for_by_the_row_that_came_meanwhile(door):
    late = await claimed(await launched(LINKED))
    _, assignment_id = await door()
    await GradedAssignment.filter(id=assignment_id).update(sent_version=9, version_number=9, forced_version=0)
    await ended(late, "in_doubt", now=NOW + 9, hold_until=NOW + 3_600_000, bytes_left=True)
    row = await read_row(assignment_id)
    assert (row["hold_until"], row["version_number"], row["forced_version"]) == (NOW + 3_600_000, 10, 10)


async def test_a_request_that_may_land_long_after_its_lease_is_waited_for_by_the_row_that_displaced_its_own():
    # The LMS may know one cell by both sourcedids.
    late = await claimed(await launched(LINKED))
    kept = await launched(LINKED, later=1, lis_result_sourcedid="another", resource_link_id="other link", columns=CLEAN)
    stranger = await launched(LINKED, later=1, lis_result_sourcedid="theirs", user_id="another learner", columns=CLEAN)
    await launch(LINKED, later=2, lis_result_sourcedid="another")
    await ended(late, "in_doubt", now=NOW + 9, hold_until=NOW + 3_600_000, bytes_left=True)
    row = await read_row(kept)
    assert (row["hold_until"], row["forced_version"]) == (NOW + 3_600_000, row["version_number"])
    assert (await read_row(stranger))["hold_until"] == 0


async def test_a_request_that_may_land_long_after_its_lease_is_waited_for_by_the_row_that_comes_then():
    late = await claimed(await launched(LINKED))
    await launch(LINKED, later=1, lis_result_sourcedid="yet another")
    await ended(late, "in_doubt", now=NOW + 9, hold_until=NOW + 3_600_000, bytes_left=True)
    _, assignment_id = await launch(LINKED, later=9, user_id="another learner")
    row = await read_row(assignment_id)
    assert (row["hold_until"], row["forced_version"]) == (NOW + 3_600_000, row["version_number"])


async def test_a_frozen_sender_whose_row_has_gone_has_the_next_row_sent_once_more():
    late = await claimed(await launched(LINKED))
    _, assignment_id = await removed_and_added_again()
    await GradedAssignment.filter(id=assignment_id).update(sent_version=9, version_number=9, forced_version=0)
    await ended(late, "accepted", now=UNTIL + 9, score="0.25", bytes_left=True)
    row = await read_row(assignment_id)
    assert (row["version_number"], row["forced_version"]) == (10, 10)


async def test_a_frozen_sender_that_lost_its_row_which_moved_has_the_next_row_of_the_cell_sent_once_more():
    late = await claimed(await launched(LINKED))
    await launch(LINKED, later=1, lis_result_sourcedid="yet another")
    _, assignment_id = await launch(LINKED, later=9, user_id="another learner")
    assert await rescue(now=NOW + LEASE) == 1
    await GradedAssignment.filter(id=assignment_id).update(sent_version=9, version_number=9, forced_version=0)
    assert (await ended(late, "accepted", now=NOW + LEASE, score="0.25", bytes_left=True)).fenced
    row = await read_row(assignment_id)
    assert (row["version_number"], row["forced_version"]) == (10, 10)


async def test_an_attempt_that_sent_nothing_has_no_other_row_sent():
    late = await claimed(await launched(LINKED))
    _, assignment_id = await removed_and_added_again()
    before = await read_row(assignment_id)
    await ended(late, "released", now=NOW + 9)
    assert await read_row(assignment_id) == before


async def test_a_row_that_stays_in_its_cell_is_not_sent_once_more_for_its_own_request():
    got = await claimed(await launched(LINKED))
    await ended(got, "accepted", now=NOW + 9, score="1", bytes_left=True)
    row = await read_row(got.assignment_id)
    assert (row["sent_version"], row["forced_version"]) == (row["version_number"], 0)
