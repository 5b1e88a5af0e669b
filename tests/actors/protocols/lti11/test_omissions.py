"""What a request may leave out, since an LMS refused the score for it."""

from datetime import UTC, datetime

import pytest

from actors.errors import DeliveryError, GiveUp, Misconfigured, Omit
from actors.protocols.interface import CLEARED, WireScore
from actors.protocols.lti11.responses import classify
from actors.response import Response
from tests.fakes.lms import canvas_pox, pox

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
GONE = WireScore(CLEARED)
TIMED = WireScore("0.5", submitted_at=1_795_342_530_000)


def refused(body: bytes, sent: WireScore | None, status: int = 200) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        classify(Response(status, {}, body, 0.1), now=NOW, sent=sent)
    return caught.value


@pytest.mark.parametrize("status", [200, 400, 422, 500, 501])
@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("unsupported", ""),
        ("unsupported", "deleteResult is not supported"),
        ("unsupported", "Target does not support the requested operation."),
        ("failure", "Target does not support the requested operation."),
        ("failure", "The operation isn't supported"),
        ("failure", "deleteResult is not implemented"),
        ("failure", "Unsupported operation"),
        ("failure", "Only replaceResult is known"),
        ("failure", "Grades cannot be cleared"),
        ("failure", "Score must be numeric"),
        ("failure", "No score given"),
    ],
)
def test_where_a_score_cannot_be_cleared_it_goes_out_otherwise(status, code, words):
    error = refused(pox(code, words), GONE, status)
    assert isinstance(error, Omit)
    assert (error.what, error.http_status, error.code_major) == ("clear", status, code)
    assert words in error.reason


@pytest.mark.parametrize("sent", [WireScore("0"), WireScore("0.5"), None])
def test_what_was_not_to_be_cleared_is_never_left_uncleared(sent):
    assert not isinstance(refused(pox("unsupported", "replaceResult is not supported"), sent), Omit)


@pytest.mark.parametrize(
    ("words", "kind"),
    [("User is no longer in course", GiveUp), ("Course is concluded", GiveUp), ("Invalid signature", Misconfigured)],
)
def test_a_refusal_for_another_reason_is_that_of_a_cleared_score_too(words, kind):
    assert type(refused(pox("failure", words), GONE)) is kind


@pytest.mark.parametrize("code", ["timestamp_not_parseable", "timestamp_in_future"])
def test_a_canvas_that_refuses_the_time_of_submission_gets_the_score_without_it(code):
    error = refused(canvas_pox(code, "Invalid timestamp"), TIMED, 422)
    assert isinstance(error, Omit)
    assert error.what == "submitted_at"


def test_a_time_that_was_not_said_cannot_be_left_out():
    error = refused(canvas_pox("timestamp_in_future", "Invalid timestamp"), WireScore("0.5"), 422)
    assert isinstance(error, GiveUp)
    assert error.scope == "campus"
