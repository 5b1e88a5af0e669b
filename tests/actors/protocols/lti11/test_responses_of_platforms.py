"""What the responses of known platforms mean."""

import pytest

from actors.errors import GiveUp, Misconfigured, TryLater
from actors.protocols.lti11.platforms import CANVAS, DEFAULT, MOODLE
from tests.actors.protocols.lti11.responding import refused
from tests.fakes.lms import canvas_pox, pox

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


def test_an_unknown_error_code_of_canvas_leaves_it_to_the_words():
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


def test_the_platform_that_the_operator_chose_comes_before_what_the_answer_looks_like():
    body = canvas_pox("signature_invalid", "Invalid signature")
    assert isinstance(refused(422, body), GiveUp)
    assert isinstance(refused(422, body, platform=DEFAULT), Misconfigured)
    assert isinstance(refused(422, body, platform=MOODLE), Misconfigured)
    assert isinstance(refused(422, pox("failure", "Invalid signature"), platform=CANVAS), GiveUp)
