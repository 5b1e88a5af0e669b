"""What an LMS does not take of a request is left out of the next one; a score that cannot be cleared becomes 0."""

import pytest

from actors.protocols.interface import WireScore
from tests.actors.protocols.lti13.answers import Answer, canvas, page, says, text
from tests.actors.protocols.lti13.meanings import GONE, SCORE, SUBMISSION, meaning, rows


def test_a_submission_too_many_goes_out_as_none():
    answer = canvas(422, "The maximum number of allowed attempts has been reached for this submission")
    assert meaning(answer, SUBMISSION) == "new_submission"
    assert meaning(answer, WireScore("0.5", new_submission=False)) == "learner"


@pytest.mark.parametrize(
    "words",
    ["Provided submitted_at timestamp of 2026-11-22 10:16:30 UTC in the future", "submittedAt is in the future"],
)
def test_a_time_of_submission_in_the_future_is_left_out(words):
    assert meaning(canvas(400, words), SUBMISSION) == "submitted_at"
    assert meaning(canvas(400, words), SCORE) == "passing"


@pytest.mark.parametrize(
    "answer",
    [
        says(400, {"scoreGiven": ["This field is required."]}),
        says(400, {"detail": "scoreMaximum is missing"}),
        says(400, {"activityProgress": ['"Initialized" is not a valid choice.']}),
        says(400, {"gradingProgress": ["NotReady"]}),
        says(422, {"detail": "Grades cannot be cleared"}),
        says(400, {"error": "score is required"}),
        says(400, {"message": "Required field 'score' is missing"}),
        says(400, {"score": ["may not be null"]}),
        says(400, {"error": "Missing score"}),
        says(400, {"error": "Invalid request"}),
        says(400, {"error": "no"}),
        text(400, "Bad request"),
        canvas(422, "words without a known meaning"),
        says(400, {"userId": ["This field is required."]}),
        Answer(400),
        Answer(400, b"[]"),
        Answer(422),
    ],
    ids=str,
)
def test_where_a_score_cannot_be_cleared_it_goes_out_otherwise(answer):
    assert meaning(answer, GONE) == "clear"
    assert meaning(answer, SCORE) != "clear"


def test_aplus_takes_no_score_back_whatever_it_says():
    answer = says(400, {"detail": "User not found"})
    assert (meaning(answer, GONE, "aplus"), meaning(answer, GONE)) == ("clear", "learner")


#: What the one score that goes out in place of none would be refused for as well, or which passes.
OTHER_REASONS = {
    "learner": [says(400, {"detail": "User not found"}), canvas(422, "User not found in course or is not a student")],
    "course": [canvas(422, "This course has concluded"), Answer(404)],
    "token": [Answer(401), Answer(400, headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})],
    "overtaken": [Answer(409), Answer(400, b"[]", "Refusing score with an earlier timestamp")],
    "passing": [
        says(400, {"error": "Please try again later"}),
        says(422, {"error": "Timeout"}),
        says(400, {"error": "Internal server error"}),
        page(400),
        page(422),
        Answer(403),
    ],
    "busy": [Answer(429)],
    "stored": [Answer(200)],
}


@pytest.mark.parametrize(("meant", "answer"), rows(**OTHER_REASONS))
def test_a_cleared_score_is_refused_for_other_reasons_too(meant, answer):
    assert meaning(answer, GONE) == meant
