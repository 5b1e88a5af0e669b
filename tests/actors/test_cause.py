"""What stored reasons are about: every answer that passbackd can read, and every fault on the way."""

from datetime import UTC, datetime

import pytest

from actors.cause import cause_of
from actors.errors import DeliveryError, GiveUp
from actors.protocols.lti11.platforms import CANVAS
from actors.protocols.lti11.responses import classify
from actors.response import Response
from tests.actors.protocols.sentences import SENTENCES
from tests.fakes.lms import pox

NOW = datetime(2026, 3, 2, tzinfo=UTC)
WORN_OUT = "80 attempts failed, the last one with: "

#: Of the learners' sentences, those that say nothing of an enrolment.
_OF_GRADES = ("submi", "attempt", "locked", "overridden", "exercise_max", "exercise_warning")


def expected(what, words):
    if what == "learner":
        of_grade = any(part in words.lower() for part in _OF_GRADES) and "enroll" not in words.lower()
        return "learner" if of_grade else "enrolment"
    return {"request": "signature", "campus": "content", None: "unknown"}.get(what, what)


def refused(words, platform=None):
    """How passbackd takes an LMS's failure with these words: the error with its reason."""
    response = Response(200, {"Content-Type": "application/xml"}, pox("failure", words), 0.1)
    with pytest.raises(DeliveryError) as caught:
        classify(response, now=NOW, platform=platform)
    return caught.value


@pytest.mark.parametrize(
    ("what", "words"), [(what, words) for what, some in SENTENCES.items() for _, words in some], ids=str
)
def test_a_refusal_is_about_what_its_words_are_about(what, words):
    error = refused(words)
    scope = error.scope if isinstance(error, GiveUp) else None
    assert cause_of(error.reason, scope) == expected(what, words)
    assert cause_of(WORN_OUT + error.reason, scope) == expected(what, words)


@pytest.mark.parametrize(
    ("reason", "scope", "cause"),
    [
        ("HTTP 422, failure, user_not_in_course: no words", "learner", "enrolment"),
        ("HTTP 422, failure, signature_invalid: Invalid signature", "learner", "sourcedid"),
        ("HTTP 422, failure, sourcedid_invalid: Invalid sourcedid", "learner", "sourcedid"),
        ("HTTP 422, failure, course_not_available: Course not available for student", "course", "activity"),
        ("HTTP 422, failure, bad_score: Score is not between 0 and 1", "campus", "content"),
        ("HTTP 400: Invalid sourcedId", "learner", "sourcedid"),
        ("HTTP 401: no words", None, "signature"),
        ("HTTP 401, failure: no words", None, "signature"),
        ("HTTP 302: the outcome service redirects to https://sso.example.edu", None, "address"),
        ("HTTP 404: no words", "campus", "address"),
        ("HTTP 404: no words", "course", "address"),
        ("HTTP 429: slow down", None, "busy"),
        ("HTTP 403: 403 Forbidden (Rate Limit Exceeded)", None, "busy"),
        ("HTTP 403: no words", "campus", "address"),
        ("HTTP 429, failure: slow down", None, "busy"),
        ("HTTP 200, processing: queued", None, "processing"),
        ("HTTP 503: no words", None, "away"),
        ("HTTP 500, success: no words", None, "away"),
        ("HTTP 200 without a readable imsx_codeMajor: hello", None, "away"),
        ("the answer is not HTTP: 'X-Foo : bar'", None, "away"),
        ("no connection to the campus: Connection refused", None, "away"),
        ("no connection to the campus in time", None, "away"),
        ("the connection was lost while waiting for the answer: time-out", None, "away"),
        ("the campus's certificate cannot be trusted: certificate has expired", None, "certificate"),
        ("10.0.0.1 is not a public address (private): add its network", "campus", "forbidden"),
        ("the outcome service URL is malformed", "campus", "forbidden"),
        ("course has ended", "course", "unknown"),
        ("", None, "unknown"),
        (WORN_OUT + "HTTP 503: no words", "campus", "away"),
        (WORN_OUT + "a fault of passbackd's own; see its log", "campus", "away"),
        ("HTTP 200, failure: HTTP 401: no words", None, "unknown"),
    ],
)
def test_a_stored_reason_is_about_one_thing(reason, scope, cause):
    assert cause_of(reason, scope) == cause


@pytest.mark.parametrize(
    ("reason", "scope", "cause"),
    [
        ("HTTP 422: User not found in course", "learner", "enrolment"),
        ("HTTP 422, failure: User not found in course", "learner", "enrolment"),
        ("HTTP 400: no words", "learner", "enrolment"),
        ("HTTP 404: The requested score does not exist", "learner", "enrolment"),
        ("HTTP 422: The maximum number of allowed attempts has been reached", "learner", "learner"),
        ("HTTP 404: no words", "course", "activity"),
        ("HTTP 412: The specified LineItem is not associated with the Tool", "course", "activity"),
        ("HTTP 422: This course has concluded", "course", "activity"),
        ("HTTP 404: Not Found", "campus", "address"),
        ("HTTP 405: no words", None, "address"),
        ("HTTP 302: the platform redirects to https://sso.example.edu", None, "address"),
        ("HTTP 400: scoreGiven: a number is required", "campus", "content"),
        ("HTTP 400: scoreGiven: a number is required", None, "content"),
        ("HTTP 401: no words", None, "signature"),
        ("HTTP 403: JWT has expired", None, "signature"),
        ("HTTP 403: the access token is not valid", None, "signature"),
        ("HTTP 403: no words", None, "unknown"),
        (WORN_OUT + "HTTP 403: no words", "learner", "unknown"),
        (WORN_OUT + "HTTP 422, failure: still unpublished", "learner", "unknown"),
        (WORN_OUT + "HTTP 403: no words", "campus", "unknown"),
        (WORN_OUT + "HTTP 503: no words", "campus", "away"),
        (
            "the timestamps of 12 attempts were refused in a row, the last one with: HTTP 409: no",
            "learner",
            "timestamp",
        ),
        ("HTTP 202: no words", None, "processing"),
        ("HTTP 429: slow down", None, "busy"),
        ("HTTP 403: Forbidden (Rate Limit Exceeded)", None, "busy"),
        ("HTTP 500: no words", None, "away"),
        ("HTTP 200 that says nothing of the score: Log in", None, "away"),
        ("no connection to the campus in time", None, "away"),
        ("10.0.0.1 is not a public address (private): add its network", "campus", "forbidden"),
    ],
)
def test_what_a_platform_answered_over_lti_1_3_is_about_one_thing(reason, scope, cause):
    assert cause_of(reason, scope, "lti-1.3") == cause


@pytest.mark.parametrize(
    ("reason", "cause"),
    [
        ("no access token: HTTP 400: invalid_client: unknown client", "token"),
        ("no access token: HTTP 401: no words", "token"),
        ("no access token: invalid_scope: no such scope", "token"),
        ("no access token: 10.0.0.1 is not a public address (private)", "token"),
        ("no access token can be asked for: the key is no RSA key", "token"),
        ("the platform gives an access token without the scope https://example.edu/score: have it allow", "token"),
        ("the platform has no token URL or no client id: add them with `passbackd platform add`", "token"),
        ("the tool has no key that may sign: see `passbackd keys list`", "token"),
        ("HTTP 302: the token URL redirects to https://sso.example.edu", "token"),
        ("no access token: HTTP 429: slow down", "busy"),
        ("no access token: HTTP 403: Rate Limit Exceeded", "busy"),
        ("no access token: HTTP 500: no words", "token server"),
        ("no access token: the connection was lost while waiting for the answer: time-out", "token server"),
        ("no access token", "token server"),
        ("no access token: a fault of passbackd's own; see its log", "token server"),
        ("HTTP 200 of the token URL with no access token", "token server"),
    ],
)
def test_why_a_platform_gives_no_access_token_is_about_its_set_up_or_its_server(reason, cause):
    assert cause_of(reason, None, "lti-1.3") == cause


def test_canvas_from_before_there_were_codes_means_the_sourcedid_by_a_signature():
    error = refused("Invalid signature", CANVAS)
    assert cause_of(error.reason, error.scope) == "sourcedid"
