"""What the words of a response mean, and which are kept; what status codes mean is in :mod:`platform_answers`."""

from datetime import UTC, datetime

import pytest

from actors.errors import Ambiguous, DeliveryError, GiveUp, Misconfigured, TryLater
from actors.protocols.answers import LIMIT_PAUSE
from actors.protocols.interface import Accepted
from actors.protocols.lti11.platforms import Platform
from actors.protocols.lti11.responses import classify
from actors.protocols.refusals import Phrase
from actors.response import Response
from tests.fakes.lms import canvas_pox, pox

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
NO_HEADERS: dict[str, str] = {}
CANVAS = {"X-Canvas-Meta": "o=lti_api;n=grade_passback;"}
MOODLE = {"Content-Type": "text/html; charset=utf-8", "Set-Cookie": "MoodleSession=1"}


def classified(status: int, body: bytes = b"", headers=NO_HEADERS, redacted=(), platform=None) -> Accepted:
    return classify(Response(status, headers, body, 0.1), now=NOW, redacted=redacted, platform=platform)


def refused(*args, **kwargs) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        classified(*args, **kwargs)
    return caught.value


def meaning(error: DeliveryError) -> str | type[DeliveryError]:
    """Whom a refusal is about; else the kind of the error."""
    return error.scope if isinstance(error, GiveUp) else type(error)


# --- Reasons ---


@pytest.mark.parametrize("status", [200, 403, 422, 500])
@pytest.mark.parametrize("code", ["failure", "unsupported"])
@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("User is no longer in course", "learner"),
        ("Invalid sourcedid", "learner"),
        ("Incorrect sourcedId: [hidden]", "learner"),
        ("SourcedId hash not valid", "learner"),
        ("sourcedid is invalid", "learner"),
        ("User not found", "learner"),
        ("Course not available", "course"),
        ("Course is invalid", "course"),
        ("Course is concluded", "course"),
        ("Assignment is invalid", "course"),
        ("Assignment is no longer associated with this tool", "course"),
        ("Tool does not accept grades", "course"),
        ("Target does not support the requested operation.", "course"),
        ("Grade is past due", "course"),
        ("Message signature not valid", Misconfigured),
        ("Invalid signature", Misconfigured),
        ("Consumer key is missing.", Misconfigured),
        ("Unknown consumer key", Misconfigured),
        ("Body hash does not match", Misconfigured),
        ("oauth_body_hash mismatch", Misconfigured),
        ("Expired timestamp, yours 1, ours 2", Misconfigured),
        ("Used nonce: 7", Misconfigured),
        ("OAuth verification error", Misconfigured),
    ],
)
def test_a_known_reason_decides_under_any_status(status, code, words, meant):
    error = refused(status, pox(code, words))
    assert meaning(error) == meant
    assert (error.http_status, error.code_major) == (status, code)
    assert error.reason == f"HTTP {status}, {code}: {words}"


@pytest.mark.parametrize("status", [200, 401, 422, 500])
@pytest.mark.parametrize("words", ["", "Invalid signature", "User is no longer in course", "Course is invalid"])
@pytest.mark.parametrize(
    ("code", "scope"),
    [
        ("user_not_in_course", "learner"),
        ("sourcedid_invalid", "learner"),
        ("signature_invalid", "learner"),
        ("course_not_available", "course"),
        ("course_invalid", "course"),
        ("assignment_invalid", "course"),
        ("assignment_tool_mismatch", "course"),
        ("tool_invalid", "course"),
        ("no_points_possible", "course"),
        ("bad_score", "campus"),
        ("no_score", "campus"),
        ("no_parseable_result_score", "campus"),
        ("no_parseable_result_total_score", "campus"),
        ("timestamp_not_parseable", "campus"),
        ("timestamp_in_future", "campus"),
    ],
)
def test_canvass_error_code_decides_whatever_its_status_and_its_words_are(status, words, code, scope):
    error = refused(status, canvas_pox(code, words))
    assert (meaning(error), error.code_major) == (scope, "failure")
    assert error.reason == f"HTTP {status}, failure, {code}: {words or 'no words'}"


@pytest.mark.parametrize(
    ("words", "meant"), [("Assignment is invalid", "course"), ("Used nonce", Misconfigured), ("?", TryLater)]
)
def test_an_unknown_error_code_of_canvas_leaves_it_to_the_words(words, meant):
    error = refused(422, canvas_pox("brand_new", words))
    assert meaning(error) == meant
    assert error.reason == f"HTTP 422, failure, brand_new: {words}"


@pytest.mark.parametrize(
    ("headers", "words", "meant"),
    [
        (CANVAS, "Invalid signature", "learner"),
        (CANVAS, "Invalid sourcedid", "learner"),
        (CANVAS, "Score is not between 0 and 1", "campus"),
        (CANVAS, "Unable to parse resultScore: ½", "campus"),
        (CANVAS, "Invalid timestamp - timestamp not parseable", "campus"),
        (MOODLE, "SourcedId hash not valid", "learner"),
        (MOODLE, "Tool does not accept grades", "course"),
        (MOODLE, "Score must be numeric", "campus"),
        (MOODLE, "Score not between 0.0 and 1.0", "campus"),
        (MOODLE, "Invalid XML content", "campus"),
        (MOODLE, "Message signature not valid", Misconfigured),
        (MOODLE, "Consumer key is missing.", Misconfigured),
        (MOODLE, "Grade replace response", "course"),
    ],
)
def test_the_words_of_a_canvas_without_error_codes_and_of_moodle_are_understood(headers, words, meant):
    assert meaning(refused(200, pox("failure", words), headers)) == meant


def test_a_failure_of_unknown_reason_keeps_what_it_asked_for():
    error = refused(200, pox("failure", "The request has failed."), {"Retry-After": "30"})
    assert isinstance(error, TryLater)
    assert (error.bytes_left, error.throttled, error.unexplained, error.after) == (True, False, True, 30)


def test_a_platform_lays_its_reasons_and_empty_answers_over():
    platform = Platform("own", (Phrase("activity", "room is closed"),), frozenset({200}))
    assert classified(200, platform=platform) == Accepted(200, None, "")
    assert meaning(refused(200, pox("failure", "The Room is Closed"), platform=platform)) == "course"
    assert meaning(refused(204, platform=platform)) == Ambiguous


# --- Headers ---


@pytest.mark.parametrize("body", [b"", pox("failure", "slow down")])
def test_a_busy_lms_has_its_whole_campus_left_alone_for_as_long_as_it_asks(body):
    error = refused(429, body, {"Retry-After": "17"})
    assert isinstance(error, TryLater)
    assert (error.bytes_left, error.throttled, error.unexplained, error.after) == (True, True, False, 17)


@pytest.mark.parametrize("location", ["https://[::1/", "/login"])
def test_a_redirect_to_nowhere_is_no_trouble(location):
    assert refused(302, b"gone", {"Location": location}).reason == "HTTP 302: gone"


@pytest.mark.parametrize("remaining", ["12", "", "soon", "nan"])
def test_a_403_with_calls_left_is_no_throttling(remaining):
    assert meaning(refused(403, b"", {"X-Rate-Limit-Remaining": remaining})) == "campus"


@pytest.mark.parametrize(
    ("remaining", "after"),
    [
        *((text, None) for text in ("600.0", "100", "much", "nan", "")),
        *((text, LIMIT_PAUSE) for text in ("60", "0", "-50")),
    ],
)
def test_an_acceptance_asks_for_a_short_rest_only_near_the_rate_limit(remaining, after):
    assert classified(200, pox("success"), {"X-Rate-Limit-Remaining": remaining}).after == after


# --- Words that are kept ---


@pytest.mark.parametrize(
    ("status", "body", "start"),
    [
        (404, b"w" * 9000, "HTTP 404: "),
        (200, b"w" * 9000, "HTTP 200 without a readable imsx_codeMajor: "),
        (200, pox("failure", "w" * 9000), "HTTP 200, failure: "),
    ],
)
def test_a_reason_has_the_first_500_characters_of_the_lmss_message(status, body, start):
    assert refused(status, body).reason == start + 500 * "w"


def test_a_reason_names_the_coding_of_an_answer_that_cannot_be_read():
    error = refused(502, bytes(range(256)), {"Content-Encoding": "br"})
    assert error.reason == "HTTP 502: 256 bytes that are no text (Content-Encoding: br)"


def test_a_reason_never_holds_the_sourcedid_or_the_secret():
    sourcedid = '{"data":{"id":"4711"},"hash":"a<b&c"}'
    words = f"Incorrect sourcedId: {sourcedid} for s3cret!"
    error = refused(200, pox("failure", words), redacted=(sourcedid, "s3cret!"))
    assert error.reason == "HTTP 200, failure: Incorrect sourcedId: […] for […]"
    assert classified(200, pox("success", f"stored {sourcedid}"), redacted=(sourcedid,)).description == "stored […]"


def test_a_sourcedid_that_was_cut_off_is_struck_out_too():
    sourcedid = "0123456789" * 80
    error = refused(200, pox("failure", "unknown " + sourcedid), redacted=[sourcedid])
    assert error.reason == "HTTP 200, failure: unknown […]"
    assert "0123456789" not in refused(404, b"unknown " + sourcedid.encode() * 3, redacted=[sourcedid]).reason


def test_a_sourcedid_that_names_a_reason_or_an_error_code_does_not_decide():
    words = refused(200, pox("failure", "cannot store nonce-signature"), redacted=["nonce-signature"])
    assert meaning(words) == TryLater
    code = refused(422, canvas_pox("user_not_in_course"), redacted=["user_not_in_course"])
    assert (meaning(code), code.reason) == (TryLater, "HTTP 422, failure, […]: no words")
