"""What an answer means: a test for each row of the table."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.errors import Ambiguous, DeliveryError, GiveUp, Misconfigured, TryLater
from actors.protocols.lti11.platforms import CANVAS, DEFAULT, MOODLE, Platform, Reason
from actors.protocols.lti11.responses import (
    LIMIT_PAUSE,
    MAX_WAIT,
    PROCESSING_HOLD,
    Accepted,
    clock_offset,
    judge,
    retry_after,
)
from actors.redact import REASON_LIMIT
from actors.response import Response
from tests.fakes.lms import canvas_pox, pox

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
HTML = b"<!DOCTYPE html><html><body>Log in for success</body></html>"


def answer(status: int = 200, body: bytes = b"", truncated: bool = False, **headers: str) -> Response:
    return Response(status, {name.replace("_", "-"): value for name, value in headers.items()}, body, 0.1, truncated)


def refused(*args, hide=(), profile=None, **kwargs) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        judge(answer(*args, **kwargs), now=NOW, hide=hide, profile=profile)
    return caught.value


@pytest.mark.parametrize("status", [200, 201, 202])
def test_a_success_under_any_2xx_is_accepted(status):
    assert judge(answer(status, pox("Success", "stored")), now=NOW) == Accepted(status, "success", "stored")


def test_a_success_counts_whatever_the_content_type():
    assert judge(answer(200, pox("success"), Content_Type="text/html"), now=NOW).code_major == "success"


def test_an_empty_204_is_accepted():
    assert judge(answer(204), now=NOW) == Accepted(204, None, "")


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
        judge(given_answer, now=NOW)
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


def test_an_envelope_without_a_code_is_judged_by_its_status():
    assert isinstance(refused(404, pox("nonsense", "words")), GiveUp)
    assert isinstance(refused(503, pox("nonsense", "words")), Ambiguous)


def test_a_profile_lays_its_reasons_and_empty_answers_over():
    profile = Platform("own", (Reason("room is closed", "course"),), frozenset({200}))
    assert judge(answer(200), now=NOW, profile=profile) == Accepted(200, None, "")
    with pytest.raises(GiveUp):
        judge(answer(200, pox("failure", "The Room is Closed")), now=NOW, profile=profile)
    with pytest.raises(Ambiguous):
        judge(answer(204), now=NOW, profile=profile)


CANVAS_CODES = {
    "user_not_in_course": "learner",
    "sourcedid_invalid": "learner",
    "signature_invalid": "learner",
    "course_not_available": "course",
    "course_invalid": "course",
    "assignment_invalid": "course",
    "assignment_tool_mismatch": "course",
    "tool_invalid": "course",
    "no_points_possible": "course",
    "bad_score": "campus",
    "no_score": "campus",
    "no_parseable_result_score": "campus",
    "no_parseable_result_total_score": "campus",
    "timestamp_not_parseable": "campus",
    "timestamp_in_future": "campus",
}


@pytest.mark.parametrize("status", [200, 401, 422, 500])
@pytest.mark.parametrize("words", ["", "Invalid signature", "User is no longer in course", "Course is invalid"])
@pytest.mark.parametrize(("code", "scope"), CANVAS_CODES.items())
def test_canvass_error_code_decides_whatever_its_status_and_its_words_are(status, words, code, scope):
    error = refused(status, canvas_pox(code, words))
    assert isinstance(error, GiveUp)
    assert (error.scope, error.code_major) == (scope, "failure")
    assert error.reason == f"HTTP {status}, failure, {code}: {words or 'no words'}"


def test_an_error_code_of_canvas_that_nobody_knows_leaves_it_to_the_words():
    assert isinstance(refused(422, canvas_pox("brand_new", "Assignment is invalid")), GiveUp)
    assert isinstance(refused(422, canvas_pox("brand_new", "Used nonce")), Misconfigured)
    error = refused(422, canvas_pox("brand_new", "?"))
    assert isinstance(error, TryLater)
    assert (error.unexplained, error.reason) == (True, "HTTP 422, failure, brand_new: ?")


def test_an_error_code_that_echoes_a_sourcedid_does_not_show_it():
    error = refused(422, canvas_pox("user_not_in_course"), hide=["user_not_in_course"])
    assert isinstance(error, TryLater)
    assert error.reason == "HTTP 422, failure, […]: no words"


@pytest.mark.parametrize(
    ("words", "scope"),
    [
        ("Invalid signature", "learner"),
        ("Invalid sourcedid", "learner"),
        ("Score is not between 0 and 1", "campus"),
        ("Unable to parse resultScore: ½", "campus"),
        ("Invalid timestamp - timestamp not parseable", "campus"),
    ],
)
def test_a_canvas_without_error_codes_is_understood_by_its_words(words, scope):
    error = refused(422, pox("failure", words), X_Canvas_Meta="o=lti_api;n=grade_passback;")
    assert isinstance(error, GiveUp)
    assert error.scope == scope


def test_an_invalid_signature_anywhere_else_is_the_requests_own():
    assert isinstance(refused(200, pox("failure", "Invalid signature")), Misconfigured)


@pytest.mark.parametrize(
    ("words", "kind", "scope"),
    [
        ("SourcedId hash not valid", GiveUp, "learner"),
        ("Tool does not accept grades", GiveUp, "course"),
        ("Score must be numeric", GiveUp, "campus"),
        ("Score not between 0.0 and 1.0", GiveUp, "campus"),
        ("Invalid XML content", GiveUp, "campus"),
        ("Message signature not valid", Misconfigured, None),
        ("Consumer key is missing.", Misconfigured, None),
        ("Grade replace response", TryLater, None),
    ],
)
def test_moodles_words_are_understood_under_the_200_and_the_text_html_that_it_answers_with(words, kind, scope):
    error = refused(200, pox("failure", words), Content_Type="text/html; charset=utf-8", Set_Cookie="MoodleSession=1")
    assert isinstance(error, kind)
    assert getattr(error, "scope", None) == scope


def test_the_profile_that_the_operator_chose_comes_before_what_the_answer_looks_like():
    body = canvas_pox("signature_invalid", "Invalid signature")
    assert isinstance(refused(422, body), GiveUp)
    assert isinstance(refused(422, body, profile=DEFAULT), Misconfigured)
    assert isinstance(refused(422, body, profile=MOODLE), Misconfigured)
    assert isinstance(refused(422, pox("failure", "Invalid signature"), profile=CANVAS), GiveUp)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0),
        (" 120 ", 120),
        ("999999", MAX_WAIT),
        ("9" * 5000, MAX_WAIT),
        ("Sun, 01 Mar 2026 12:01:30 GMT", 90),
        ("Sunday, 01-Mar-26 12:01:30 GMT", 90),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 0),
        ("Sun, 01 Mar 2026 12:01:30 -0000", 90),
        ("Mon, 01 Mar 2032 12:00:00 GMT", MAX_WAIT),
        ("-5", None),
        ("1.5", None),
        ("²", None),
        ("soon", None),
        ("", None),
        ("Sun, 99 Mar 2026 12:01:30 GMT", None),
    ],
)
def test_a_retry_after_is_read_in_seconds_or_as_a_date_within_bounds(value, seconds):
    assert retry_after(answer(429, Retry_After=value), NOW) == seconds


def test_a_retry_after_date_counts_from_the_answers_own_date():
    skewed = answer(429, retry_after="Sun, 01 Mar 2026 09:00:30 GMT", date="Sun, 01 Mar 2026 09:00:00 GMT")
    assert retry_after(skewed, NOW) == 30


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
    assert judge(low, now=NOW).after == after


@pytest.mark.parametrize(
    ("date", "offset"),
    [
        ("Sun, 01 Mar 2026 12:00:00 GMT", 0),
        ("Sun, 01 Mar 2026 12:01:30 GMT", 90),
        ("Sun, 01 Mar 2026 11:00:00 GMT", -3600),
        ("yesterday", None),
        (None, None),
    ],
)
def test_the_clock_of_a_campus_is_read_from_its_date(date, offset):
    telling = answer() if date is None else answer(date=date)
    assert clock_offset(telling, NOW) == offset


def test_no_retry_after_asks_for_nothing():
    assert retry_after(answer(429), NOW) is None


@pytest.mark.parametrize(
    ("status", "body", "start"),
    [
        (404, b"w" * 9000, "HTTP 404: "),
        (200, b"w" * 9000, "HTTP 200 without a readable imsx_codeMajor: "),
        (200, pox("failure", "w" * 9000), "HTTP 200, failure: "),
    ],
)
def test_a_reason_has_the_first_500_characters_of_the_campuss_words(status, body, start):
    assert refused(status, body).reason == start + 500 * "w"


def test_a_reason_never_holds_the_sourcedid_or_the_secret():
    sourcedid = '{"data":{"id":"4711"},"hash":"a<b&c"}'
    words = f"Incorrect sourcedId: {sourcedid} for s3cret!"
    error = refused(200, pox("failure", words), hide=(sourcedid, "s3cret!"))
    assert error.reason == "HTTP 200, failure: Incorrect sourcedId: […] for […]"
    accepted = judge(answer(200, pox("success", f"stored {sourcedid}")), now=NOW, hide=(sourcedid,))
    assert accepted.description == "stored […]"


def test_a_sourcedid_that_was_cut_off_is_struck_out_too():
    sourcedid = "0123456789" * 80
    error = refused(200, pox("failure", "unknown " + sourcedid), hide=[sourcedid])
    assert error.reason == "HTTP 200, failure: unknown […]"
    assert "0123456789" not in refused(404, b"unknown " + sourcedid.encode() * 3, hide=[sourcedid]).reason


def test_a_sourcedid_that_names_a_reason_does_not_decide():
    error = refused(200, pox("failure", "cannot store nonce-signature"), hide=["nonce-signature"])
    assert isinstance(error, TryLater)


@given(st.integers(200, 599), st.binary(max_size=200))
def test_every_answer_is_judged(status, body):
    try:
        reason = judge(answer(status, body), now=NOW, hide=["secret"]).description
    except DeliveryError as error:
        reason = error.reason
    assert len(reason) <= REASON_LIMIT + len("HTTP 200 without a readable imsx_codeMajor: ")
