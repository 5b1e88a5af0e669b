"""An assignment of LTI 1.1 moves to LTI 1.3 with its ledger when its link is launched there. On both databases."""

import pytest
from tortoise.transactions import in_transaction

from models.assignment import GradedAssignment
from models.campus import OutcomeService
from models.consumer import LtiConsumer, digest
from models.delivery import Delivery, DeliveryRecord, write_deliveries
from models.launch import PlatformLaunch
from models.orphaned_claim import LateRequest, OrphanedClaim, overwrite_late_request
from models.registration import move_to
from tests.models.launching import CLAIMED, CLEAN, LAUNCH, LINKED, NOW, OTHER_URL, URL, launch, launched, url_of
from tests.models.rows import read_row
from tests.models.test_platform_launches import ISSUER, ITEM, OVER_13

NOTE = "moved from LTI 1.1 consumer campus on 2026-01-01; "


def moving(key="key", link=None):
    return {"platform": PlatformLaunch(ISSUER, "client", moves_from=key, moved_link_id=link)}


@pytest.fixture(autouse=True)
async def platform(two_consumers):
    await LtiConsumer.create(
        consumer_name="platform", consumer_key="uni", consumer_secret="", issuer=ISSUER, client_id="client"
    )


async def ledger(assignment):
    await write_deliveries([DeliveryRecord(assignment, 7, NOW, 1, 1, "accepted", score="0.5")])


async def test_the_row_moves_with_its_ledger_and_is_sent_again_whatever_its_score():
    assignment = await launched(LINKED, columns=CLEAN)
    await ledger(assignment)
    assert await launch(OVER_13, later=1, resource_link_id="link", **moving()) == ("applied", assignment)
    row = await read_row(assignment)
    assert (await url_of(assignment), row["lis_result_sourcedid"], row["lti_user_id"]) == (ITEM, "sub", "sub")
    assert (row["version_number"], row["forced_version"], row["due_at"]) == (4, 4, NOW)
    assert row["note"] == NOTE
    assert await Delivery.filter(assignment_id=assignment).count() == 1
    assert await launch(OVER_13, later=2, resource_link_id="link", **moving()) == ("unchanged", assignment)
    assert (await read_row(assignment))["note"] == NOTE


@pytest.mark.parametrize(
    ("base", "link", "own_link", "moves"),
    [
        pytest.param(LINKED, "link", "new link", True, id="the link that it had over 1.1"),
        pytest.param(LINKED, None, "link", True, id="the same link over both"),
        pytest.param(LINKED, None, None, True, id="no link is named and there is one row"),
        pytest.param(LAUNCH, "link", None, True, id="the only row, which was registered without a link"),
        pytest.param(LINKED, "other link", "link", False, id="another link over 1.1"),
        pytest.param(LINKED, None, "other link", False, id="another link over both"),
    ],
)
async def test_the_row_of_the_link_moves(base, link, own_link, moves):
    assignment = await launched(base, columns=CLEAN)
    _, landed = await launch(OVER_13, later=1, resource_link_id=own_link, **moving(link=link))
    assert (landed == assignment) is moves
    assert await GradedAssignment.all().count() == (1 if moves else 2)


async def test_of_two_rows_without_a_link_none_moves():
    await launched()
    await launched(lis_result_sourcedid="another")
    await launch(OVER_13, later=1, **moving())
    assert await GradedAssignment.all().count() == 3


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(moving(key=None), id="it names no consumer"),
        pytest.param(moving(key="no such key"), id="it names an unknown consumer"),
        pytest.param(moving(key="other key"), id="a consumer without such a row"),
        pytest.param(moving(key="uni"), id="a platform"),
        pytest.param({"user_id": "another"} | moving(), id="another learner"),
        pytest.param({"usage_id": "another"} | moving(), id="another block"),
        pytest.param({"course_id": "another"} | moving(), id="another course"),
    ],
)
async def test_where_nothing_is_to_be_moved_both_rows_send(other):
    assignment = await launched(LINKED, columns=CLEAN)
    before = await read_row(assignment)
    result, landed = await launch(OVER_13, later=1, resource_link_id="link", **other)
    assert (result, landed != assignment) == ("applied", True)
    assert await read_row(assignment) == before
    key = other["platform"].moves_from if "platform" in other else "key"
    unknown = f"was launched as that of the LTI 1.1 consumer '{key}', which is not known here, so that nothing moved; "
    await launch(OVER_13, later=2, resource_link_id="link", **other)
    assert (await read_row(landed))["note"] == (unknown if key in ("no such key", "uni") else "")


async def test_a_row_that_was_launched_over_lti_1_1_since_stays():
    assignment = await launched(LINKED, later=5, columns=CLEAN)
    result, landed = await launch(OVER_13, later=4, resource_link_id="link", **moving())
    assert (result, landed != assignment, await url_of(assignment)) == ("applied", True, URL)


async def test_a_row_of_the_line_item_takes_over_the_ledger_of_the_one_that_moves_into_it():
    owner = await launched(OVER_13, resource_link_id="link", columns=CLEAN)
    old = await launched(LINKED, columns=CLEAN | CLAIMED)
    await ledger(old)
    assert await launch(OVER_13, later=1, resource_link_id="link", **moving()) == ("applied", owner)
    assert not await GradedAssignment.exists(id=old)
    row = await read_row(owner)
    assert row["note"].startswith(f"{NOTE}replaced assignment {old}, ")
    assert await Delivery.filter(assignment_id=owner).count() == 1
    assert (row["hold_until"], row["forced_version"]) == (CLAIMED["claimed_until"], row["version_number"])


async def test_a_request_under_way_over_lti_1_1_keeps_its_slot_and_its_cell():
    await launched(LINKED, columns=CLEAN | CLAIMED, lis_outcome_service_url="https://elsewhere.example/o")
    await launch(OVER_13, later=1, resource_link_id="link", **moving())
    (left,) = await OrphanedClaim.all()
    assert (left.consumer_key, left.origin) == ("key", "https://elsewhere.example:443")
    assert (left.claimed_until, left.sourcedid_digest) == (CLAIMED["claimed_until"], digest("sourcedid"))


async def test_a_late_request_of_a_row_that_was_displaced_over_lti_1_1_is_overwritten_over_lti_1_3():
    owner = await launched(OVER_13, columns=CLEAN)
    late = {"user_id": "learner", "course_id": "course", "usage_id": "block", "consumer_key": "key"}
    cell = {"origin": "https://old.example:443", "url_digest": digest(OTHER_URL), "sourcedid_digest": digest("gone")}
    await overwrite_late_request(LateRequest(assignment_id=owner + 7, in_doubt_until=NOW + 9, **late, **cell), now=NOW)
    row = await read_row(owner)
    assert (row["forced_version"], row["hold_until"]) == (4, NOW + 9)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="the same launch as before"),
        pytest.param({"lis_result_sourcedid": "a new one for each launch"}, id="with another sourcedid"),
        pytest.param({"lis_outcome_service_url": OTHER_URL}, id="at another address"),
    ],
)
@pytest.mark.parametrize("known", [True, False], ids=["it has moved", "it was not read before"])
async def test_a_launch_over_lti_1_1_that_is_older_than_the_move_registers_nothing(known, changes):
    if known:
        await launched(LINKED)
    _, assignment = await launch(OVER_13, later=5, resource_link_id="new link", **moving(link="link"))
    assert await launch(LINKED, later=4, **changes) == ("stale", None)
    assert [row.id for row in await GradedAssignment.all()] == [assignment]


async def test_a_launch_over_lti_1_1_that_is_newer_than_the_move_is_served_until_the_next_over_lti_1_3():
    await launched(LINKED)
    _, assignment = await launch(OVER_13, later=1, resource_link_id="link", **moving())
    _, again = await launch(LINKED, later=2)
    assert again not in (None, assignment)
    await launch(OVER_13, later=3, resource_link_id="link", **moving())
    assert [row.id for row in await GradedAssignment.all()] == [assignment]


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"user_id": "another"}, id="another learner"),
        pytest.param({"usage_id": "another"}, id="another block"),
        pytest.param({"course_id": "another"}, id="another course"),
        pytest.param({"consumer_key": "other key"}, id="another consumer"),
        pytest.param({"resource_link_id": "another"}, id="another link"),
        pytest.param({"resource_link_id": None}, id="no link"),
    ],
)
async def test_what_has_not_moved_is_registered_also_by_an_older_launch(other):
    await launch(OVER_13, later=5, resource_link_id="link", **moving())
    assert (await launch(LINKED, later=4, **other))[0] == "applied"


async def test_a_move_is_remembered_where_the_row_was_displaced_since():
    await launched(OVER_13, resource_link_id="another link", lis_outcome_service_url="https://campus.example/found")
    container = PlatformLaunch(ISSUER, "client", is_container=True, moves_from="key")
    moved = await launched(OVER_13, later=5, resource_link_id="link", platform=container)
    found = await OutcomeService.get(lis_outcome_service_url="https://campus.example/found")
    async with in_transaction():
        landed = await move_to(await GradedAssignment.get(id=moved), found, now=NOW)
    assert (await launch(LINKED, later=4), landed == moved) == (("stale", None), False)
