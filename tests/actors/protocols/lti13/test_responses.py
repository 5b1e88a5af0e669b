"""What an answer to a score means: a row of answers for each rule."""

import tracemalloc

import pytest

from actors.errors import Ambiguous, Overtaken
from actors.protocols.answers import LIMIT_PAUSE, PROCESSING_HOLD
from actors.protocols.lti13.platforms import PLATFORMS
from actors.response import Response
from tests.actors.protocols.lti13 import answers
from tests.actors.protocols.lti13.answers import Answer, canvas, page, says, text
from tests.actors.protocols.lti13.meanings import SCORE, meaning, read, refused, rows


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
