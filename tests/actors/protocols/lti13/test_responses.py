"""What an answer to a score means: a row of answers for each rule."""

import tracemalloc
from datetime import UTC, datetime

import pytest

from actors.errors import Ambiguous, BadToken, DeliveryError, GiveUp, Misconfigured, Omit, Overtaken, TryLater
from actors.protocols.answers import LIMIT_PAUSE, PROCESSING_HOLD
from actors.protocols.interface import CLEARED, Accepted, WireScore
from actors.protocols.lti13.platforms import PLATFORMS
from actors.protocols.lti13.responses import classify
from actors.response import Response
from tests.actors.protocols.lti13 import answers
from tests.actors.protocols.lti13.answers import Answer, canvas, page, says, text

NOW = datetime(2026, 11, 22, 10, 15, 32, tzinfo=UTC)
SCORE = WireScore("0.5", stamp=1_795_342_530)
SUBMISSION = WireScore("0.5", stamp=1_795_342_530, submitted_at=1_795_342_530_000, new_submission=True)
GONE = WireScore(CLEARED, stamp=1_795_342_530)


def read(answer: Answer | Response, sent: WireScore | None = SCORE, platform=None, redacted=()) -> Accepted:
    response = answer.response() if isinstance(answer, Answer) else answer
    profile = None if platform is None else PLATFORMS[platform]
    return classify(response, now=NOW, platform=profile, redacted=redacted, sent=sent)


def refused(answer: Answer | Response, *args, **kwargs) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        read(answer, *args, **kwargs)
    return caught.value


def rows(**tables):
    return [pytest.param(meant, answer, id=f"{meant}: {answer}") for meant, table in tables.items() for answer in table]


def meaning(answer: Answer, *args, **kwargs) -> str:
    try:
        read(answer, *args, **kwargs)
    except DeliveryError as error:
        match error:
            case GiveUp():
                return error.scope
            case Omit():
                return error.what
            case TryLater():
                return "busy" if error.throttled else "passing"
            case Ambiguous(hold=float()):
                return "processing"
        names = {Ambiguous: "doubt", Overtaken: "overtaken", BadToken: "token", Misconfigured: "misconfigured"}
        return names[type(error)]
    return "stored"


@pytest.mark.parametrize(
    ("meant", "answer"),
    rows(
        stored=answers.STORED,
        doubt=answers.DOUBT,
        overtaken=answers.OVERTAKEN,
        token=answers.TOKEN,
        learner=answers.LEARNER,
        course=answers.COURSE,
        campus=answers.CAMPUS,
        passing=answers.PASSING,
        busy=answers.BUSY,
        misconfigured=answers.MISCONFIGURED,
        processing=answers.PROCESSING,
    ),
)
def test_an_answer_to_a_score_means(meant, answer):
    assert meaning(answer) == meant
    for platform in PLATFORMS:
        assert meaning(answer, platform=platform) == meant, platform


def test_every_status_means_something():
    known = {
        "stored", "doubt", "overtaken", "token", "learner", "course", "campus", "passing", "busy", "misconfigured",
        "processing",
    }  # fmt: skip
    assert {meaning(Answer(status)) for status in range(100, 1000)} == known


def test_a_score_that_is_being_processed_is_held_for_longer():
    error = refused(Answer(202))
    assert isinstance(error, Ambiguous)
    assert (error.hold, error.code_major) == (PROCESSING_HOLD, "processing")


@pytest.mark.parametrize("answer", [page(200), text(200, "OK")], ids=str)
def test_a_success_that_says_nothing_is_named(answer):
    assert refused(answer).reason.startswith("HTTP 200 that says nothing of the score: ")


# --- Overtaken ---


@pytest.mark.parametrize(
    ("words", "since"),
    [
        (
            "Provided timestamp of 2026-11-22 10:15:30 UTC before last updated timestamp of 2026-11-22 10:15:31 UTC",
            1000,
        ),
        ("before last updated timestamp of 2026-11-22T10:15:31.500Z", 1500),
        ("before last updated timestamp of 2026-11-22T10:15:31.5004Z", 1501),
        ("before last updated timestamp of 2026-11-22T12:15:31+02:00", 1000),
        ("before last updated timestamp of 2026-11-22T12:15:31+0200", 1000),
        ("before last updated timestamp of 2026-11-22 05:15:31 -0500", 1000),
        ("before last updated timestamp of 2026-11-22 10:15:31", 1000),
        ("before last updated timestamp of 2026-99-22 10:15:31", None),
        ("before last updated timestamp of 2026-11-22T10:15:31+99:00", None),
        ("before last updated timestamp", None),
    ],
)
def test_a_refusal_names_the_latest_time_of_all(words, since):
    error = refused(canvas(400, words))
    assert isinstance(error, Overtaken)
    assert error.held_since == (None if since is None else 1_795_342_530_000 + since)


def test_the_words_of_the_status_line_are_read_where_there_are_no_others():
    error = refused(answers.OVERTAKEN[0])
    assert error.reason == "HTTP 409: Refusing score with an earlier timestamp for item 5 and user 7"


@pytest.mark.parametrize("reason", ["Conflict", "conflict", "CONFLICT "])
def test_the_usual_words_of_a_status_say_nothing(reason):
    assert refused(Answer(409, b"[]", reason)).reason == "HTTP 409: no words"


# --- What can be left out ---


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


# --- Readings ---


def test_what_only_a_score_can_be_refused_for_is_no_meaning_of_a_reading():
    for answer in (*answers.OVERTAKEN, canvas(422, "The maximum number of allowed attempts"), says(400, {"a": "b"})):
        assert meaning(answer, None) in {"campus", "passing", "learner"}, answer


@pytest.mark.parametrize("body", [b"[]", b'[{"userId": "7"}]', b"", b"[" * 1000, b'{"a": 1'])
def test_any_answer_to_a_reading_that_is_no_page_is_read(body):
    assert meaning(Answer(200, body), None) == "stored"


def test_a_page_is_no_answer_to_a_reading():
    assert meaning(page(200), None) == "doubt"


# --- Limits and waits ---


@pytest.mark.parametrize("status", [429, 503])
def test_the_wait_that_is_asked_for_is_kept(status):
    assert refused(Answer(status, headers={"Retry-After": "90"})).after == 90


@pytest.mark.parametrize(
    ("headers", "after"),
    [
        ({"X-Rate-Limit-Remaining": "600"}, None),
        ({"X-Rate-Limit-Remaining": "60"}, LIMIT_PAUSE),
        ({"X-Rate-Limit-Remaining": "60", "X-Rate-Limit-Reset": "17"}, 17),
        ({"X-Rate-Limit-Remaining": "49990", "X-Rate-Limit-Reset": "17"}, None),
        ({"X-Rate-Limit-Remaining": "0", "X-Rate-Limit-Reset": "1795342592"}, 60),
        ({"X-Rate-Limit-Remaining": "0", "X-Rate-Limit-Reset": "-3"}, LIMIT_PAUSE),
        ({"X-Rate-Limit-Remaining": "0", "X-Rate-Limit-Reset": "nan"}, LIMIT_PAUSE),
        ({"X-Rate-Limit-Remaining": "0", "X-Rate-Limit-Reset": "soon"}, LIMIT_PAUSE),
        ({"X-Rate-Limit-Remaining": "nan"}, None),
        ({"X-Rate-Limit-Remaining": "-1e999"}, None),
    ],
)
def test_a_platform_whose_limit_is_near_is_left_alone(headers, after):
    assert read(Answer(200, headers=headers)).after == after


@pytest.mark.parametrize(
    ("headers", "after"),
    [({"X-Rate-Limit-Reset": "17"}, 17), ({"X-Rate-Limit-Reset": "17", "Retry-After": "5"}, 5), ({}, None)],
)
def test_a_limit_that_was_exceeded_is_waited_for_until_it_is_whole(headers, after):
    assert refused(Answer(429, headers=headers)).after == after


# --- Words ---


def test_the_words_of_json_are_shown_without_its_marks():
    answer = says(422, {"errors": [{"message": "No.", "field": "userId"}, "Never.", 5, None], "status": 422})
    assert refused(answer).reason == "HTTP 422: No; field: userId; Never"


def test_a_redirect_names_where_it_leads_and_no_path():
    error = refused(Answer(302, headers={"Location": "https://sso.example/in?user=7"}))
    assert error.reason == "HTTP 302: the platform redirects to https://sso.example"


@pytest.mark.parametrize("body", ['{"detail": "%s"}', "%s", "<html><body>%s</body></html>", '{"%s": ["no"]}'])
@pytest.mark.parametrize("status", [400, 401, 403, 409, 422, 500])
def test_what_must_not_show_never_does(status, body):
    token, sub = "eyJhbGciOi.very-secret.token", "urn:person:ä/7"
    said = body % f"{token} of {sub} is wrong"
    error = refused(Answer(status, said.encode()), redacted=[token, sub])
    shown = f"{error!r} {error} {vars(error)}"
    assert "is wrong" in shown
    assert token not in shown
    assert sub not in shown


def test_a_long_answer_is_cut():
    assert len(refused(says(400, {"detail": "no " * 9000})).reason) < 600
    assert len(refused(says(400, ["no"] * 9000)).reason) < 600


@pytest.mark.parametrize("sent", [SCORE, None])
def test_an_answer_that_was_cut_off_is_no_success_of_a_score(sent):
    response = Response(200, {}, b'{"a": 1}', 0.1, truncated=True)
    if sent is None:
        assert read(response, None).http_status == 200
    else:
        assert isinstance(refused(response), Ambiguous)


def test_names_that_many_texts_share_make_no_answer_larger_than_it_is():
    value = {"A" * 32_000: ["x"] * 8000}
    tracemalloc.start()
    try:
        assert len(refused(says(400, value)).reason) < 600
        assert tracemalloc.get_traced_memory()[1] < 16_000_000  # of 256 million characters
    finally:
        tracemalloc.stop()
