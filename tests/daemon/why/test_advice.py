"""Who has to act about a parked grade: the same words in ``why`` and in ``parked``."""

import pytest

from daemon.why.advice import about_parked

OF_SOURCEDID = ("HTTP 200, failure: SourcedId hash not valid", "learner")
OF_ENROLMENT = ("HTTP 422, failure, user_not_in_course: User is no longer in course", "learner")


@pytest.mark.parametrize(
    ("reason", "scope", "who"),
    [
        (*OF_SOURCEDID, "learner"),
        (*OF_ENROLMENT, "campus"),
        ("HTTP 200, failure: EXERCISE_MAX_SUBMISSIONS_USED", "learner", "teacher"),
        ("HTTP 200, failure: Course has ended", "course", "teacher"),
        ("HTTP 404: Not Found", "course", "teacher"),
        ("HTTP 404: Not Found", "campus", "campus"),
        ("HTTP 200, failure: Score must be numeric", "campus", "operator"),
        ("10.0.0.1 is not a public address (private)", "campus", "operator"),
        ("80 attempts failed, the last one with: HTTP 503: no words", "campus", "operator"),
        ("7 attempts failed, the last one with: HTTP 200, failure: The request has failed.", "learner", "campus"),
        ("anything", "learner", "campus"),
        ("anything", "course", "teacher"),
    ],
)
def test_who_has_to_act(reason, scope, who):
    assert about_parked(reason, scope).who == who


@pytest.mark.parametrize(
    ("reason", "scope", "who"),
    [
        ("HTTP 422: User not found in course", "learner", "campus"),
        ("HTTP 400: no words", "learner", "campus"),
        ("HTTP 422: maximum number of allowed attempts", "learner", "teacher"),
        ("HTTP 404: no words", "course", "teacher"),
        ("HTTP 404: Not Found", "campus", "campus"),
        ("HTTP 400: scoreGiven: required", "campus", "operator"),
        ("7 attempts failed, the last one with: HTTP 403, failure: no words", "learner", "campus"),
        ("80 attempts failed, the last one with: HTTP 503: no words", "campus", "operator"),
    ],
)
def test_who_has_to_act_over_lti_1_3_where_no_sourcedid_is_to_blame(reason, scope, who):
    advice = about_parked(reason, scope, protocol="lti-1.3")
    assert advice.who == who
    assert "sourcedid" not in advice.words
    assert "secret" not in advice.words


def test_no_enrolment_is_at_fault_where_a_sourcedid_is_refused():
    words = about_parked(*OF_SOURCEDID).words
    assert "only a new launch of the activity by the learner helps, perhaps by everybody in that activity" in words
    assert "No enrolment is at fault" in words
    assert "the campus looks at the learner's enrolment there" in about_parked(*OF_ENROLMENT).words


def test_an_address_of_a_campus_that_has_taken_grades_since_is_no_matter_of_the_whole_campus():
    assert about_parked("HTTP 404: Not Found", "campus", taken_since=True).who == "teacher"
    for taken_since in (False, True):
        assert "everything" not in about_parked("HTTP 404: Not Found", "campus", taken_since=taken_since).words
