"""What a platform holds is read after it refused a score as older: how it is asked, and what is understood."""

import json
from dataclasses import replace
from typing import Any

import pytest

from models.scopes import RESULT_SCOPE
from tests.actors.sending import on_one_engine
from tests.actors.sending13 import ledger, over_lti13
from tests.fakes.platform import RecordingPlatform, fails, in_turn, login_page, lost, only
from tests.fakes.platform_kinds import aplus, d2l, moodle, openedx, strict

pytestmark = on_one_engine

RESULTS = "application/vnd.ims.lis.v2.resultcontainer+json"
#: The score arrived and its answer was lost; then it was refused as older, and what is held was read.
READ = ["ambiguous", "accepted"]
#: The same, where what is held could not be read: the score goes again at once, with a later time.
UNREAD = ["ambiguous", "overtaken", "accepted"]


async def refused_after_a_lost_answer(over) -> int:
    """The id of a grade of which the platform holds the newest score, and refuses it the second time."""
    leaf = await over.make_grade()
    over.platform.behave = in_turn("score", lost())
    await over.send_all()
    over.sending.tick(40)
    return leaf


# --- How it is asked ---


@pytest.mark.parametrize("kind", [moodle, d2l, openedx])
async def test_the_results_are_asked_for_beneath_the_line_item_for_one_learner(empty_database, key, kind):
    async with over_lti13(key, kind()) as over:
        leaf = await refused_after_a_lost_answer(over)
        await over.send_all()
        (asked,) = over.platform.of("results")
        path, mark, query = over.line_item.removeprefix(over.platform.issuer).partition("?")
        assert asked.path_qs == f"{path}/results{mark}{query}{'&' if query else '?'}user_id=sub-learner"
        assert (asked.method, asked.headers["Accept"], asked.decision) == ("GET", RESULTS, "read")
        assert [one.scopes for one in over.platform.of("token")][1:] == [(RESULT_SCOPE,)]
        assert [result for result, _ in await ledger(leaf)] == READ
        await over.check_why("clean", "Sent 0.25 to ")


#: Platforms that answer in pages of one learner, whether they leave out the others, and pages until ours.
PAGED = {
    "Moodle, escaped": (moodle, False, 4),
    "plain": (d2l, False, 4),
    "filtered": (moodle, True, 1),
}


@pytest.mark.parametrize("name", PAGED)
async def test_the_learner_is_found_on_a_later_page_among_the_others(empty_database, key, name):
    kind, filters, pages = PAGED[name]
    async with over_lti13(key, replace(kind(), filters_results=filters)) as over:
        over.platform.service.page_size = 1
        for other in ("anna", "bert", "carl"):
            await over.make_grade(3, learner=other)
        await over.send_all()
        leaf = await refused_after_a_lost_answer(over)
        await over.send_all()
        assert [one.decision for one in over.platform.of("results")] == ["read"] * pages
        assert [result for result, _ in await ledger(leaf)] == READ
        await over.check_why("clean", "Sent 0.25 to ")


async def test_a_next_page_on_another_server_is_not_asked_for(empty_database, key):
    async with over_lti13(key) as over, RecordingPlatform() as other:
        leaf = await refused_after_a_lost_answer(over)
        link = {"Link": f'<{other.issuer}/ags/1/lineitems/1/results?page=2>; rel="next"'}
        over.platform.behave = only("results", fails(200, body=b"[]", content_type=RESULTS, headers=link))
        await over.send_all()
        assert (other.requests, len(over.platform.of("results"))) == ([], 1)
        assert [result for result, _ in await ledger(leaf)] == UNREAD
        await over.check_why("clean", "Sent 0.25 to ")


async def test_a_product_without_results_is_not_asked_for_any(empty_database, key):
    async with over_lti13(key, aplus()) as over:
        leaf = await over.make_grade()
        over.platform.behave = in_turn("score", lost(), fails(409, body=b"[]"))
        await over.send_all()
        over.sending.tick(40)
        await over.send_once(leaf)
        await over.check_why("due", "Overtaken: ", "with a later timestamp, within seconds")
        await over.send_all()
        assert over.platform.of("results") == []
        assert [result for result, _ in await ledger(leaf)] == UNREAD
        await over.check_why("clean", "Sent 0.25 to ")


async def test_a_platform_that_cannot_give_the_media_type_is_asked_for_any(empty_database, key):
    async with over_lti13(key, replace(strict(), accept_results="json")) as over:
        leaf = await refused_after_a_lost_answer(over)
        await over.send_all()
        asked = [(one.headers["Accept"], one.status) for one in over.platform.of("results")]
        assert asked == [(RESULTS, 406), ("*/*", 200)]
        assert [result for result, _ in await ledger(leaf)] == READ
        await over.check_why("clean", "Sent 0.25 to ")


# --- What is understood ---


def results(*rows: dict[str, Any]):
    return fails(200, body=json.dumps(rows).encode(), content_type=RESULTS)


OURS, OTHER = {"userId": "sub-learner"}, {"userId": "sub-other", "resultScore": 0.25}
#: What is answered, and the results in the ledger.
UNDERSTOOD = {
    "of a maximum": (results(OTHER, {**OURS, "resultScore": 5, "resultMaximum": 20}), READ),
    "without a maximum": (results({**OURS, "resultScore": 0.25}), READ),
    "no row": (results(OTHER), UNREAD),
    "no score": (results({**OURS, "resultMaximum": 20}), UNREAD),
    "nothing": (fails(204, body=b""), UNREAD),
    "no results": (fails(200, body=b'{"error": "no"}', content_type="application/json"), UNREAD),
    "a page": (login_page(), UNREAD),
    "no such address, A+": (fails(404), UNREAD),
    "down": (fails(503), UNREAD),
    "not allowed": (fails(401), UNREAD),
}


@pytest.mark.parametrize("name", UNDERSTOOD)
async def test_an_answer_is_understood_or_the_score_goes_again_with_a_later_time(empty_database, key, name):
    answer, in_ledger = UNDERSTOOD[name]
    async with over_lti13(key) as over:
        leaf = await refused_after_a_lost_answer(over)
        over.platform.behave = only("results", answer)
        await over.send_once(leaf)
        if in_ledger is UNREAD:
            words = ("Overtaken: ", "sends the newest one again with a later timestamp, within seconds")
            await over.check_why("due", *words)
        await over.send_all()
        stamps = [json.loads(one.body)["timestamp"] for one in over.platform.of("score")]
        # A repeat has the time of the try before it.
        assert stamps[0] == stamps[1]
        assert stamps == sorted(stamps)
        assert len(set(stamps)) == len(in_ledger) - 1
        assert [result for result, _ in await ledger(leaf)] == in_ledger
        assert over.held() == "0.25"
        await over.check_why("clean", "Sent 0.25 to ")
