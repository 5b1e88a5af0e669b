"""What an LMS gets, on a real socket. The bytes of a request are recorded: see tests/golden."""

from datetime import datetime

import pytest
from lxml import etree

from actors.retry import UNEXPLAINED_WAITS
from daemon.demo.lms.request import POX_NAMESPACE
from models.campus import OutcomeService
from models.changes import Change, change
from models.score import ScoreChange, apply_scores
from tests.actors.sending import DEBOUNCE, KEY, SECRET, SOURCEDID, changed, results
from tests.actors.sending13 import explained
from tests.fakes import lms as fake
from tests.fakes.lms import canvas_pox
from tests.models.rows import BLOCK, COURSE, LEARNER

# What one engine does with a row the other does too: see the tests of the models.
pytestmark = pytest.mark.parametrize("shared_url", ["sqlite"], indirect=True)


async def test_every_attempt_has_a_nonce_a_timestamp_and_a_message_identifier_of_its_own(sending, lms, leaf):
    lms.keys[KEY] = "another secret"
    await sending.send(leaf)
    assert lms.faults == ["request 0: a signature that is not valid"]
    lms.faults.clear()
    lms.keys[KEY] = SECRET
    lms.behave = fake.in_turn(fake.failure("?"), fake.answer(503), fake.answer(429), fake.cut("before"))
    for _ in range(5):
        sending.tick(2 * UNEXPLAINED_WAITS[0].total_seconds())
        await sending.send(leaf)
    expected = ["misconfigured", "retried", "ambiguous", "retried", "ambiguous", "accepted"]
    assert await results(leaf) == expected
    for name in ("nonce", "timestamp", "message_id"):
        assert len({getattr(request, name) for request in lms.requests}) == len(expected), name
    assert [request.verified for request in lms.requests] == [False] + 5 * [True]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_never_followed_not_even_to_the_campus_itself(sending, lms, leaf, status):
    lms.behave = fake.in_turn(fake.answer(status, headers={"Location": lms.url("/elsewhere")}))
    await sending.send(leaf)
    assert [request.path for request in lms.requests] == ["/outcomes"]
    assert lms.applied == []


async def take_back(leaf, now):
    """The tool took the learner's score back, as intake applies it."""
    await apply_scores([ScoreChange(LEARNER, COURSE, BLOCK, 0.0, 0.0, now * 1000, cleared=True)])
    await change([Change(leaf, "leaf")], now=now, debounce=DEBOUNCE)


#: What an LMS says that takes no grade back.
CANNOT = [
    fake.answer(200, fake.pox("unsupported", "deleteResult is not supported"), content_type="application/xml"),
    fake.failure("Target does not support the requested operation."),
]


@pytest.mark.parametrize("cannot", [None, *CANNOT])
async def test_a_score_that_was_taken_back_is_deleted_or_becomes_0_where_the_lms_cannot(sending, lms, leaf, cannot):
    await sending.send(leaf)
    await take_back(leaf, sending.now)
    lms.behave = fake.in_turn(*filter(None, [cannot]))
    for _ in range(2):
        await sending.send(leaf)
    why = await explained(LEARNER, sending.now)
    assert (why["state"], why["who_acts"]) == ("clean", "no one")
    if cannot is None:
        assert (lms.grade(SOURCEDID), await results(leaf)) == (None, ["accepted", "accepted"])
        assert [request.deletes for request in lms.requests] == [False, True]
        assert "Cleared: the grade was taken back at " in why["reason"]
    else:
        assert (lms.grade(SOURCEDID), await results(leaf)) == ("0", ["accepted", "retried", "accepted"])
        assert [request.deletes for request in lms.requests] == [False, True, False]
        assert "Sent 0 to " in why["reason"]
        assert "It is sent in place of no grade" in why["reason"]


async def test_a_score_that_was_taken_back_before_any_was_accepted_is_no_request(sending, lms, leaf):
    await take_back(leaf, sending.now)
    await sending.send(leaf)
    assert (lms.requests, await results(leaf)) == ([], [])
    assert "Nothing to send: the tool took back" in (await explained(LEARNER, sending.now))["reason"]


#: What the launch offered, and whether the operator wants a person's grade to be kept; the names of what is sent.
DETAILS = {
    "none": ("", True, []),
    "time": ("submitted_at", True, ["submittedAt"]),
    "not wanted": ("submitted_at prioritize_non_tool_grade", False, ["submittedAt"]),
    "both": ("submitted_at prioritize_non_tool_grade", True, ["submittedAt", "prioritizeNonToolGrade"]),
}


@pytest.mark.parametrize("name", DETAILS)
async def test_canvas_gets_beside_the_record_what_its_launch_offered(make_sending, lms, leaf, name):
    offered, prioritizes, expected = DETAILS[name]
    await OutcomeService.all().update(offered=offered)
    sending = await make_sending(prioritized=frozenset([KEY] if prioritizes else []))
    scored_at = sending.now
    await changed(leaf, 3, 4, scored_at)
    sending.tick(100)
    await sending.send(leaf)
    (request,) = lms.requests
    named = {"x": POX_NAMESPACE}
    (details,) = etree.fromstring(request.body).xpath("//x:replaceResultRequest", namespaces=named)
    children = [etree.QName(one).localname for one in details]
    assert children == ["resultRecord", *["submissionDetails"] * bool(expected)]
    found = [one for one in details.iter() if etree.QName(one).localname in ("submittedAt", "prioritizeNonToolGrade")]
    assert [etree.QName(one).localname for one in found] == expected
    if expected:
        assert datetime.fromisoformat(found[0].text).timestamp() == pytest.approx(scored_at / 1000, abs=0.001)
    assert (lms.grade(SOURCEDID, request.path), await results(leaf)) == ("0.75", ["accepted"])
    assert "Sent 0.75 to " in (await explained(LEARNER, sending.now))["reason"]


async def test_canvas_with_a_clock_behind_gets_the_score_without_its_time(sending, lms, leaf):
    await OutcomeService.all().update(offered="submitted_at")
    await changed(leaf, 1, 2, sending.now)
    lms.behave = fake.in_turn(fake.answer(422, canvas_pox("timestamp_in_future", "Invalid timestamp")))
    for _ in range(2):
        await sending.send(leaf)
    assert [b"submittedAt" in request.body for request in lms.requests] == [True, False]
    assert (lms.grade(SOURCEDID), await results(leaf)) == ("0.5", ["retried", "accepted"])
    assert "Sent 0.5 to " in (await explained(LEARNER, sending.now))["reason"]
