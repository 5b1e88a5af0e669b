"""A score whose time is the one that the platform holds, and a score that is the one that it holds."""

import pytest

from daemon.support.resend import resend
from models.queries.filter import AssignmentFilter
from tests.actors.sending import on_one_engine
from tests.actors.sending13 import ledger, over_lti13
from tests.fakes.platform import fails, in_turn, lost, only
from tests.fakes.platform_kinds import canvas, moodle, moodle_4_5_0_own, openedx, strict

pytestmark = on_one_engine

#: How each kind refuses an equal one.
EQUAL = [(strict, 409, "the one that is held"), (moodle, 409, "earlier timestamp"), (openedx, 400, "already exists")]


@pytest.mark.parametrize(("kind", "status", "words"), EQUAL)
async def test_an_equal_timestamp_that_is_refused_is_neither_an_error_nor_a_success(
    empty_database, key, kind, status, words
):
    async with over_lti13(key, kind()) as over:
        leaf = await over.make_grade()
        over.platform.behave = in_turn("score", lost())
        await over.send_all()
        over.sending.tick(40)
        over.platform.behave = only("results", fails(503))
        await over.send_once(leaf)
        assert [one.decision for one in over.platform.of("score")] == ["stored", "equal"]
        assert (await ledger(leaf))[1:] == [("overtaken", status)]
        await over.check_why("due", "Overtaken: ", words, "with a later timestamp, within seconds")
        await over.send_all()
        assert [result for result, _ in await ledger(leaf)] == ["ambiguous", "overtaken", "accepted"]
        await over.check_why("clean", "Sent 0.25 to ")


@pytest.mark.parametrize("kind", [canvas, moodle, moodle_4_5_0_own, openedx])
async def test_an_equal_score_that_is_sent_anew_is_taken_and_so_is_the_next_one(empty_database, key, kind):
    """At Moodle it moves no time."""
    async with over_lti13(key, kind()) as over:
        leaf = await over.make_grade()
        await over.send_all()
        over.sending.tick(5)
        await resend(AssignmentFilter(assignment_id=leaf), now=lambda: over.sending.now, force=True)
        await over.send_all()
        await over.change(leaf, 2)
        await over.send_all()
        assert [one.decision for one in over.platform.of("score")] == ["stored"] * 3
        assert [result for result, _ in await ledger(leaf)] == ["accepted"] * 3
        assert over.held() == "0.5"
        await over.check_why("clean", "Sent 0.5 to ")
