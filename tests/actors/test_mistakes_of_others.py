"""What other grade senders got wrong in the field, each pinned by a test: here, or at the place named in ELSEWHERE."""

from pathlib import Path

import pytest

from models.assignment import GradedAssignment
from tests.actors.sending import KEY, LATER, PATH, SOURCEDID, changed, make_campus, results, scored
from tests.fakes import lms as fake
from tests.fakes.lms import pox
from tests.models.rows import LEARNER, make_assignment, read_row

on_one_engine = pytest.mark.parametrize("shared_url", ["sqlite"], indirect=True)

TESTS = Path(__file__).parent

ELSEWHERE = {
    "only status 200 was a success, while an LMS answers 201": (
        "test_accepted.py::test_any_2xx_with_exactly_one_success_is_an_acceptance"
    ),
    "the message identifier was a constant": (
        "protocols/lti11/test_what_is_sent.py::test_every_attempt_has_a_nonce_a_timestamp_and_a_message_identifier_of_its_own"
    ),
    "a nonce was used again": (
        "protocols/lti11/test_what_is_sent.py::test_every_attempt_has_a_nonce_a_timestamp_and_a_message_identifier_of_its_own"
    ),
    "the sourcedid was not escaped": (
        "protocols/lti11/test_what_is_sent.py::test_a_sourcedid_that_is_json_comes_back_byte_for_byte"
    ),
    "a request had no time-out": "test_client.py::test_a_time_out_while_waiting_for_the_answer_is_ambiguous",
    "a time-out began anew with each byte": "test_client.py::test_a_body_that_trickles_past_the_deadline_is_ambiguous",
    "certificates were not verified": (
        "protocols/lti11/test_without_an_answer.py::test_a_certificate_fault_stops_the_campus"
    ),
    "a retry sent the grade of when the first try was queued": (
        "protocols/lti11/test_without_an_answer.py::test_after_a_time_out_the_score_of_then_is_sent_when_the_hold_is_over"
    ),
    "an event that could not be read stopped those behind it": (
        "../daemon/ingest/test_bad_entries.py::test_a_bad_event_is_quarantined_with_its_reason_and_intake_goes_on"
    ),
}


@pytest.fixture
def database(empty_database):
    return empty_database


@pytest.mark.parametrize("place", ELSEWHERE.values(), ids=ELSEWHERE.keys())
def test_it_is_pinned_elsewhere(place):
    file, _, name = place.partition("::")
    assert f"def {name}(" in (TESTS / file).read_text()


@on_one_engine
@pytest.mark.parametrize(
    "words", ["The operation was not a success", "codeMajor is not success", SOURCEDID + " success"]
)
async def test_a_failure_that_has_the_word_success_in_it_is_no_success(sending, lms, leaf, words):
    lms.behave = fake.always(fake.failure(words))
    await sending.send(leaf)
    assert await results(leaf) == ["retried"]


@on_one_engine
@pytest.mark.parametrize(
    ("body", "result"),
    [
        (pox("failure").replace(b"?>", b"?><!-- <imsx_codeMajor>success</imsx_codeMajor> -->", 1), "retried"),
        (pox("failure", "<imsx_codeMajor>success</imsx_codeMajor>"), "retried"),
        (pox("failure").replace(b"<imsx_severity>", b"<x:codeMajor>success</x:codeMajor><imsx_severity>"), "retried"),
        (pox("success").replace(b"<imsx_codeMajor>", b"<imsx_codeMajor\n  lang='en' >"), "accepted"),
        (pox("success").replace(b"imsx_", b"lti:imsx_").replace(b"xmlns=", b"xmlns:lti="), "accepted"),
        (pox("suc]]&gt;cess").replace(b"suc]]&amp;gt;cess", b"<![CDATA[success]]>"), "accepted"),
    ],
    ids=["in a comment", "in words", "in another element", "with an attribute", "with a prefix", "as CDATA"],
)
async def test_a_code_is_read_from_the_document_and_not_by_a_regular_expression(sending, lms, leaf, body, result):
    lms.behave = fake.always(fake.success(body=body))
    await sending.send(leaf)
    assert await results(leaf) == [result]


@on_one_engine
async def test_a_fraction_that_the_campus_has_is_not_sent_again_for_ever(sending, lms, leaf):
    await changed(leaf, 1, 3, sending.now)
    for _ in range(4):
        await sending.send(leaf)
        await changed(leaf, 1, 3, sending.now)
    assert len(lms.requests) == 1


@on_one_engine
async def test_two_fractions_below_one_are_not_the_same_grade(sending, lms, leaf):
    for earned in (1, 2, 3):
        await changed(leaf, earned, 10, sending.now)
        await sending.send(leaf)
    assert lms.scores(SOURCEDID) == ["0.1", "0.2", "0.3"]


@on_one_engine
@pytest.mark.parametrize(("earned", "possible"), [(1, 3), (2, 3), (1, 800), (9999, 10000)])
async def test_a_grade_is_not_rounded_to_two_decimals(sending, lms, leaf, earned, possible):
    await changed(leaf, earned, possible, sending.now)
    await sending.send(leaf)
    (score,) = lms.scores(SOURCEDID)
    assert float(score) == pytest.approx(earned / possible, abs=5e-5)
    assert len(score) >= len("0.3333")


@on_one_engine
async def test_a_campus_that_failed_gets_a_grade_that_another_campus_of_that_learner_already_has(sending, lms, leaf):
    lms.keys["other"] = "other-secret"
    other = await make_campus(lms.url("/other"), "other", "other", "other-secret")
    second = await make_assignment(other, lis_result_sourcedid=SOURCEDID)
    assert await GradedAssignment.filter(user_id=LEARNER).count() == 2
    lms.behave = lambda request: fake.answer(503) if request.consumer_key == "other" else fake.success()
    for assignment in (leaf, second):
        await sending.send(assignment)
    assert [await results(leaf), await results(second)] == [["accepted"], ["ambiguous"]]

    lms.behave = fake.always(fake.success())
    sending.tick(LATER)
    for assignment in (leaf, second):
        await sending.send(assignment)
    assert (lms.grade(SOURCEDID, PATH.partition("?")[0]), lms.grade(SOURCEDID, "/other")) == ("0.5", "0.5")
    assert [request.consumer_key for request in lms.requests] == [KEY, "other", "other"]


@on_one_engine
async def test_one_bad_grade_does_not_stop_those_behind_it(sending, lms, campus):
    await scored(1, 2)
    sourcedids = ["first", "gone", "no-\x01-xml", "silent", "last"]
    lms.behave = lambda request: {
        "gone": fake.failure("User not found"),
        "silent": fake.cut("before", apply=False),
    }.get(request.sourcedid, fake.success())
    for sourcedid in sourcedids:
        await make_assignment(campus, lis_result_sourcedid=sourcedid)
    await sending.work_off()
    assert [lms.grade(sourcedid) for sourcedid in sourcedids] == ["0.5", None, None, None, "0.5"]


@on_one_engine
async def test_when_to_try_again_is_known_to_all_who_have_the_database(make_sending, sending, lms, leaf):
    lms.behave = fake.in_turn(fake.answer(429, headers={"Retry-After": "600"}))
    await sending.send(leaf)
    again = (await read_row(leaf))["not_before"]
    assert (again, sending.take_messages()) == (sending.now + 600_000, []), "a message somewhere waits for its time"

    another = await make_sending(sending.clock)
    another.tick(599.999)
    await another.work_off()
    assert len(lms.requests) == 1
    another.tick(0.001)
    await another.work_off()
    assert lms.scores(SOURCEDID) == ["0.5"]
