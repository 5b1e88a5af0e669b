"""What a response means and what to do about it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.errors import Ambiguous, DeliveryError, GiveUp, Misconfigured, TryLater
from actors.protocols.interface import Accepted
from actors.protocols.lti11.platforms import Platform, Reason
from actors.protocols.lti11.responses import LIMIT_PAUSE, PROCESSING_HOLD, classify
from actors.redact import REASON_LIMIT
from actors.response import Response
from tests.actors.protocols.lti11.responding import HTML, NOW, answer, refused
from tests.fakes.lms import pox


@pytest.mark.parametrize("status", [200, 201, 202])
def test_a_success_under_any_2xx_is_accepted(status):
    assert classify(answer(status, pox("Success", "stored")), now=NOW) == Accepted(status, "success", "stored")


def test_a_success_counts_whatever_the_content_type():
    assert classify(answer(200, pox("success"), Content_Type="text/html"), now=NOW).code_major == "success"


def test_an_empty_204_is_accepted():
    assert classify(answer(204), now=NOW) == Accepted(204, None, "")


@pytest.mark.parametrize(
    "given_answer",
    [
        answer(200),
        answer(201, b"  "),
        answer(200, HTML),
        answer(200, b"success"),
        answer(200, pox("success")[:-30]),
        answer(200, pox("success") + pox("failure")),
        answer(200, pox("success"), truncated=True),
        answer(200, pox("stored")),
        answer(200, pox("processing")),
        answer(202, pox("processing")),
    ],
)
def test_a_2xx_that_does_not_say_success_once_is_ambiguous(given_answer):
    with pytest.raises(Ambiguous) as caught:
        classify(given_answer, now=NOW)
    assert caught.value.http_status == given_answer.status


def test_an_ambiguous_answer_says_what_came_instead():
    assert refused(200, b"<html>Please log in").reason == (
        "HTTP 200 without a readable imsx_codeMajor: <html>Please log in"
    )


@pytest.mark.parametrize("status", [500, 502, 503, 504, 599])
@pytest.mark.parametrize("body", [b"", HTML])
def test_a_5xx_without_an_envelope_is_ambiguous(status, body):
    assert isinstance(refused(status, body), Ambiguous)


@pytest.mark.parametrize("status", [200, 202, 500])
def test_what_an_lms_says_to_be_processing_is_held_for_longer_than_other_doubts(status):
    assert refused(status, pox("processing")).hold == PROCESSING_HOLD
    assert refused(status, pox("stored")).hold is None


def test_a_doubt_about_an_answer_is_no_fault_of_ours():
    assert not refused(500).ours


def test_an_ambiguous_answer_keeps_what_it_asked_for():
    assert refused(503, HTML, Retry_After="120").after == 120


@pytest.mark.parametrize("status", [302, 401, 409, 422, 500])
def test_a_success_under_an_error_status_contradicts_itself(status):
    error = refused(status, pox("success"))
    assert isinstance(error, Ambiguous)
    assert error.code_major == "success"


@pytest.mark.parametrize("status", [200, 403, 422, 500])
@pytest.mark.parametrize("code", ["failure", "unsupported"])
@pytest.mark.parametrize(
    ("words", "scope"),
    [
        ("User is no longer in course", "learner"),
        ("Invalid sourcedid", "learner"),
        ("Incorrect sourcedId: [hidden]", "learner"),
        ("SourcedId hash not valid", "learner"),
        ("Course not available", "course"),
        ("Course is invalid", "course"),
        ("Assignment is invalid", "course"),
        ("Assignment is no longer associated with this tool", "course"),
        ("Tool does not accept grades", "course"),
        ("Target does not support the requested operation.", "course"),
        ("Grade is past due", "course"),
    ],
)
def test_a_failure_with_a_permanent_reason_is_given_up(status, code, words, scope):
    error = refused(status, pox(code, words))
    assert isinstance(error, GiveUp)
    assert (error.scope, error.bytes_left) == (scope, True)
    assert (error.http_status, error.code_major) == (status, code)
    assert error.reason == f"HTTP {status}, {code}: {words}"


@pytest.mark.parametrize("status", [200, 401, 403, 500])
@pytest.mark.parametrize(
    "words",
    [
        "Message signature not valid",
        "Consumer key is missing.",
        "Body hash does not match",
        "oauth_body_hash mismatch",
        "Expired timestamp, yours 1, ours 2",
        "Used nonce: 7",
        "OAuth verification error",
    ],
)
def test_a_failure_that_names_the_request_stops_the_campus(status, words):
    assert isinstance(refused(status, pox("failure", words)), Misconfigured)


@pytest.mark.parametrize("status", [200, 403, 404, 422])
def test_a_failure_of_unknown_reason_is_tried_later(status):
    error = refused(status, pox("failure", "The request has failed."), Retry_After="30")
    assert isinstance(error, TryLater)
    assert (error.bytes_left, error.throttled, error.unexplained, error.after) == (True, False, True, 30)


def test_a_failure_of_unknown_reason_under_a_5xx_is_ambiguous():
    assert isinstance(refused(500, pox("failure", "Internal error")), Ambiguous)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308, 304])
@pytest.mark.parametrize("body", [b"", HTML, pox("failure", "moved")])
def test_a_redirect_stops_the_campus(status, body):
    assert isinstance(refused(status, body), Misconfigured)


def test_a_redirect_names_where_it_leads_without_its_path():
    error = refused(302, Location="https://login.example/sso?token=hunter2")
    assert error.reason == "HTTP 302: the outcome service redirects to https://login.example"


def test_a_redirect_to_nowhere_is_no_trouble():
    assert refused(302, b"gone", Location="https://[::1/").reason == "HTTP 302: gone"
    assert refused(302, b"gone", Location="/login").reason == "HTTP 302: gone"


@pytest.mark.parametrize("body", [b"", HTML, pox("failure", "no"), pox("failure", "Message signature not valid")])
def test_a_401_stops_the_campus(body):
    assert isinstance(refused(401, body), Misconfigured)


@pytest.mark.parametrize(
    ("status", "body", "headers"),
    [
        (408, b"", {}),
        (425, b"", {}),
        (429, HTML, {}),
        (403, b"403 Forbidden (Rate Limit Exceeded)", {}),
        (403, b"", {"X_Rate_Limit_Remaining": "0.0"}),
        (403, b"", {"x_rate_limit_remaining": "-12.5"}),
        (429, pox("failure", "slow down"), {}),
    ],
)
def test_a_busy_lms_is_tried_later(status, body, headers):
    error = refused(status, body, Retry_After="17", **headers)
    assert isinstance(error, TryLater)
    assert (error.after, error.bytes_left, error.throttled, error.unexplained) == (17, True, True, False)


@pytest.mark.parametrize("status", [400, 403, 404, 405, 410, 415, 422, 451])
def test_any_other_4xx_without_an_envelope_is_given_up_for_the_campus(status):
    error = refused(status, b"nothing\n here")
    assert isinstance(error, GiveUp)
    assert error.scope == "campus"
    assert error.reason == f"HTTP {status}: nothing here"


@pytest.mark.parametrize("remaining", ["12", "", "soon", "nan"])
def test_a_403_with_calls_left_is_no_throttling(remaining):
    assert isinstance(refused(403, b"", X_Rate_Limit_Remaining=remaining), GiveUp)


def test_an_envelope_without_a_code_is_classified_by_its_status():
    assert isinstance(refused(404, pox("nonsense", "words")), GiveUp)
    assert isinstance(refused(503, pox("nonsense", "words")), Ambiguous)


def test_a_platform_lays_its_reasons_and_empty_answers_over():
    platform = Platform("own", (Reason("room is closed", "course"),), frozenset({200}))
    assert classify(answer(200), now=NOW, platform=platform) == Accepted(200, None, "")
    with pytest.raises(GiveUp):
        classify(answer(200, pox("failure", "The Room is Closed")), now=NOW, platform=platform)
    with pytest.raises(Ambiguous):
        classify(answer(204), now=NOW, platform=platform)


@pytest.mark.parametrize(
    ("left", "after"),
    [
        ("600.0", None),
        ("100", None),
        ("60", LIMIT_PAUSE),
        ("0", LIMIT_PAUSE),
        ("-50", LIMIT_PAUSE),
        ("much", None),
        ("nan", None),
        ("", None),
    ],
)
def test_an_acceptance_near_the_rate_limit_asks_for_a_short_rest(left, after):
    low = Response(200, {"X-Rate-Limit-Remaining": left}, pox("success"), 0.1)
    assert classify(low, now=NOW).after == after


@given(st.integers(200, 599), st.binary(max_size=200))
def test_every_answer_is_classified(status, body):
    try:
        reason = classify(answer(status, body), now=NOW, hide=["secret"]).description
    except DeliveryError as error:
        reason = error.reason
    assert len(reason) <= REASON_LIMIT + len("HTTP 200 without a readable imsx_codeMajor: ")
