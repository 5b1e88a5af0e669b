"""The time of a score: which one it is, and what becomes of a score whose time the platform refuses."""

import json
from dataclasses import replace
from datetime import datetime
from itertools import pairwise

import pytest

from daemon.support.resend import resend
from models.address import try_again
from models.changes import Change, change
from models.queries.filter import AssignmentFilter
from tests.actors.sending import DEBOUNCE, on_one_engine
from tests.actors.sending13 import ledger, over_lti13
from tests.fakes.platform import fails, in_turn, lost, only, well
from tests.fakes.platform_kinds import aplus, canvas, moodle, moodle_4_5_0_own, openedx, sakai, strict
from tests.models.rows import make_assignment, make_service, read_lines, read_row

pytestmark = on_one_engine


def stamps_of(over) -> list[float]:
    """Those of the scores that came, in order, in seconds since 1970."""
    return [datetime.fromisoformat(json.loads(one.body)["timestamp"]).timestamp() for one in over.platform.of("score")]


async def test_two_changes_within_a_second_have_times_a_second_apart_and_a_repeat_has_its_own(empty_database, key):
    async with over_lti13(key) as over:
        leaf = await over.make_grade()
        over.platform.behave = in_turn("score", lost(), lost())
        now = over.sending.now / 1000
        await over.send_all()
        await over.change(leaf, 2)
        for _ in range(3):
            over.sending.tick(120)
            await over.send_all()
        first, second, *repeats = stamps_of(over)
        assert first == int(now)
        assert second == first + 1
        assert set(repeats) <= {second}
        assert over.held() == "0.5"
        assert [result for result, _ in await ledger(leaf)] == ["ambiguous", "ambiguous", "accepted"]
        await over.check_why("clean", "Sent 0.5 to ")


@pytest.mark.parametrize(("offset", "known"), [(45, 45), (-45, -45), (1, 0)])
async def test_a_time_is_that_of_the_change_by_the_platforms_clock(empty_database, key, offset, known):
    async with over_lti13(key, offset=offset) as over:
        leaf = await over.make_grade()
        await over.send_all()
        over.sending.tick(100)
        await over.change(leaf, 2)
        changed_at = over.sending.now // 1000
        over.sending.tick(100)
        await over.send_all()
        # A ``Date`` has whole seconds.
        assert changed_at + known - bool(known) <= stamps_of(over)[-1] <= changed_at + known
        assert (await read_row(leaf))["stamp"] >= stamps_of(over)[-1], "it is kept with the version"
        assert await ledger(leaf) == [("accepted", 204)] * 2
        await over.check_why("clean", "Sent 0.5 to ")


async def test_a_change_that_is_dated_in_the_future_is_of_now_and_hides_no_later_one(empty_database, key):
    async with over_lti13(key) as over:
        leaf = await over.make_grade()
        now = over.sending.now
        await change([Change(leaf, "leaf", scored_at=now + 3_600_000)], now=now, debounce=DEBOUNCE)
        await over.send_all()
        assert stamps_of(over) == [now // 1000]
        over.sending.tick(5)
        over.platform.set_by_hand(over.line_item, "sub-learner", "0.9")
        over.sending.tick(5)
        await over.change(leaf, 2)
        await over.send_all()
        assert (over.held(), await ledger(leaf)) == ("0.5", [("accepted", 204)] * 2)
        await over.check_why("clean", "Sent 0.5 to ")


async def test_an_acceptance_lifts_the_time_to_that_of_the_answer(empty_database, key):
    async with over_lti13(key, offset=45) as over:
        leaf = await over.make_grade()
        await over.send_all()
        accepted_at = over.platform.now() // 1_000_000
        over.platform.offset = 0
        await over.change(leaf, 2)
        await over.send_all()
        assert stamps_of(over)[-1] == accepted_at + 1
        assert await ledger(leaf) == [("accepted", 204)] * 2
        await over.check_why("clean", "Sent 0.5 to ")


#: How each kind refuses, in the ledger.
REFUSED = [(canvas, 400, "last updated timestamp"), (moodle, 409, "earlier timestamp"), (openedx, 400, "point in time")]


@pytest.mark.parametrize(("kind", "status", "words"), REFUSED)
async def test_a_clock_that_turns_out_to_be_ahead_is_tried_first_and_nothing_is_read(
    empty_database, key, kind, status, words
):
    async with over_lti13(key, kind()) as over:
        leaf = await over.make_grade()
        await over.send_all()
        over.sending.tick(5)
        over.platform.offset = 45
        cell = over.platform.gradebook.cells[over.platform.column(over.line_item).path, "sub-learner"]
        cell.since = over.platform.now()
        over.sending.tick(5)
        await over.change(leaf, 2)
        await over.send_once(leaf)
        assert (await ledger(leaf))[-1] == ("overtaken", status)
        await over.check_why("due", "Overtaken: ", words, "with a later timestamp, within seconds")
        await over.send_all()
        assert (over.held(), len(over.platform.of("score"))) == ("0.5", 3)
        assert over.platform.of("results") == []
        await over.check_why("clean", "Sent 0.5 to ")


@pytest.mark.parametrize("kind", [canvas, moodle])
async def test_the_timestamp_grows_beyond_the_time_that_the_answer_or_the_result_names(empty_database, key, kind):
    """Canvas names it in its refusal, and Moodle in the result."""
    async with over_lti13(key, kind()) as over:
        leaf = await over.make_grade()
        await over.send_all()
        cell = over.platform.gradebook.cells[over.platform.column(over.line_item).path, "sub-learner"]
        cell.since += 3000 * 1_000_000
        over.sending.tick(2)
        await over.change(leaf, 2)
        await over.send_all()
        assert [result for result, _ in await ledger(leaf)] == ["accepted", "overtaken", "accepted"]
        assert over.held() == "0.5"
        await over.check_why("clean", "Sent 0.5 to ")


@pytest.mark.parametrize("kind", [strict, moodle, openedx])
async def test_an_order_replaces_a_later_grade_that_a_person_gave(empty_database, key, kind):
    async with over_lti13(key, kind()) as over:
        leaf = await over.make_grade()
        await over.send_all()
        over.sending.tick(5)
        over.platform.set_by_hand(over.line_item, "sub-learner", "0.9")
        over.sending.tick(-2)
        await over.change(leaf, 2)
        over.sending.tick(2)
        await over.send_all()
        assert over.held() == "0.9"
        await over.check_why("clean", "Overruled: ", "A teacher at the campus may have set that grade", " --force`")
        await resend(AssignmentFilter(assignment_id=leaf), now=lambda: over.sending.now, force=True)
        for _ in range(4):
            await over.send_all()
            over.sending.tick(30)
        assert (over.held(), (await ledger(leaf))[-1][0]) == ("0.5", "accepted")
        await over.check_why("clean", "Sent 0.5 to ")


async def test_a_rounded_score_of_ours_is_replaced_while_it_is_in_doubt_and_a_persons_is_kept(empty_database, key):
    kind = replace(moodle(), digits=-1, rule=replace(moodle().rule, keeps_arrival=True))
    async with over_lti13(key, kind) as over:
        leaf = await over.make_grade(8 / 3)
        over.sending.tick(10)
        over.platform.behave = in_turn("score", lost())
        await over.send_all()
        assert over.held() == "0.7"
        over.sending.tick(-5)
        await over.change(leaf, 3.6)
        over.sending.tick(65)
        await over.send_all()
        assert over.held() == "0.9"
        assert [result for result, _ in await ledger(leaf)] == ["ambiguous", "overtaken", "accepted"]
        # A clock that turns out to be ahead forces a version too, and leaves nothing in doubt.
        over.sending.tick(5)
        over.platform.offset = 45
        over.platform.set_by_hand(over.line_item, "sub-learner", "1")
        over.sending.tick(-2)
        await over.change(leaf, 3.9)
        over.sending.tick(2)
        await over.send_all()
        assert (over.held(), [result for result, _ in await ledger(leaf)][3:]) == ("1", ["overtaken", "overtaken"])
        await over.check_why("clean", "Overruled: ")


async def test_what_another_row_of_the_learner_sent_to_the_same_column_is_no_persons_grade(empty_database, key):
    async with over_lti13(key, moodle_4_5_0_own()) as over:
        leaf = await over.make_grade()
        await over.send_all()
        # One over LTI 1.1, whose launches were of the same link, and whose older score arrived later.
        earlier = await make_service("over 1.1", f"{over.platform.issuer}/outcomes")
        await make_assignment(earlier, user_id="learner", version_number=3, sent_version=3, sent_score="0.9")
        over.sending.tick(5)
        await over.change(leaf, 2)
        over.sending.tick(5)
        path = over.platform.column(over.line_item).path
        over.platform.gradebook.put_unstamped(path, "sub-learner", "0.9", now=over.platform.now())
        for _ in range(3):
            await over.send_all()
            over.sending.tick(30)
        assert over.held() == "0.5"
        assert [result for result, _ in await ledger(leaf)] == ["accepted", "overtaken", "accepted"]


async def test_one_that_is_refused_time_after_time_grows_by_more_each_time_and_then_waits(empty_database, key):
    refused = fails(409, body=b"[]", reason="Refusing score with an earlier timestamp")
    async with over_lti13(key, moodle()) as over:
        leaf = await over.make_grade()
        over.platform.behave = only("score", refused)
        for _ in range(4):
            await over.send_all()
            over.sending.tick(60)
        steps = [after - before for before, after in pairwise(stamps_of(over))]
        assert steps[0] >= 2
        assert all(after > before for before, after in pairwise(steps))
        row = await read_row(leaf)
        assert (row["attempts"], row["overtaken"]) == (0, len(steps) + 1)
        await over.check_why("waiting" if row["not_before"] > over.sending.now else "due", "times in a row")
        while (row := await read_row(leaf))["parked_at"] is None:
            over.sending.tick(max(0, row["not_before"] - over.sending.now) / 1000)
            await over.send_all()
        assert (row["overtaken"], row["attempts"]) == (12, 0)
        assert stamps_of(over)[-1] - stamps_of(over)[0] > 3600
        assert await ledger(leaf) == [("overtaken", 409)] * 12
        words = "the timestamps of 12 attempts were refused in a row", "However late", "comes back by itself"
        await over.check_why("parked", *words, who="operator")
        await over.change(leaf, 2)
        await over.send_all()
        assert len(stamps_of(over)) == 13, "a new score waits for the pause of the old one"
        # Another grade is accepted there, which brings it back.
        over.platform.behave = lambda _: well()
        await over.make_grade(learner="other")
        await over.send_all()
        await over.send_all()
        assert (over.held(), (await read_row(leaf))["overtaken"]) == ("0.5", 0)
        await over.check_why("clean", "Sent 0.5 to ")


async def test_a_grade_whose_every_timestamp_is_refused_goes_out_twenty_times_at_most(empty_database, key):
    def behaves(record):
        is_leaf = record.operation == "score" and json.loads(record.body)["userId"] == "sub-learner"
        return fails(409, body=b"[]") if is_leaf else well()

    async with over_lti13(key, moodle()) as over:
        leaf, other = await over.make_grade(), await over.make_grade(learner="other")
        over.platform.behave = behaves
        for number in range(40):
            await over.change(other, number % 4, "other")
            await try_again(now=over.sending.now)
            await over.send_all()
            over.sending.tick(25 * 3600)
        row = await read_row(leaf)
        assert (len(over.platform.sent("sub-learner")), row["returns_at"]) == (20, None)
        assert row["parked_at"] is not None


async def test_the_pause_counts_from_when_the_campus_has_said_what_it_holds(empty_database, key):
    async with over_lti13(key, moodle()) as over:
        leaf = await over.make_grade()

        def behaves(record):
            if record.operation == "results":
                over.sending.tick(8)
                return fails(503)
            return fails(409, body=b"[]") if record.operation == "score" else well()

        over.platform.behave = behaves
        began = over.sending.now
        await over.sending.dispatcher.dispatch()
        await over.sending.dispatcher.close()
        for _ in range(2):
            await over.send_once(leaf)
        assert over.sending.now == began + 16_000
        assert [line["at"] for line in await read_lines(leaf)] == [began + 8_000, began + 16_000]
        row = await read_row(leaf)
        assert row["not_before"] > over.sending.now
        assert row["stamp"] >= over.sending.now // 1000


@pytest.mark.parametrize("kind", [aplus, sakai])
async def test_where_nothing_is_refused_for_its_time_the_higher_or_the_last_score_is_held(empty_database, key, kind):
    async with over_lti13(key, kind()) as over:
        leaf = await over.make_grade(3)
        await over.send_all()
        over.sending.tick(5)
        await over.change(leaf, 1)
        await over.send_all()
        assert over.held() == ("0.75" if over.platform.service.kind.rule.keeps_best else "0.25")
        assert [result for result, _ in await ledger(leaf)] == ["accepted"] * 2
        await over.check_why("clean", "Sent 0.25 to ", "The campus may show another grade: the best of several")
