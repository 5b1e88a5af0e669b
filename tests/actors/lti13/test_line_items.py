"""A launch that names no column: it is found or made once at the platform, and the grade goes there."""

import asyncio
import json
from dataclasses import replace

import pytest

from actors.client import Abort
from actors.line_items import LineItems
from daemon.loops.line_items import LineItemLoop
from models.launch import PlatformLaunch
from models.scopes import LINEITEM_SCOPE, SCORE_SCOPE
from tests.actors.sending import HOLD, on_one_engine
from tests.actors.sending13 import launch_over, ledger, over_lti13
from tests.fakes.ags_tool import CLIENT
from tests.fakes.platform import fails, in_turn, login_page, lost, only, throttled, well
from tests.fakes.platform_kinds import KINDS, canvas, moodle, openedx, strict
from tests.models.launching import launched
from tests.models.rows import BLOCK

pytestmark = on_one_engine

READ_SCOPE = f"{LINEITEM_SCOPE}.readonly"
CONTAINER, ITEM = "application/vnd.ims.lis.v2.lineitemcontainer+json", "application/vnd.ims.lis.v2.lineitem+json"
WAITS = "the launch named none, so passbackd looks for it there, and makes one where there is none"


def looks(over) -> LineItemLoop:
    """What a daemon looks for line items with."""
    parts = over.sending.dependencies
    items = LineItems(
        parts.sender, over.sending.tokens, parts.clock, lambda: parts.settings, Abort(), parts.next_breaker
    )
    return LineItemLoop(items, parts.clock, lambda: True)


async def launch_without_column(over, *, offered: str | None = f"{SCORE_SCOPE} {LINEITEM_SCOPE} {READ_SCOPE}") -> int:
    """A grade of a launch that names the container alone, and cannot be sent yet; its id."""
    registration = launch_over(
        over,
        over.platform.line_items_url(),
        resource_link_id="link & 7",
        resource_link_title="Quiz",
        platform=PlatformLaunch(over.platform.issuer, CLIENT, is_container=True),
        offered=offered,
    )
    leaf = await launched(registration, now=over.sending.now)
    await over.change(leaf, 1)
    await over.send_all()
    await over.check_why("waiting", WAITS)
    assert over.platform.of("score") == []
    return leaf


def columns_of(over) -> list:
    """Those of the link."""
    return [one for one in over.platform.gradebook.columns.values() if one.resource_link_id == "link & 7"]


async def delivered(over, leaf: int, column) -> None:
    """The grade goes out, and is in that column."""
    await over.send_all()
    assert [result for result, _ in await ledger(leaf)] == ["accepted"]
    assert over.platform.gradebook.cells[column.path, "sub-learner"].grade is not None
    assert over.held() is None, "the column that was there before is another activity's"
    await over.check_why("clean", "Sent 0.25 to ")


@pytest.mark.parametrize("kind", KINDS)
async def test_a_column_is_made_where_there_is_none_and_the_grade_goes_there(empty_database, key, kind):
    async with over_lti13(key, KINDS[kind]()) as over:
        leaf = await launch_without_column(over)
        assert await looks(over).round() == [True]
        (column,) = columns_of(over)
        assert (column.label, column.maximum, column.resource_id) == ("Quiz", 1, BLOCK)
        (made,) = over.platform.of("create")
        assert (made.headers["Content-Type"], json.loads(made.body)["scoreMaximum"]) == (ITEM, 1)
        asked = over.platform.of("line items")
        assert [list(one.query)[-1] for one in asked if one.status == 200] == ["resource_link_id", "resource_id"]
        assert asked[0].headers["Accept"] == CONTAINER
        assert [one.scopes for one in over.platform.of("token")] == [(SCORE_SCOPE,), (READ_SCOPE,), (LINEITEM_SCOPE,)]
        await delivered(over, leaf, column)


#: Kind, and what the column is known by.
THERE = [(strict, "resource_link_id"), (moodle, "resource_id"), (openedx, "resource_link_id"), (openedx, "resource_id")]


@pytest.mark.parametrize(("kind", "by"), THERE)
async def test_one_that_is_there_is_found_on_a_later_page_and_none_is_made(empty_database, key, kind, by):
    async with over_lti13(key, replace(kind(), filters_line_items=False)) as over:
        over.platform.service.page_size = 1
        names = {"resource_link_id": "link & 7", "resource_id": BLOCK}
        others = [{"resource_link_id": "other link", "resource_id": BLOCK}, {"resource_link_id": "third"}]
        for other in others:
            over.platform.add_line_item(**other)
        column = over.platform.column(over.platform.add_line_item(**{by: names[by]}))
        leaf = await launch_without_column(over)
        assert await looks(over).round() == [True]
        pages = [one for one in over.platform.of("line items") if "page" in one.query]
        assert len(pages) >= 3
        assert over.platform.of("create") == []
        await delivered(over, leaf, column)


async def test_a_next_page_on_another_server_is_not_asked_for_and_none_is_made(empty_database, key):
    async with over_lti13(key) as over:
        link = {"Link": '<https://elsewhere.example/items?page=2>; rel="next"'}
        over.platform.behave = only("line items", fails(200, body=b"[]", content_type=CONTAINER, headers=link))
        await launch_without_column(over)
        assert await looks(over).round() == [False]
        assert over.platform.of("create") == []
        await over.check_why("waiting", WAITS, "The last look failed: 'line items: its next page is on another server")


@pytest.mark.parametrize("lost_answer", [lost(), fails(502, stored=True), login_page(200, stored=True)])
@pytest.mark.parametrize("kind", [moodle, openedx])
async def test_after_doubt_it_is_looked_for_again_before_another_is_made(empty_database, key, kind, lost_answer):
    async with over_lti13(key, kind()) as over:
        leaf = await launch_without_column(over)
        over.platform.behave = in_turn("create", lost_answer)
        loop = looks(over)
        assert await loop.round() == [False]
        await over.check_why("waiting", WAITS, "The last look failed: ")
        over.sending.tick(HOLD - 1)
        assert await loop.round() == []
        over.sending.tick(1)
        assert await loop.round() == [True]
        (column,) = columns_of(over)
        await delivered(over, leaf, column)


async def test_two_daemons_make_one_column(empty_database, key):
    async with over_lti13(key, moodle()) as over:
        leaf = await launch_without_column(over)
        rounds = await asyncio.gather(*(looks(over).round() for _ in range(2)))
        assert sorted(rounds) == [[], [True]]
        (column,) = columns_of(over)
        await delivered(over, leaf, column)


#: What is answered to which request, words of the reason, and who has to act.
FAILED = {
    "no token": ("token", fails(400, body=b'{"error": "invalid_client"}'), "no access token: HTTP 400", "operator"),
    "not allowed": ("line items", fails(403, body=b"{}"), "line items: it answers 403", "no one"),
    "down": ("line items", fails(503), "line items: it answers 503", "no one"),
    "busy": ("line items", throttled(100), "line items: it answers 429", "no one"),
    "a page": ("line items", login_page(), "line items: its answer", "no one"),
    "none made": ("create", fails(400, body=b"{}"), "line items: it answers 400 to the making", "no one"),
}


@pytest.mark.parametrize("name", FAILED)
async def test_a_look_that_fails_is_explained_and_the_next_one_finds_it(empty_database, key, name):
    operation, answer, words, who = FAILED[name]
    async with over_lti13(key, canvas()) as over:
        leaf = await launch_without_column(over)
        over.platform.behave = only(operation, answer)
        loop = looks(over)
        assert await loop.round() == [False]
        await over.check_why("waiting", WAITS, "The last look failed: ", words, "passbackd looks again at ", who=who)
        over.platform.behave = lambda _: well()
        over.sending.tick(101)
        assert await loop.round() == [True]
        (column,) = columns_of(over)
        await delivered(over, leaf, column)


@pytest.mark.parametrize(
    ("offered", "scope"),
    [
        (None, READ_SCOPE),
        (f"{SCORE_SCOPE} {LINEITEM_SCOPE}", LINEITEM_SCOPE),
        (f"{SCORE_SCOPE} {LINEITEM_SCOPE} {READ_SCOPE}", READ_SCOPE),
    ],
)
async def test_a_read_is_made_with_the_scope_that_the_launch_offered(empty_database, key, offered, scope):
    async with over_lti13(key) as over:
        column = over.platform.column(over.platform.add_line_item(resource_link_id="link & 7"))
        leaf = await launch_without_column(over, offered=offered)
        assert await looks(over).round() == [True]
        assert [one.scopes for one in over.platform.of("token")] == [(SCORE_SCOPE,), (scope,)]
        await delivered(over, leaf, column)
