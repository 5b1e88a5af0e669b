"""A link's line item is found or made, once, whatever becomes of answers and creators. On both databases."""

import asyncio
from contextlib import AsyncExitStack

import pytest
from structlog.testing import capture_logs

from actors.client import Abort
from actors.errors import Misconfigured
from actors.line_items import LOOK_SECONDS, LineItems
from actors.resolution import Rules
from actors.settings import Settings
from daemon.infra.stop import Stop
from daemon.loops.line_items import LineItemLoop
from models.assignment import GradedAssignment
from models.campus import Campus, OutcomeService
from models.consumer import LtiConsumer
from models.launch import LINEITEM_SCOPE, PlatformLaunch, Registration
from models.line_item import claim_wanted
from tests.actors.posting import open_sender
from tests.actors.sending import HOLD, TIMEOUT, fixed_clock
from tests.fakes.line_items import Container, OneToken, serving
from tests.models.launching import launch, launched
from tests.models.rows import read_row


@pytest.fixture
async def container(empty_database):
    await LtiConsumer.create(
        consumer_name="campus", consumer_key="uni", consumer_secret="", issuer="https://i", client_id="c"
    )
    async with serving(Container()) as container:
        yield container


@pytest.fixture
async def make_daemon():
    async with AsyncExitStack() as stack:

        async def make(patience=5.0, tokens=None, *, may_send=True):
            sender = await stack.enter_async_context(open_sender(patience))
            settings = Settings(TIMEOUT, Rules(hold_seconds=HOLD, max_attempts=80), max_per_campus=4, max_connections=9)
            clock = await fixed_clock()
            looks = LineItems(sender, tokens or OneToken(), clock, lambda: settings, Abort())
            return LineItemLoop(looks, clock, lambda: may_send)

        yield make


def wanting(container, link="link", **changes):
    launch = Registration(
        "",
        "learner",
        "course",
        "block",
        "sub",
        container.url,
        1_767_268_800_000_000,
        resource_link_id=link,
        resource_link_title="Quiz",
        platform=PlatformLaunch("https://i", "c", is_container=True),
    )
    return {"registration": launch} | changes


async def where(assignment):
    row = await GradedAssignment.get(id=assignment).prefetch_related("outcome_service")
    assert row.outcome_service.wanted_for is None
    return row.outcome_service.lis_outcome_service_url


async def look_again(daemon, seconds):
    daemon.clock.monotonic.seconds += seconds
    return await daemon.round()


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


@pytest.mark.parametrize("lost", ["unreadable", "broken"])
async def test_after_a_lost_answer_it_is_looked_for_again_once_that_has_landed(container, make_daemon, lost):
    container.answers = ["right", "right", lost]
    assignment = await launched(**wanting(container))
    daemon = await make_daemon()
    assert await daemon.round() == [False]
    assert await look_again(daemon, HOLD - 1) == []
    assert await look_again(daemon, 1) == [True]
    assert (container.made, await where(assignment)) == (1, container.items[0]["id"])


async def test_after_a_timeout_it_is_looked_for_again_once_that_has_landed(container, make_daemon):
    container.answers = ["right", "right", "slow"]
    await launched(**wanting(container))
    daemon = await make_daemon(patience=0.3)
    assert await daemon.round() == [False]
    assert await look_again(daemon, HOLD - 1) == []
    assert (await look_again(daemon, 1), container.made) == ([True], 1)


async def test_two_daemons_make_one_line_item(container, make_daemon):
    assignment = await launched(**wanting(container))
    daemons = [await make_daemon() for _ in range(2)]
    rounds = await asyncio.gather(*(daemon.round() for daemon in daemons))
    assert sorted(rounds) == [[], [True]]
    assert (container.made, await where(assignment)) == (1, container.items[0]["id"])


async def test_what_a_dead_daemon_made_is_found_by_another_once_it_must_have_landed(container, make_daemon):
    container.answers = ["right", "right", "slow"]
    await launched(**wanting(container))
    dead, other = await make_daemon(), await make_daemon()
    dying = asyncio.create_task(dead.round())
    await container.stored.wait()
    lease = LOOK_SECONDS + TIMEOUT + HOLD
    assert await look_again(other, lease - 1) == []
    assert await look_again(other, 1) == [True]
    container.may_answer.set()
    assert await dying == [True], "it was fenced: what it found changes nothing"
    service = await OutcomeService.get(wanted_for__isnull=False)
    found = await OutcomeService.get(id=service.found_id)
    assert (container.made, found.lis_outcome_service_url) == (1, container.items[0]["id"])


async def test_one_that_lands_after_the_lease_is_a_second_one_which_gets_no_grade_and_is_logged(container, make_daemon):
    container.answers = ["right", "right", "late"]
    assignment = await launched(**wanting(container))
    slow, other = await make_daemon(), await make_daemon()
    waiting = asyncio.create_task(slow.round())
    await container.came.wait()
    assert await look_again(other, LOOK_SECONDS + TIMEOUT + HOLD) == [True]
    with capture_logs() as logged:
        container.may_answer.set()
        await waiting
    used, unused = (item["id"] for item in container.items)
    assert await where(assignment) == used
    (doubled,) = [line for line in logged if line["event"] == "line_item.doubled"]
    assert (doubled["used"], doubled["unused"], doubled["consumer"]) == (used, unused, "uni")


async def test_a_look_that_took_too_long_makes_nothing(container, make_daemon):
    await launched(**wanting(container))
    daemon = await make_daemon()
    clock = daemon.clock
    (wanted,) = await claim_wanted(now=clock.now(), began=clock.monotonic(), lease_ms=90_000, most=9, each=9)
    clock.monotonic.seconds += LOOK_SECONDS + 1
    assert not await daemon.looks.look(wanted)
    assert container.made == 0


@pytest.mark.parametrize("status", [400, 401, 403, 404, 500, 503])
async def test_a_refusal_is_on_record_and_tried_again_later_and_more_rarely(container, make_daemon, status):
    await launched(**wanting(container))
    tokens = OneToken()
    daemon = await make_daemon(tokens=tokens)
    for failures in (1, 2, 3):
        container.answers = [status] * (2 if status in (401, 403) else 1)
        assert await look_again(daemon, 3_600) == [False]
        service = await OutcomeService.get()
        assert service.look_failures == failures
        assert f"it answers {status}" in service.look_error
        assert 5_000 * 2 ** (failures - 1) <= service.look_at - daemon.clock.now() <= 10_000 * 2 ** (failures - 1)
    assert len(tokens.dropped) == (6 if status in (401, 403) else 0)
    assert await look_again(daemon, 3_600) == [True]


async def test_the_wait_that_a_busy_platform_asks_for_is_kept(container, make_daemon):
    container.answers = [429]
    await launched(**wanting(container))
    daemon = await make_daemon()
    assert await daemon.round() == [False]
    assert (await look_again(daemon, 99), await look_again(daemon, 1)) == ([], [True])


async def test_without_a_token_nothing_is_asked_and_the_reason_is_on_record(container, make_daemon):
    await launched(**wanting(container))
    assert await (await make_daemon(tokens=OneToken(Misconfigured("no key is known")))).round() == [False]
    assert (container.asked, (await OutcomeService.get()).look_error) == ([], "no key is known")


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


async def test_a_token_that_was_withdrawn_is_replaced_at_once(container, make_daemon):
    await launched(**wanting(container))
    container.answers = [401, "right", "right", 401, "right"]
    tokens = OneToken()
    assert await (await make_daemon(tokens=tokens)).round() == [True]
    assert (container.made, tokens.dropped) == (1, ["a-token"] * 2)


async def test_a_paused_or_blocked_campus_is_not_asked_nor_for_those_who_are_disabled(container, make_daemon):
    await launched(**wanting(container))
    daemon = await make_daemon()
    now = daemon.clock.now()
    for model, stop, go in (
        (LtiConsumer, {"paused_at": now}, {"paused_at": None}),
        (Campus, {"blocked_until": now + 60_000}, {"blocked_until": 0}),
        (GradedAssignment, {"disabled_at": now}, {"disabled_at": None}),
    ):
        await model.all().update(**stop)
        assert await daemon.round() == []
        await model.all().update(**go)
    assert await daemon.round() == [True]


async def test_a_disabled_row_moves_and_stays_disabled(container, make_daemon):
    await launched(**wanting(container))
    off = await launched(**wanting(container, user_id="b", lis_result_sourcedid="b"), columns={"disabled_at": 7})
    await (await make_daemon()).round()
    assert (await where(off), (await read_row(off))["disabled_at"]) == (container.items[0]["id"], 7)


async def test_few_are_looked_for_at_once_at_one_campus(container, make_daemon):
    for number in range(5):
        await launched(**wanting(container, f"link {number}", lis_result_sourcedid=f"{number}"))
    daemon = await make_daemon()
    assert [len(await daemon.round()) for _ in range(4)] == [2, 2, 1, 0]
    assert container.made == 5


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


async def test_the_loop_waits_until_this_daemon_may_send(container, make_daemon):
    await launched(**wanting(container))
    daemon = await make_daemon(may_send=False)
    stop = Stop()
    stop.set()
    await daemon.step(stop)
    assert container.asked == []
