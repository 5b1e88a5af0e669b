"""What each answer to a score makes of a grade: the row, its line in the ledger, and the answer to `why`."""

import json

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


#: Answer, result in the ledger, state of the grade, whose fault it is if it was given up, words of the description.
ANSWERS = {
    "stored 200": (said(200, "ok", stored=True), "accepted", "clean", None, ""),
    "stored 201": (said(201, stored=True), "accepted", "clean", None, ""),
    "stored 204": (said(204, stored=True), "accepted", "clean", None, ""),
    "processing": (said(202), "ambiguous", "waiting", None, "202"),
    "login page": (login_page(), "ambiguous", "waiting", None, "200"),
    "bad token": (said(401, "Invalid access token"), "retried", "due", None, "401"),
    "bad token at Open edX": (said(403, "The JWT has expired."), "retried", "due", None, "403"),
    "learner, Moodle": (fails(400, body=b"[]"), "refused", "parked", "learner", "400"),
    "learner, Blackboard": (said(400, "User could not be found: 7"), "refused", "parked", "learner", "found"),
    "learner, Sakai": (said(400, "User does not belong to site"), "refused", "parked", "learner", "site"),
    "a field": (said(400, "scoreMaximum: must be positive"), "refused", "parked", "campus", "scoreMaximum"),
    "not enrolled": (said(403, "User is not enrolled"), "refused", "parked", "learner", "enrolled"),
    "D2L": (said(404, "User in requested score does not exist"), "refused", "parked", "learner", "exist"),
    "not in course": (said(422, "User not found in course"), "refused", "parked", "learner", "course"),
    "no student": (said(422, "User is not a student"), "refused", "parked", "learner", "student"),
    "422 unknown": (said(422, "it is blue"), "refused", "parked", "learner", "blue"),
    "no line item": (said(404), "refused", "parked", "course", "404"),
    "not our line item": (said(412, "no permission"), "refused", "parked", "course", "412"),
    "context": (said(403, "Not allowed in context"), "refused", "parked", "course", "context"),
    "id": (said(403, "Invalid LTI id"), "refused", "parked", "course", "id"),
    "concluded": (said(422, "This course has concluded"), "refused", "parked", "course", "concluded"),
    "unpublished": (said(422, "This assignment is still unpublished"), "retried", "waiting", None, "unpublished"),
    "404 page": (login_page(404), "refused", "parked", "campus", "404"),
    "405": (said(405), "refused", "parked", "campus", "405"),
    "406": (said(406), "refused", "parked", "campus", "406"),
    "415": (said(415), "refused", "parked", "campus", "415"),
    "403 unknown": (said(403, "it is blue"), "retried", "waiting", None, "blue"),
    "400 unknown": (said(400, "it is blue"), "retried", "waiting", None, "blue"),
    "500": (said(500), "ambiguous", "waiting", None, "500"),
    "503": (said(503), "ambiguous", "waiting", None, "503"),
    "busy": (throttled(), "retried", "waiting", None, "429"),
    "busy Canvas": (fails(403, body=b"403 Forbidden (Rate Limit Exceeded)\n"), "retried", "waiting", None, "403"),
    "redirect": (said(302, headers={"Location": "/login"}), "misconfigured", "waiting", None, "302"),
    "lost": (lost(), "ambiguous", "waiting", None, ""),
}

#: How the reason begins that `why` gives.
BEGINS = {"accepted": "Sent 0.25 to ", "ambiguous": "In doubt: ", "refused": "Refused by "}


@pytest.mark.parametrize("name", ANSWERS)
async def test_an_answer_is_classified_recorded_and_explained(empty_database, key, name):
    answer, result, state, scope, words = ANSWERS[name]
    async with over_lti13(key) as over:
        leaf = await over.make_grade()
        await over.sending.dispatcher.dispatch()
        await over.sending.dispatcher.close()
        over.platform.behave = only("score", answer)
        await over.sending.send(leaf)
        (line,) = await read_lines(leaf)
        reply = answer.reply
        status = reply.status if reply else None
        assert (line["result"], line["http_status"]) == (result, status)
        assert words in (line["description"] or "")
        assert (await read_row(leaf))["parked_scope"] == scope
        why = await over.explained()
        assert (why["deliveries"][0]["result"], why["state"]) == (result, state)
        assert why["reason"].startswith(BEGINS.get(result, "")), why["reason"]


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
        assert (over.held(), (await over.explained())["state"]) == ("0.25", "clean")
        assert [result for result, _ in await ledger(leaf)] == ["ambiguous", "accepted"]


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
            assert last["result"] == "accepted"
            return
        assert (over.held(), last["result"]) == ("0.9", "overtaken")
        assert "0.9" in last["description"]
        why = await over.explained()
        assert (why["state"], "0.9" in json.dumps(why)) == ("clean", True)
        over.sending.tick(5)
        await over.change(leaf, 3)
        await over.send_all()
        assert over.held() == "0.75"


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
        assert (over.held(), (await over.explained())["state"]) == ("0.5", "clean")
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
        assert (over.held(), (await over.explained())["state"]) == ("0.5", "clean")


async def test_canvas_gets_the_time_of_submission_and_one_new_submission(empty_database, key):
    async with over_lti13(key, canvas()) as over:
        leaf = await over.make_grade()
        await over.send_all()
        over.sending.tick(5)
        await over.change(leaf, 2)
        await over.send_all()
        bodies = [json.loads(one.body) for one in over.platform.of("score")]
        submissions = [one["https://canvas.instructure.com/lti/submission"] for one in bodies]
        assert submissions == [{"new_submission": True}, {"new_submission": False}]
        assert all(one["submission"]["submittedAt"] for one in bodies)


async def test_canvas_without_attempts_left_gets_the_score_without_a_submission(empty_database, key):
    async with over_lti13(key, canvas()) as over:
        column = over.platform.column(over.line_item)
        column.attempts = 1
        # The learner has submitted there without this tool.
        over.platform.set_by_hand(over.line_item, "sub-learner", None)
        over.platform.gradebook.cells[column.path, "sub-learner"].submissions = 1
        leaf = await over.make_grade()
        await over.send_all()
        assert (over.held(), (await over.explained())["state"]) == ("0.25", "clean")
        assert [status for _, status in await ledger(leaf)] == [422, 200]


async def test_canvas_with_a_clock_behind_gets_the_score_without_its_time(empty_database, key):
    async with over_lti13(key, canvas()) as over:
        refused = said(400, "Provided submitted_at timestamp in the future")
        over.platform.behave = in_turn("score", refused)
        leaf = await over.make_grade()
        await over.send_all()
        assert [status for _, status in await ledger(leaf)] == [400, 200]
        first, second = [json.loads(one.body) for one in over.platform.of("score")]
        assert ("submission" in first, "submission" in second) == (True, False)


@pytest.mark.parametrize("kind", KINDS)
async def test_above_the_maximum_is_clamped(empty_database, key, kind):
    async with over_lti13(key, KINDS[kind]()) as over:
        await over.make_grade(5)
        await over.send_all()
        assert over.held() == "1"
