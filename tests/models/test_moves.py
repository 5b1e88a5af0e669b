"""Launches that move an assignment, replace its address or displace another one; and those that come late."""

from dataclasses import replace

import pytest

from models.assignment import GradedAssignment
from models.campus import OutcomeService
from models.consumer import LtiConsumer, digest, origin
from models.delivery import Delivery, DeliveryRecord, write_deliveries
from models.orphaned_claim import OrphanedClaim
from models.stale_event import StaleEvent
from tests.models.launching import (
    CLAIMED,
    CLEAN,
    ELSEWHERE,
    LAUNCH,
    LINKED,
    NOW,
    NOW_US,
    OTHER_URL,
    PARKED,
    URL,
    launch,
    launched,
    origin_of,
    sourcedids,
    url_of,
)
from tests.models.rows import read_row

pytestmark = pytest.mark.usefixtures("two_consumers")


async def orphans():
    """Requests under way whose row is gone: the origins of their campuses, and until when they count."""
    return await OrphanedClaim.filter(claimed_until__gt=0).order_by("id").values_list("origin", "claimed_until")


# --- Replacing ---


@pytest.mark.parametrize(
    "other",
    [
        {"lis_result_sourcedid": "another"},
        {"lis_outcome_service_url": OTHER_URL},
        {"lis_result_sourcedid": "another", "lis_outcome_service_url": OTHER_URL},
        {"lis_outcome_service_url": ELSEWHERE},
    ],
)
async def test_a_new_sourcedid_or_url_of_the_same_link_replaces_the_old_one(other):
    assignment = await launched(LINKED, columns=CLEAN | {"attempts": 3, "not_before": NOW + 60_000})
    assert await launch(LINKED, later=1, **other) == ("applied", assignment)
    row = await read_row(assignment)
    expected = {"lis_result_sourcedid": "sourcedid", "lis_outcome_service_url": URL} | other
    assert await sourcedids() == [expected["lis_result_sourcedid"]]
    assert row["sourcedid_digest"] == digest(expected["lis_result_sourcedid"])
    assert await url_of(assignment) == expected["lis_outcome_service_url"]
    assert await origin_of(assignment) == origin(expected["lis_outcome_service_url"])
    assert await orphans() == []
    assert (row["version_number"], row["forced_version"], row["due_at"]) == (4, 4, NOW)
    assert (row["attempts"], row["not_before"]) == (0, 0)


@pytest.mark.parametrize("columns", [PARKED, {"disabled_at": NOW}])
async def test_a_replacement_brings_a_parked_or_disabled_row_back(columns):
    assignment = await launched(LINKED, columns=CLEAN | columns)
    await launch(LINKED, later=1, lis_result_sourcedid="another")
    row = await read_row(assignment)
    assert (row["parked_at"], row["disabled_at"], row["version_number"]) == (None, None, 4)


async def test_a_replacement_keeps_the_hold_and_a_claim_under_way():
    columns = CLAIMED | {"hold_until": NOW + 9_000}
    assignment = await launched(LINKED, columns=columns)
    await launch(LINKED, later=1, lis_result_sourcedid="another")
    row = await read_row(assignment)
    assert {name: row[name] for name in columns} == columns | {"attempts": 0}
    assert row["version_number"] == 2


# --- Moving ---


@pytest.mark.parametrize(
    "place", [{"user_id": "another"}, {"usage_id": "another"}, {"course_id": "another"}, {"usage_id": "problem"}]
)
@pytest.mark.parametrize("base", [LAUNCH, LINKED])
async def test_a_sourcedid_that_comes_for_another_learner_or_block_moves_there(base, place):
    assignment = await launched(base, columns=CLEAN, kind="composite")
    assert await launch(base, later=1, kind="leaf", **place) == ("applied", assignment)
    row = await read_row(assignment)
    where = {name: row[name] for name in ("user_id", "course_id", "usage_id")}
    assert where == {"user_id": "learner", "course_id": "course", "usage_id": "block"} | place
    assert (row["version_number"], row["forced_version"], row["due_at"]) == (4, 4, NOW)
    assert not row["composite"]


async def test_a_sourcedid_that_moves_to_another_learner_parts_the_two_and_the_first_is_on_record():
    assignment = await launched(LINKED, columns=CLEAN | {"note": "replaced assignment 7; "})
    await launch(LINKED, later=1, usage_id="another")
    assert (await read_row(assignment))["learner_version"] == 0, "the same learner"
    await launch(LINKED, later=2, user_id="another", entry_id="5-0")
    row = await read_row(assignment)
    assert (row["learner_version"], row["version_number"], row["note"]) == (5, 5, "")
    (parted,) = await StaleEvent.all()
    assert (parted.type, parted.user_id, parted.usage_id) == ("sourcedid.moved", "learner", "another")
    assert (parted.entry_id, parted.modified_us, parted.at) == ("5-0", NOW_US + 2, NOW)


async def test_a_moved_assignment_does_not_keep_the_titles_of_its_old_place():
    assignment = await launched(LINKED, lti_user_id="campus user", context_title="Course", resource_link_title="Link")
    await launch(LAUNCH, later=1, user_id="another")
    row = await read_row(assignment)
    assert (row["lti_user_id"], row["context_title"], row["resource_link_title"]) == (None, None, None)


async def test_the_row_that_owns_the_sourcedid_survives_with_the_delivery_records_of_the_one_that_it_displaces():
    owner = await launched(LINKED, usage_id="old block", columns=CLEAN)
    displaced = await launched(LINKED, lis_result_sourcedid="another", columns=CLEAN)
    await write_deliveries(
        DeliveryRecord(one, token, NOW, 1, 1, "accepted", score="0.5") for token, one in enumerate((owner, displaced))
    )
    assert await launch(LINKED, later=1) == ("applied", owner)
    assert not await GradedAssignment.exists(id=displaced)
    row = await read_row(owner)
    assert (row["usage_id"], row["version_number"], row["forced_version"]) == ("block", 4, 4)
    assert f"replaced assignment {displaced}" in row["note"]
    assert await Delivery.filter(assignment_id=owner).count() == await Delivery.all().count() == 2


async def test_two_launches_swap_their_sourcedids():
    await launched(LINKED)
    await launched(LINKED, user_id="another", lis_result_sourcedid="another")
    await launch(LINKED, later=1, lis_result_sourcedid="another")
    await launch(LINKED, later=1, user_id="another")
    rows = {row["user_id"]: row["lis_result_sourcedid"] for row in await GradedAssignment.all().values()}
    assert rows == {"learner": "another", "another": "sourcedid"}


@pytest.mark.parametrize("columns", [{"claimed_until": NOW + 9_000}, {"hold_until": NOW + 9_000}])
async def test_a_request_of_a_displaced_row_that_may_still_land_is_waited_for_and_overwritten(columns):
    await launched(LINKED, columns={**CLEAN, **columns}, lis_result_sourcedid="another")
    owner = await launched(columns=CLEAN, later=1)
    assert await launch(LINKED, later=2) == ("applied", owner)
    row = await read_row(owner)
    assert (row["hold_until"], row["version_number"], row["forced_version"]) == (NOW + 9_000, 4, 4)


# --- Between campuses ---


async def test_a_request_under_way_keeps_its_slot_at_the_campus_that_its_assignment_leaves_once():
    await launched(LINKED, columns=CLEAN | CLAIMED)
    await launch(LINKED, later=1, lis_outcome_service_url=OTHER_URL)
    assert await orphans() == [], "the same campus"
    for later in (2, 3):
        await launch(LINKED, later=later, lis_outcome_service_url=ELSEWHERE)
        assert await orphans() == [("https://campus.example:443", NOW + 50_000)]


@pytest.mark.parametrize(("until", "expected"), [(NOW + 50_000, 1), (NOW, 0)])
async def test_a_request_of_a_displaced_row_keeps_its_slot_until_its_lease_ends(until, expected):
    claimed = CLAIMED | {"claimed_until": until}
    await launched(LINKED, columns=CLEAN | claimed, lis_result_sourcedid="another", lis_outcome_service_url=ELSEWHERE)
    owner = await launched(columns=CLEAN, later=1)
    await launch(LINKED, later=2)
    assert await orphans() == [("https://elsewhere.example:443", until)] * expected
    assert await origin_of(owner) == "https://campus.example:443"
    assert await GradedAssignment.all().count() == 1


# --- Older than what is known ---


async def everything():
    """All rows that a launch can change."""
    return [
        list(await model.all().order_by("id").values())
        for model in (LtiConsumer, OutcomeService, GradedAssignment, Delivery)
    ]


@pytest.mark.parametrize(
    "other",
    [
        {},
        {"lis_result_sourcedid": "another"},
        {"lis_outcome_service_url": OTHER_URL},
        {"usage_id": "another"},
        {"user_id": "another"},
        {"instance_guid": "guid"},
    ],
)
async def test_a_launch_older_than_what_is_stored_changes_nothing(other):
    await launched(LINKED, columns=CLEAN)
    before = await everything()
    assert await launch(LINKED, later=-1, **other) == ("stale", None)
    unchanged = await everything()
    assert unchanged[0] == before[0]
    assert unchanged[2:] == before[2:]


SEQUENCES = {
    "a link gets a second and a third sourcedid": (LINKED, [{"lis_result_sourcedid": one} for one in ("2", "3")]),
    "a link gets another URL": (LINKED, [{"lis_outcome_service_url": OTHER_URL}]),
    "a sourcedid goes to another block and back": (LAUNCH, [{"usage_id": "another"}, {}]),
    "a sourcedid goes to another learner": (LINKED, [{"user_id": "another"}]),
    "a row is displaced": (
        replace(LINKED, usage_id="b"),
        [{"lis_result_sourcedid": "s", "usage_id": "a"}, {"usage_id": "a"}],
    ),
    "two rows of one block": (LAUNCH, [{"lis_result_sourcedid": "another"}, {}]),
}


@pytest.mark.parametrize("name", SEQUENCES)
async def test_launches_that_are_read_again_after_a_reset_change_nothing(name):
    first, others = SEQUENCES[name]
    sequence = [replace(first, **other, modified_us=NOW_US + at) for at, other in enumerate([{}, *others])]
    for one in sequence:
        await launch(one)
    await GradedAssignment.all().update(**CLEAN)
    before = await everything()
    for one in sequence:
        result, _ = await launch(one)
        assert result in ("stale", "unchanged")
    assert await everything() == before
