"""A score that the tool took back: what each kind of platform gets, and makes of it."""

import json

import pytest

from daemon.support.resend import resend
from models.campus import Campus
from models.queries.filter import AssignmentFilter
from tests.actors.sending import on_one_engine
from tests.actors.sending13 import ledger, over_lti13
from tests.fakes.platform import fails, in_turn, lost, well
from tests.fakes.platform_kinds import KINDS
from tests.models.rows import read_row

pytestmark = on_one_engine

CLEARED = "Cleared: the grade was taken back at "
INSTEAD = "It is sent in place of no grade: the tool took back what this learner had attempted"

#: Where it is otherwise than that the grade is gone: what people see afterwards.
STILL_SHOWN = {"openedx": "0.25", "aplus": "0.25"}


@pytest.mark.parametrize("kind", KINDS)
async def test_a_score_that_was_taken_back_is_cleared_or_becomes_0_where_the_lms_cannot(empty_database, key, kind):
    async with over_lti13(key, KINDS[kind]()) as over:
        leaf = await over.make_grade()
        await over.send_all()
        over.sending.tick(5)
        await over.take_back(leaf)
        await over.check_why("due", "so the grade is to be cleared at the campus")
        await over.send_once(leaf)
        cleared = json.loads(over.platform.of("score")[1].body)
        stamp = cleared.pop("timestamp")
        assert stamp > json.loads(over.platform.of("score")[0].body)["timestamp"]
        assert cleared == {"userId": "sub-learner", "activityProgress": "Initialized", "gradingProgress": "NotReady"}
        if kind == "aplus":
            assert (await ledger(leaf))[1] == ("retried", 400)
            await over.check_why("due", "as this LMS takes no grade back, 0 is sent in its place")
            await over.send_all()
            assert [result for result, _ in await ledger(leaf)] == ["accepted", "retried", "accepted"]
            assert json.loads(over.platform.of("score")[2].body)["scoreGiven"] == 0
            await over.check_why("clean", "Sent 0 to ", INSTEAD)
            over.sending.tick(5)
            await over.take_back(leaf)
            await over.send_all()
            assert len(over.platform.of("score")) == 3, "asked again to clear what it cannot"
            await resend(AssignmentFilter(assignment_id=leaf), now=lambda: over.sending.now, force=True)
            await over.send_all()
            assert [result for result, _ in await ledger(leaf)][3:] == ["retried", "accepted"]
        else:
            assert [result for result, _ in await ledger(leaf)] == ["accepted", "accepted"]
            await over.check_why("clean", CLEARED, "Some LMSs go on showing it in their gradebook.")
        cell = over.platform.gradebook.cells[over.platform.column(over.line_item).path, "sub-learner"]
        assert (over.held(), (await read_row(leaf))["attempts"]) == (STILL_SHOWN.get(kind), 0)
        assert kind == "aplus" or cell.result is None
        over.sending.tick(5)
        await over.change(leaf, 3)
        await over.send_all()
        assert over.held() == "0.75"
        await over.check_why("clean", "Sent 0.75 to ")


async def test_0_is_a_score(empty_database, key):
    async with over_lti13(key) as over:
        leaf = await over.make_grade(0)
        await over.send_all()
        (sent,) = over.platform.of("score")
        assert (json.loads(sent.body)["scoreGiven"], over.held()) == (0, "0")
        assert await ledger(leaf) == [("accepted", 204)]
        await over.check_why("clean", "Sent 0 to ")


@pytest.mark.parametrize("force", [False, True])
async def test_nothing_goes_out_before_a_score_was_accepted(empty_database, key, force):
    async with over_lti13(key) as over:
        leaf = await over.make_grade()
        await over.take_back(leaf)
        if force:
            over.platform.set_by_hand(over.line_item, "sub-learner", "0.9")
            await resend(AssignmentFilter(assignment_id=leaf), now=lambda: over.sending.now, force=True)
        await over.send_all()
        assert over.held() == ("0.9" if force else None)
        assert (over.platform.of("score"), await ledger(leaf)) == ([], [])
        await over.check_why("clean", "Nothing to send: the tool took back", "is not known to hold a grade of it")


async def test_a_score_whose_answer_was_lost_is_cleared_too(empty_database, key):
    async with over_lti13(key) as over:
        leaf = await over.make_grade()
        over.platform.behave = in_turn("score", lost())
        await over.send_all()
        assert over.held() == "0.25"
        await over.take_back(leaf)
        over.sending.tick(60)
        await over.send_all()
        assert (over.held(), [result for result, _ in await ledger(leaf)]) == (None, ["ambiguous", "accepted"])
        await over.check_why("clean", CLEARED)


async def test_an_lms_that_takes_no_score_back_gets_0_once_and_its_refusal_of_that_decides(empty_database, key):
    async with over_lti13(key) as over:
        refused = {"sub-gone": fails(400, body=b"", reason="Incorrect score received")}
        leaves = {name: await over.make_grade(learner=name) for name in ("one", "two", "gone")}
        await over.send_all()
        over.sending.tick(5)

        def behaves(record):
            if record.operation != "score":
                return well()
            sent = json.loads(record.body)
            cannot = well() if "scoreGiven" in sent else fails(400, body=b'{"error": "score is required"}')
            return refused.get(sent["userId"], cannot)

        over.platform.behave = behaves
        for name, leaf in leaves.items():
            await over.take_back(leaf, name)
        await over.send_all()
        assert [over.held(name) for name in leaves] == ["0", "0", "0.25"]
        ends = {name: [result for result, _ in await ledger(leaf)][1:] for name, leaf in leaves.items()}
        taken = ["retried", "accepted"]
        assert ends == {"one": taken, "two": taken, "gone": ["retried", "refused"]}
        assert (await read_row(leaves["gone"]))["parked_scope"] == "learner"
        assert (await Campus.get()).tripped_at is None
