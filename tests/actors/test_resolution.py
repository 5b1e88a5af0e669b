"""From how a request went to what becomes of its row."""

from dataclasses import replace
from datetime import timedelta

import pytest

from actors import resolution
from actors.errors import Ambiguous, DeliveryError, TryLater
from actors.protocols.interface import Accepted
from actors.resolution import CAMPUS_WAIT, MAX_CAMPUS_WAIT, Rules
from actors.response import Response
from actors.retry import FIRST, LONGEST, UNEXPLAINED_TRIES, UNEXPLAINED_WAITS
from models.delivery import DeliveryRecord
from tests.actors.resolving import (
    ANSWER,
    BROKEN,
    BUSY,
    HOLD_MS,
    NO_TRUST,
    NOW,
    NOWHERE,
    QUEUED,
    REFUSED,
    SILENT,
    UNEXPLAINED,
    UNREACHABLE,
    WRONG_KEY,
    end_of,
    failed,
    make_claim,
    make_request,
)

WITH_THE_CAMPUS = NOW + int(CAMPUS_WAIT * 1000)
LENIENT = Rules(hold_seconds=20, max_attempts=80)


def first_wait(jitter: float = 0.5) -> int:
    return int(FIRST.total_seconds() * 1000 * jitter)


AGAIN = NOW + first_wait()


@pytest.mark.parametrize(
    ("error", "result", "end"),
    [
        (REFUSED, "refused", {"outcome": "parked", "parked_reason": "no longer in course", "parked_scope": "learner"}),
        (NOWHERE, "refused", {"outcome": "parked", "parked_reason": "not allowed", "parked_scope": "campus"}),
        (WRONG_KEY, "misconfigured", {"outcome": "released", "not_before": WITH_THE_CAMPUS, "given_back": True}),
        (NO_TRUST, "misconfigured", {"outcome": "released", "not_before": WITH_THE_CAMPUS, "given_back": True}),
        (BUSY, "retried", {"outcome": "retried", "not_before": AGAIN}),
        (UNREACHABLE, "retried", {"outcome": "retried", "not_before": AGAIN}),
        (SILENT, "ambiguous", {"outcome": "in_doubt", "not_before": AGAIN, "hold_until": NOW + HOLD_MS}),
        (BROKEN, "ambiguous", {"outcome": "in_doubt", "not_before": AGAIN, "hold_until": NOW + HOLD_MS}),
    ],
)
def test_a_failure_ends_as_its_error_says_what_to_do(error, result, end):
    ended = failed(error)
    assert ended.delivery is not None
    assert (ended.delivery.result, end_of(ended)) == (result, end)


@pytest.mark.parametrize(
    ("error", "bytes_left"),
    [
        (REFUSED, True),
        (NOWHERE, False),
        (WRONG_KEY, True),
        (NO_TRUST, False),
        (BUSY, True),
        (UNREACHABLE, False),
        (SILENT, True),
        (BROKEN, True),
    ],
)
def test_a_finish_says_whether_bytes_left(error, bytes_left):
    assert failed(error).bytes_left == bytes_left


def test_an_acceptance_keeps_the_score_and_the_campuss_words():
    said = Accepted(201, "success", "stored")
    ended = resolution.accepted(make_request(clamped=True), Response(201, {}, b"", 0.0129), said)
    assert end_of(ended) == {"outcome": "accepted", "score": "0.5"}
    assert ended.delivery == DeliveryRecord(
        7,
        11,
        at=NOW,
        attempt=1,
        version=2,
        result="accepted",
        entry_id="5-0",
        score="0.5",
        clamped=True,
        http_status=201,
        code_major="success",
        description="stored",
        duration_ms=12,
    )
    assert ended.bytes_left


@pytest.mark.parametrize(
    ("error", "answer", "duration_ms"), [(REFUSED, ANSWER, 250), (BROKEN, ANSWER, 250), (SILENT, None, None)]
)
def test_the_delivery_record_of_a_failure_holds_score_status_code_words_and_duration(error, answer, duration_ms):
    ended = failed(error, answer=answer)
    assert ended.delivery is not None
    assert ended.delivery == DeliveryRecord(
        7,
        11,
        at=NOW,
        attempt=1,
        version=2,
        result=ended.delivery.result,
        entry_id="5-0",
        score="0.5",
        http_status=error.http_status,
        code_major=error.code_major,
        description=error.reason,
        duration_ms=duration_ms,
    )


@pytest.mark.parametrize(
    ("outcome", "given_back"),
    [("unchanged", False), ("empty", False), ("waiting", True), ("superseded", True), ("released", True)],
)
def test_what_was_not_sent_has_no_delivery_record_and_let_nothing_go(outcome, given_back):
    ended = resolution.not_sent(make_claim(), outcome)
    assert (ended.outcome, ended.given_back) == (outcome, given_back)
    assert (ended.delivery, ended.bytes_left, ended.signal) == (None, False, None)


@pytest.mark.parametrize("error", [BUSY, UNREACHABLE])
def test_the_last_attempt_parks_with_the_last_reason_and_the_campus_is_to_blame(error):
    assert failed(error, 4).outcome == "retried"
    for number in (5, 6):
        end = failed(error, number)
        assert (end.outcome, end.parked_scope) == ("parked", "campus")
        assert end.parked_reason == f"{number} attempts failed, the last one with: {error.reason}"


def test_the_last_doubtful_attempt_holds_and_then_parks():
    assert end_of(failed(BROKEN, 5, jitter=0.0)) == {
        "outcome": "in_doubt",
        "not_before": NOW,
        "hold_until": NOW + HOLD_MS,
        "parked_scope": "campus",
        "parked_reason": "5 attempts failed, the last one with: HTTP 503",
    }
    assert failed(BROKEN, 4).parked_scope is None


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_waits_grow_with_the_attempts_and_are_spread_by_the_jitter(number):
    assert failed(UNREACHABLE, number, jitter=1.0).not_before == NOW + first_wait(1.0) * 2 ** (number - 1)
    assert failed(UNREACHABLE, number, jitter=0.0).not_before == NOW


def test_no_wait_is_longer_than_the_longest():
    end = failed(UNREACHABLE, 70, jitter=1.0, rules=LENIENT)
    assert end.not_before == NOW + LONGEST.total_seconds() * 1000


@pytest.mark.parametrize("kind", [TryLater, Ambiguous])
def test_what_the_campus_asked_for_is_a_floor(kind):
    assert failed(kind("wait", after=600.0)).not_before == NOW + 600_000
    assert failed(kind("wait", after=0.001)).not_before == AGAIN


@pytest.mark.parametrize("jitter", [0.0, 1.0])
def test_a_misconfigured_campus_is_tried_again_within_minutes_and_no_attempt_is_spent(jitter):
    assert end_of(failed(WRONG_KEY, 5, jitter=jitter)) == {
        "outcome": "released",
        "not_before": NOW + int(CAMPUS_WAIT * (0.5 + jitter) * 1000),
        "given_back": True,
    }


@pytest.mark.parametrize(
    ("due_for", "seconds"), [(0, CAMPUS_WAIT), (4 * CAMPUS_WAIT + 4, CAMPUS_WAIT + 1), (1e6, MAX_CAMPUS_WAIT)]
)
def test_one_that_has_been_due_for_long_gives_way_to_the_others_of_its_campus(due_for, seconds):
    end = failed(WRONG_KEY, due_at=NOW - int(due_for * 1000))
    assert (end.outcome, end.not_before) == ("released", NOW + int(seconds * 1000))


def test_our_own_stopping_before_anything_was_sent_is_no_failed_attempt():
    ended = failed(UNREACHABLE, 5, stopping=True)
    assert end_of(ended) == {"outcome": "released", "given_back": True}
    assert (ended.delivery, ended.signal, ended.bytes_left) == (None, None, False)


@pytest.mark.parametrize("error", [BUSY, SILENT, REFUSED])
def test_an_answer_or_a_doubt_counts_also_while_we_stop(error):
    stopped, ended = failed(error, stopping=True), failed(error)
    assert (end_of(stopped), stopped.delivery) == (end_of(ended), ended.delivery)


def test_a_doubt_at_our_shutdown_parks_no_grade_even_at_its_last_attempt():
    assert failed(SILENT, 5, stopping=True).parked_scope is None


# Rows of their own


def test_what_the_campus_may_store_later_is_held_for_longer():
    assert end_of(failed(QUEUED)) == {"outcome": "in_doubt", "not_before": AGAIN, "hold_until": NOW + 3_600_000}


def test_no_hold_is_shorter_than_the_operators():
    assert failed(Ambiguous("queued", hold=1.0)).hold_until == NOW + HOLD_MS


def test_an_unexplained_refusal_is_tried_a_few_times_and_then_parked_as_the_learners():
    for number in range(1, UNEXPLAINED_TRIES):
        end = failed(UNEXPLAINED, number, rules=LENIENT)
        wait = UNEXPLAINED_WAITS[number - 1] // timedelta(milliseconds=1)
        assert end_of(end) == {"outcome": "retried", "not_before": NOW + wait}
    assert end_of(failed(UNEXPLAINED, UNEXPLAINED_TRIES, rules=LENIENT)) == {
        "outcome": "parked",
        "parked_scope": "learner",
        "parked_reason": f"{UNEXPLAINED_TRIES} attempts failed, the last one with: no",
        "not_before": NOW,
    }


def test_an_unexplained_refusal_is_tried_no_more_often_than_the_operator_allows():
    assert failed(UNEXPLAINED, 4).outcome == "retried"
    assert failed(UNEXPLAINED, 5).outcome == "parked"


def test_a_parked_refusal_still_keeps_to_what_the_campus_asked_for():
    error = TryLater("no", after=60.0, bytes_left=True, unexplained=True)
    assert failed(error, 5).not_before == NOW + 60_000


def test_the_number_that_decides_may_be_less_than_the_one_that_is_recorded():
    request = replace(make_request(6), number=2)
    end = resolution.failed(request, None, UNEXPLAINED, LENIENT, jitter=0.5)
    assert end.not_before == NOW + UNEXPLAINED_WAITS[1] // timedelta(milliseconds=1)
    assert end.delivery is not None
    assert end.delivery.attempt == 6


def test_an_error_of_an_unknown_kind_is_a_bug():
    with pytest.raises(TypeError, match="DeliveryError"):
        failed(DeliveryError("?"))
