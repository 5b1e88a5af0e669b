"""Looks for line items: one at a time for a link, whatever becomes of answers and creators. On both databases."""

import asyncio

import pytest
from structlog.testing import capture_logs

from actors.errors import Misconfigured, OutOfFiles
from actors.line_items import LOOK_SECONDS
from daemon.infra.loop import Loop
from daemon.infra.stop import Stop
from models.assignment import GradedAssignment
from models.campus import Campus, OutcomeService
from models.consumer import LtiConsumer
from models.line_item import SHOWN_FAILURES, claim_wanted, missing_line_items
from tests.actors.looking import look_again, wanting, where, where_if_known
from tests.actors.sending import HOLD, TIMEOUT
from tests.fakes.line_items import Container, OneToken, serving
from tests.models.launching import launched


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


async def test_few_are_looked_for_at_once_at_one_campus(container, make_daemon):
    for number in range(5):
        await launched(**wanting(container, f"link {number}", lis_result_sourcedid=f"{number}"))
    daemon = await make_daemon()
    assert [len(await daemon.round()) for _ in range(4)] == [2, 2, 1, 0]
    assert container.made == 5


async def test_the_loop_waits_until_this_daemon_may_send(container, make_daemon):
    await launched(**wanting(container))
    daemon = await make_daemon(may_send=False)
    stop = Stop()
    stop.set()
    await daemon.step(stop)
    assert container.asked == []


async def test_a_slow_platform_holds_back_no_other_and_not_the_loop(container, make_daemon):
    container.answers = ["right", "right", "late"]
    slow = await launched(**wanting(container))
    daemon, stop = await make_daemon(patience=60), Stop()
    loop = Loop("line items", daemon.step)
    running = asyncio.create_task(loop.run(stop))
    await container.came.wait()
    async with serving(Container()) as other:
        quick = await launched(**wanting(other, "other link", lis_result_sourcedid="other"))
        async with asyncio.timeout(30):
            while not other.made or (await where_if_known(quick)) is None:
                await asyncio.sleep(0.05)
    assert await where_if_known(slow) is None
    stop.set()
    await running
    container.may_answer.set()
    await daemon.close()
    assert await where(slow) == container.items[0]["id"]


async def test_no_more_begin_at_one_campus_while_others_are_under_way_and_one_while_it_is_down(container, make_daemon):
    for number in range(5):
        await launched(**wanting(container, f"link {number}", lis_result_sourcedid=f"{number}"))
    container.answers = ["right"] * 4 + ["late"] * 2
    one, other = [await make_daemon(patience=60) for _ in range(2)]
    under_way = await one.begin()
    assert (len(under_way), await one.begin(), await other.begin()) == (2, [], [])
    container.may_answer.set()
    assert await asyncio.gather(*under_way) == [True, True]
    await Campus.all().update(tripped_at=1)
    assert await one.round() == [True]


async def test_looks_that_fail_count_for_the_breaker_as_one_grade_and_stop_none_by_themselves(container, make_daemon):
    container.answers = [503, 503]
    for link in ("one", "other"):
        await launched(**wanting(container, link, lis_result_sourcedid=link))
    daemon = await make_daemon()
    assert await daemon.round() == [False, False]
    campus = await Campus.get()
    assert (campus.tripped_at, campus.last_failed_assignment) == (None, 0)
    assert "it answers 503" in campus.last_error
    await Campus.all().update(last_failed_assignment=7)
    container.answers = [503]
    assert False in await look_again(daemon, 3_600)
    assert (await Campus.get()).tripped_at is not None


class SlowToken(OneToken):
    """Comes when the look may ask nothing any more."""

    async def fetch(self, consumer_id, scope):
        self.clock.monotonic.seconds += LOOK_SECONDS + 1
        return await super().fetch(consumer_id, scope)


@pytest.mark.parametrize("why", ["stopped", "stopped while a line item is made", "out of files", "too slow"])
async def test_what_is_our_own_fault_is_no_failure_of_the_campus(container, make_daemon, why):
    await launched(**wanting(container))
    tokens = {"out of files": OneToken(OutOfFiles("too many open files")), "too slow": SlowToken()}.get(why)
    daemon = await make_daemon(tokens=tokens, patience=60)
    if tokens is not None:
        tokens.clock = daemon.clock
    if why == "stopped":
        daemon.looks.abort.set()
    container.answers = ["right", "right", "late"]
    looks = await daemon.begin()
    if "made" in why:
        await container.came.wait()
        daemon.looks.abort.set()
    assert (await asyncio.gather(*looks), container.made) == ([False], 0)
    campus, service = await Campus.get(), await OutcomeService.get()
    assert (campus.last_failed_assignment, campus.last_error) == (None, None), service.look_error
    assert service.look_failures == 1


async def test_a_platform_that_is_busy_gets_a_pause_also_from_grades(container, make_daemon):
    container.answers = [429]
    await launched(**wanting(container))
    daemon = await make_daemon()
    await daemon.round()
    assert (await Campus.get()).blocked_until == daemon.clock.now() + 100_000


async def test_a_link_that_has_no_line_item_after_some_looks_is_shown_with_the_reason(container, make_daemon):
    await launched(**wanting(container))
    daemon = await make_daemon()
    for _ in range(SHOWN_FAILURES):
        assert await missing_line_items() == []
        container.answers = [404]
        await look_again(daemon, 3_600)
    (missing,) = await missing_line_items()
    assert (missing.consumer, missing.number) == ("campus", 1)
    assert "it answers 404" in missing.reason
    await GradedAssignment.all().update(disabled_at=1)
    assert await missing_line_items() == []
