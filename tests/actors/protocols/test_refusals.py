"""What the words of a refusal are about, and what is done about it."""

import time
from datetime import UTC, datetime

import pytest

from actors.errors import DeliveryError, GiveUp, Misconfigured, TryLater
from actors.protocols.lti11.responses import classify
from actors.protocols.refusals import PHRASES, about
from actors.response import Response
from tests.actors.protocols.sentences import SENTENCES
from tests.fakes.lms import pox

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)

#: By what a sentence is about: the kind of the error, and whom it concerns.
ACTIONS = {
    "request": (Misconfigured, None),
    "sourcedid": (GiveUp, "learner"),
    "learner": (GiveUp, "learner"),
    "activity": (GiveUp, "course"),
    "campus": (GiveUp, "campus"),
    None: (TryLater, None),
}
ROWS = [
    pytest.param(subject, words, id=f"{lms}: {words}")
    for subject, sentences in SENTENCES.items()
    for lms, words in sentences
]


def refused(status: int, body: bytes, **headers: str) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        classify(Response(status, headers, body, 0.1), now=NOW)
    return caught.value


@pytest.mark.parametrize(("subject", "words"), ROWS)
def test_a_sentence_of_an_lms_is_about_one_thing_and_that_is_acted_upon(subject, words):
    what = about(words, PHRASES)
    assert (None if what == "nothing" else what) == subject
    error = refused(200, pox("failure", words))
    assert (type(error), getattr(error, "scope", None)) == ACTIONS[subject]


def test_there_are_many_sentences_of_many_lmss_and_each_is_there_once():
    words = [words for sentences in SENTENCES.values() for _, words in sentences]
    assert len(words) == len(set(words)) >= 150
    assert len({lms for sentences in SENTENCES.values() for lms, _ in sentences}) >= 10


@pytest.mark.parametrize("case", [str.lower, str.upper, "  {} ".format, "{}\n".format])
def test_neither_capitals_nor_blanks_decide(case):
    for words in ("Invalid sourcedid signature", "Message signature not valid", "Grade is past due"):
        assert about(case(words), PHRASES) == about(words, PHRASES)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
@pytest.mark.parametrize("words", ["Invalid sourcedid signature", "lti_consumer_results_id not found!"])
def test_a_refused_sourcedid_without_an_envelope_is_that_of_one_learner(status, words):
    error = refused(status, words.encode())
    assert isinstance(error, GiveUp)
    assert (error.scope, error.reason) == ("learner", f"HTTP {status}: {words}")
    page = f"<html><title>Error</title><body><p>{words}</p></body></html>".encode()
    assert refused(status, page, **{"Content-Type": "text/html"}).reason == f"HTTP {status}: Error: {words}"


@pytest.mark.parametrize(
    ("status", "body", "scope"),
    [
        (404, b"The requested URL /outcomes?sourcedid=7 was not found", "campus"),
        (404, b"User not found", "campus"),
        (403, b"Course is closed", "campus"),
        (403, b"Request blocked: attack in parameter sourcedId", "campus"),
        (413, b"the body with sourcedId 17 is larger than allowed", "campus"),
    ],
)
def test_other_words_without_an_envelope_say_nothing_of_a_learner(status, body, scope):
    assert getattr(refused(status, body), "scope", None) == scope


def test_a_refused_signature_without_an_envelope_stops_the_campus_under_a_401():
    assert isinstance(refused(401, b"Invalid signature"), Misconfigured)


@pytest.mark.parametrize(
    "piece",
    [
        "oauth ",
        "[…] ",
        "invalid is ",
        "user ",
        "signature is ",
        "course ",
        "A ",
        '"',
        "'a",
        "a:",
        "sourcedid, ",
        "\") oauth ('b' ",
    ],
)
def test_hostile_words_take_little_time(piece):
    about("words", PHRASES)  # patterns are compiled once
    began = time.process_time()
    about((piece * 500)[:500], PHRASES)
    assert time.process_time() - began < 2
