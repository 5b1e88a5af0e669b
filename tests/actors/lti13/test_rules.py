"""What each answer to a score makes of a grade: the row, its line in the ledger, and the answer to `why`."""

import json
from datetime import datetime

import pytest

from daemon.demo.platform.rules import MICROS_PER_SECOND
from tests.actors.sending import on_one_engine
from tests.actors.sending13 import ledger, over_lti13
from tests.fakes.platform import fails, in_turn, login_page, lost, only, throttled
from tests.fakes.platform_kinds import KINDS, canvas
from tests.models.rows import read_lines, read_row

pytestmark = on_one_engine


def said(status: int, text: str = "", **more):
    """An answer with these words in JSON."""
    body = json.dumps({"message": text}).encode() if text else b""
    return fails(status, body=body, content_type="application/json", **more)


#: What `why` says of a grade that may have arrived, and of one that the campus refused for a reason.
IN_DOUBT, REFUSED, UNEXPLAINED = "In doubt: it is not known whether", "Refused by ", "passbackd asks 6 times more"
ENROLMENT = "the campus does not know the learner in that course any more"
COLUMN = "The activity's column (line item) or its course takes no grades at the campus"
CONTENT = "The campus refuses what passbackd sends, for any learner"
ADDRESS = "The campus takes no grades at this address"
OTHER_TOKEN = "passbackd gets another one and sends the grade again"
BUSY = "is busy and asked for a pause"

#: Of a refusal: result in the ledger, state of the grade, whose fault it is, what `why` says, and who has to act.
LEARNER = ("refused", "parked", "learner", ENROLMENT, "campus")
COURSE = ("refused", "parked", "course", COLUMN, "teacher")
CAMPUS = ("refused", "parked", "campus", ADDRESS, "campus")
STORED = ("accepted", "clean", None, "Sent 0.25 to ", "no one")
DOUBT = ("ambiguous", "waiting", None, IN_DOUBT, "no one")
PASSING = ("retried", "waiting", None, UNEXPLAINED, "no one")
THROTTLED = ("retried", "waiting", None, BUSY, "no one")
BAD_TOKEN = ("retried", "due", None, OTHER_TOKEN, "no one")

#: Answer, words of the description, and what becomes of it.
ANSWERS = {
    "stored 200": (said(200, "ok", stored=True), "", STORED),
    "stored 201": (said(201, stored=True), "", STORED),
    "stored 204": (said(204, stored=True), "", STORED),
    "processing": (said(202), "202", ("ambiguous", "waiting", None, "that it is still processing", "no one")),
    "login page": (login_page(), "200", DOUBT),
    "bad token": (said(401, "Invalid access token"), "401", BAD_TOKEN),
    "bad token at Open edX": (said(403, "The JWT has expired."), "403", BAD_TOKEN),
    "learner, Moodle": (fails(400, body=b"[]"), "400", LEARNER),
    "learner, empty": (said(400), "400", LEARNER),
    "learner, Blackboard": (said(400, "User could not be found: 7"), "found", LEARNER),
    "learner, Sakai": (said(400, "User does not belong to site"), "site", LEARNER),
    "a field": (
        said(400, "scoreMaximum: must be positive"),
        "scoreMaximum",
        ("refused", "parked", "campus", CONTENT, "operator"),
    ),
    "a format": (
        said(400, "Incorrect content type"),
        "content type",
        ("refused", "parked", "campus", CONTENT, "operator"),
    ),
    "not enrolled": (said(403, "User is not enrolled"), "enrolled", LEARNER),
    "D2L": (said(404, "User in requested score does not exist"), "exist", LEARNER),
    "not in course": (said(422, "User not found in course"), "course", LEARNER),
    "no student": (said(422, "User is not a student"), "student", LEARNER),
    "422 unknown": (said(422, "it is blue"), "blue", LEARNER),
    "no line item": (said(404), "404", COURSE),
    "no line item, in JSON": (said(404, "Not found."), "404", COURSE),
    "not our line item": (said(412, "no permission"), "412", COURSE),
    "context": (said(403, "Not allowed in context"), "context", COURSE),
    "id": (said(403, "Invalid LTI id"), "id", COURSE),
    "concluded": (said(422, "This course has concluded"), "concluded", COURSE),
    "unpublished": (said(422, "This assignment is still unpublished"), "unpublished", PASSING),
    "404 page": (login_page(404), "404", CAMPUS),
    "405": (said(405), "405", CAMPUS),
    "406": (said(406), "406", CAMPUS),
    "415": (said(415), "415", CAMPUS),
    "403 unknown": (said(403, "it is blue"), "blue", PASSING),
    "400 unknown": (said(400, "it is blue"), "blue", PASSING),
    "500": (said(500), "500", DOUBT),
    "503": (said(503), "503", DOUBT),
    "busy": (throttled(), "429", THROTTLED),
    "busy 408": (said(408), "408", THROTTLED),
    "busy 425": (said(425), "425", THROTTLED),
    "busy Canvas": (fails(403, body=b"403 Forbidden (Rate Limit Exceeded)\n"), "403", THROTTLED),
    "redirect": (
        said(302, headers={"Location": "/login"}),
        "302",
        ("misconfigured", "waiting", None, "As such an answer says nothing of this grade", "campus"),
    ),
    "lost": (lost(), "", DOUBT),
}


@pytest.mark.parametrize("name", ANSWERS)
async def test_an_answer_is_classified_recorded_and_explained(empty_database, key, name):
    answer, words, (result, state, scope, sentence, who) = ANSWERS[name]
    async with over_lti13(key) as over:
        leaf = await over.make_grade()
        await over.sending.dispatcher.dispatch()
        await over.sending.dispatcher.close()
        over.platform.behave = only("score", answer)
        await over.sending.send(leaf)
        (line,) = await read_lines(leaf)
        reply = answer.reply
        assert (line["result"], line["http_status"]) == (result, reply.status if reply else None)
        assert words in (line["description"] or "")
        assert (await read_row(leaf))["parked_scope"] == scope
        said_why = [sentence] if result == "accepted" else [sentence, line["description"]]
        if result == "refused":
            said_why.append(REFUSED)
        await over.check_why(state, *said_why, who=who)
        assert (await over.explained())["deliveries"][0]["result"] == result


#: Timestamps that a platform refuses, as each kind does.
OVERTAKEN = [name for name, make in KINDS.items() if make().rule.refuses_older]


@pytest.mark.parametrize("kind", OVERTAKEN)
async def test_a_lost_answer_of_the_same_score_ends_as_accepted(empty_database, key, kind):
    async with over_lti13(key, KINDS[kind]()) as over:
        leaf = await over.make_grade()
        over.platform.behave = in_turn("score", lost())
        await over.send_all()
        over.sending.tick(40)
        await over.send_all()
        assert over.held() == "0.25"
        assert [result for result, _ in await ledger(leaf)] == ["ambiguous", "accepted"]
        # The repeat was refused, and what is held was read; or it was taken.
        assert bool(over.platform.of("results")) is KINDS[kind]().rule.refuses_equal
        await over.check_why("clean", "Sent 0.25 to ")


@pytest.mark.parametrize("kind", OVERTAKEN)
async def test_a_later_grade_by_a_person_is_kept_until_the_next_change(empty_database, key, kind):
    made = KINDS[kind]()
    async with over_lti13(key, made) as over:
        leaf = await over.make_grade()
        await over.send_all()
        over.sending.tick(5)
        await over.change(leaf, 2)
        over.sending.tick(5)
        over.platform.set_by_hand(over.line_item, "sub-learner", "0.9")
        await over.send_all()
        last = (await read_lines(leaf))[-1]
        if made.rule.hand_is_final or not made.rule.hand_moves_time:
            # Nothing that the platform says shows that a person's grade stays.
            assert (last["result"], over.held()) == ("accepted", "0.9" if made.rule.hand_is_final else "0.5")
            await over.check_why("clean", "Sent 0.5 to ", "or one that a teacher has set")
            return
        assert (over.held(), last["result"]) == ("0.9", "overtaken")
        assert "0.9" in last["description"]
        await over.check_why("clean", "Overruled: ", "it holds 0.9, which was not sent from here and is kept")
        over.sending.tick(5)
        await over.change(leaf, 3)
        await over.send_all()
        assert (over.held(), (await ledger(leaf))[-1][0]) == ("0.75", "accepted")
        await over.check_why("clean", "Sent 0.75 to ")


@pytest.mark.parametrize("scopes", [None, "https://purl.imsglobal.org/spec/lti-ags/scope/score"])
@pytest.mark.parametrize("kind", OVERTAKEN)
async def test_an_older_score_of_ours_is_overwritten_although_its_time_is_later(empty_database, key, kind, scopes):
    async with over_lti13(key, KINDS[kind]()) as over:
        over.service.offered = scopes
        await over.service.save()
        leaf = await over.make_grade()
        await over.send_all()
        # As after a clock that was wrong, or a database that was restored.
        cell = over.platform.gradebook.cells[over.platform.column(over.line_item).path, "sub-learner"]
        cell.since += 100 * MICROS_PER_SECOND
        over.sending.tick(2)
        await over.change(leaf, 2)
        for _ in range(30):
            await over.send_all()
            over.sending.tick(30)
        assert over.held() == "0.5"
        await over.check_why("clean", "Sent 0.5 to ")
        results = [result for result, _ in await ledger(leaf)]
        assert (results[0], results[-1], set(results[1:-1])) == ("accepted", "accepted", {"overtaken"})
        assert (await read_row(leaf))["attempts"] == 0


@pytest.mark.parametrize("kind", KINDS)
async def test_a_clock_that_was_ahead_and_is_set_right_hides_no_later_score(empty_database, key, kind):
    async with over_lti13(key, KINDS[kind](), offset=45) as over:
        leaf = await over.make_grade()
        await over.send_all()
        over.platform.offset = 0
        over.sending.tick(2)
        await over.change(leaf, 2)
        for _ in range(3):
            await over.send_all()
            over.sending.tick(30)
        assert (over.held(), {result for result, _ in await ledger(leaf)}) == ("0.5", {"accepted"})
        await over.check_why("clean", "Sent 0.5 to ")


@pytest.mark.parametrize("recognised", [False, True])
async def test_canvas_gets_the_time_of_submission_and_one_new_submission(empty_database, key, recognised):
    """Its launch says that it is one; or its first answer, to a learner of whom nothing is asked here."""
    async with over_lti13(key, canvas(), columns={"product": None} if recognised else None) as over:
        if recognised:
            says_it = fails(
                200, stored=True, body=b"{}", content_type="application/json", headers={"X-Canvas-Meta": ""}
            )
            over.platform.behave = in_turn("score", says_it)
            await over.make_grade(learner="first")
            await over.send_all()
            assert "submission" not in json.loads(over.platform.of("score")[0].body)
        leaf = await over.make_grade()
        await over.send_all()
        over.sending.tick(5)
        await over.change(leaf, 2)
        scored_at = [over.sending.now / 1000 - ago for ago in (5, 0)]
        over.sending.tick(300)
        await over.send_all()
        bodies = [json.loads(one.body) for one in over.platform.sent("sub-learner")]
        submissions = [one["https://canvas.instructure.com/lti/submission"] for one in bodies]
        assert submissions == [{"new_submission": True}, {"new_submission": False}]
        said = [datetime.fromisoformat(one["submission"]["submittedAt"]).timestamp() for one in bodies]
        assert said == pytest.approx(scored_at, abs=0.01), "a score that is sent late is not late"
        assert "prioritize" not in json.dumps(bodies), "it would keep any grade, an earlier one of ours too"
        assert [result for result, _ in await ledger(leaf)] == ["accepted"] * 2
        await over.check_why("clean", "Sent 0.5 to ")


async def test_canvas_without_attempts_left_gets_the_score_without_a_submission(empty_database, key):
    async with over_lti13(key, canvas()) as over:
        column = over.platform.column(over.line_item)
        column.attempts = 1
        # The learner has submitted there without this tool.
        over.platform.set_by_hand(over.line_item, "sub-learner", None)
        over.platform.gradebook.cells[column.path, "sub-learner"].submissions = 1
        leaf = await over.make_grade()
        await over.send_all()
        assert (over.held(), await ledger(leaf)) == ("0.25", [("retried", 422), ("accepted", 200)])
        await over.check_why("clean", "Sent 0.25 to ")


async def test_canvas_with_a_clock_behind_gets_the_score_without_its_time(empty_database, key):
    async with over_lti13(key, canvas()) as over:
        refused = said(400, "Provided submitted_at timestamp in the future")
        over.platform.behave = in_turn("score", refused)
        leaf = await over.make_grade()
        await over.send_all()
        assert await ledger(leaf) == [("retried", 400), ("accepted", 200)]
        await over.check_why("clean", "Sent 0.25 to ")
        first, second = [json.loads(one.body) for one in over.platform.of("score")]
        assert ("submission" in first, "submission" in second) == (True, False)


@pytest.mark.parametrize("kind", KINDS)
async def test_above_the_maximum_is_clamped(empty_database, key, kind):
    async with over_lti13(key, KINDS[kind]()) as over:
        leaf = await over.make_grade(5)
        await over.send_all()
        assert (over.held(), [line["clamped"] for line in await read_lines(leaf)]) == ("1", [True])
        assert (b"submi" in over.platform.of("score")[0].body) is (kind == "canvas"), "it is Canvas's own"
        await over.check_why("clean", "Sent 1 to ", "LTI takes 0 to 1, no less and no more")
