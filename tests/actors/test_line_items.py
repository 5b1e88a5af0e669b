"""A link's line item is found or made, and its grades go there. On both databases."""

import pytest

from actors.errors import Misconfigured
from models.assignment import GradedAssignment
from models.campus import OutcomeService
from models.launch import PlatformLaunch
from models.scopes import LINEITEM_SCOPE
from tests.actors.looking import wanting, where
from tests.fakes.line_items import OneToken
from tests.models.launching import launch, launched
from tests.models.rows import read_row


async def test_a_line_item_is_made_and_the_links_grades_go_there_at_once(container, make_daemon):
    first = await launched(**wanting(container))
    classmate = await launched(**wanting(container, user_id="another", lis_result_sourcedid="another sub"))
    daemon = await make_daemon()
    assert await daemon.round() == [True]
    (item,) = container.items
    assert (item["resourceLinkId"], item["resourceId"], item["label"]) == ("link", "block", "Quiz")
    assert item["scoreMaximum"] == 1
    assert container.asked[:2] == [("GET", {"resource_link_id": "link"}), ("GET", {"resource_id": "block"})]
    assert [await where(first), await where(classmate)] == [item["id"]] * 2
    row = await read_row(first)
    assert (row["version_number"], row["forced_version"], row["lis_result_sourcedid"]) == (2, 2, "sub")
    assert await daemon.round() == []


async def test_later_launches_of_the_link_go_on_to_the_same_line_item(container, make_daemon):
    first = await launched(**wanting(container))
    daemon = await make_daemon()
    await daemon.round()
    before = await read_row(first)
    assert await launch(**wanting(container, later=5)) == ("unchanged", first)
    third = await launched(**wanting(container, user_id="third", lis_result_sourcedid="third sub"))
    assert await where(third) == container.items[0]["id"]
    assert (await read_row(first))["version_number"] == before["version_number"]
    assert (await daemon.round(), container.made) == ([], 1)


async def test_a_launch_that_names_the_line_item_meets_the_same_row(container, make_daemon):
    first = await launched(**wanting(container))
    await (await make_daemon()).round()
    named = {"platform": PlatformLaunch("https://i", "c"), "lis_outcome_service_url": container.items[0]["id"]}
    assert await launch(**wanting(container, later=5, **named)) == ("unchanged", first)


@pytest.mark.parametrize("members", [{"resourceLinkId": "link"}, {"resourceId": "block"}])
@pytest.mark.parametrize("page", [100, 1])
async def test_one_that_is_there_is_used_also_on_a_later_page(container, make_daemon, members, page):
    container.page = page
    container.add(resourceLinkId="other link", resourceId="block")
    container.add(**members)
    assignment = await launched(**wanting(container))
    assert await (await make_daemon()).round() == [True]
    assert (await where(assignment), container.made) == (container.items[1]["id"], 0)


async def test_another_links_line_item_is_not_taken_although_it_is_of_the_same_activity(container, make_daemon):
    first, second = [
        await launched(**wanting(container, link, lis_result_sourcedid=link)) for link in ("link", "other link")
    ]
    daemon = await make_daemon()
    while await daemon.round():
        pass
    assert await where(first) != await where(second)
    assert container.made == 2


@pytest.mark.parametrize(
    ("offered", "scopes"),
    [
        (None, [".readonly", ".readonly", ""]),
        (LINEITEM_SCOPE, ["", "", ""]),
        (f"{LINEITEM_SCOPE} {LINEITEM_SCOPE}.readonly", [".readonly", ".readonly", ""]),
    ],
)
async def test_reads_ask_for_the_scope_to_read_where_the_launch_offered_it(container, make_daemon, offered, scopes):
    await launched(**wanting(container, offered=offered))
    tokens = OneToken()
    await (await make_daemon(tokens=tokens)).round()
    assert tokens.scopes == scopes


async def test_a_platform_that_gives_no_token_to_read_with_is_read_with_the_scope_for_all(container, make_daemon):
    assignment = await launched(**wanting(container))

    class Picky(OneToken):
        async def fetch(self, consumer_id, scope):
            token = await super().fetch(consumer_id, scope)
            if scope.endswith(".readonly"):
                raise Misconfigured("no access token: HTTP 400: invalid_scope", http_status=400)
            return token

    tokens = Picky()
    assert await (await make_daemon(tokens=tokens)).round() == [True]
    assert tokens.scopes == [".readonly", "", ".readonly", "", ""]
    assert await where(assignment) == container.items[0]["id"]


async def test_a_disabled_row_moves_and_stays_disabled(container, make_daemon):
    await launched(**wanting(container))
    off = await launched(**wanting(container, user_id="b", lis_result_sourcedid="b"), columns={"disabled_at": 7})
    await (await make_daemon()).round()
    assert (await where(off), (await read_row(off))["disabled_at"]) == (container.items[0]["id"], 7)


@pytest.mark.parametrize("is_address", [True, False])
async def test_a_line_item_that_the_lms_refuses_since_is_looked_for_again_after_a_newer_launch(
    container, make_daemon, is_address
):
    assignment, at = await launched(**wanting(container)), 1_767_268_800_000 + 1
    daemon = await make_daemon()
    await daemon.round()
    gone = container.items.pop()["id"]
    column = OutcomeService.filter(lis_outcome_service_url=gone)
    if is_address:
        await column.update(refused_at=at)
    else:
        await GradedAssignment.filter(id=assignment).update(parked_at=at, parked_scope="course", parked_reason="gone")
    assert await launch(**wanting(container, later=1)) == ("unchanged", assignment)
    if not is_address:
        await column.update(accepted_at=at + 1)
        await launch(**wanting(container, later=3_000))
        assert await where(assignment) == gone, "it has taken a grade since"
        await GradedAssignment.filter(id=assignment).update(parked_at=at + 4, parked_scope="course")
    assert await launch(**wanting(container, later=6_000)) == ("applied", assignment)
    container.add(resourceLinkId="link", id=f"{container.url}/new")
    assert await daemon.round() == [True]
    assert await where(assignment) == f"{container.url}/new"
