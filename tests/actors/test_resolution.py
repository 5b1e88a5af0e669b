"""From how a request went to what becomes of its row."""

from dataclasses import replace
from datetime import timedelta

import pytest

from actors import resolution
from actors.errors import Ambiguous, DeliveryError, TryLater
from actors.protocols.interface import Accepted
from actors.resolution import CAMPUS_WAIT, MAX_CAMPUS_WAIT
from actors.response import Response
from actors.retry import FIRST, UNEXPLAINED_WAITS
from tests.actors.resolving import (
    ANSWER,
    CLAIM,
    DELIVERY,
    ERRORS,
    HOLD_MS,
    LENIENT,
    NOW,
    end_of,
    failed,
    make_request,
    stored,
)

MILLISECOND = timedelta(milliseconds=1)
FIRST_MS = FIRST // MILLISECOND
AGAIN = NOW + FIRST_MS // 2
RETRIED = {"outcome": "retried", "not_before": AGAIN}
HELD = {"outcome": "in_doubt", "not_before": AGAIN, "hold_until": NOW + HOLD_MS}
WITH_THE_CAMPUS = {"outcome": "released", "not_before": NOW + int(CAMPUS_WAIT * 1000), "given_back": True}


def parked(scope: str, reason: str, **more: int) -> dict[str, object]:
    return {"outcome": "parked", "parked_scope": scope, "parked_reason": reason, **more}


@pytest.mark.parametrize(
    ("error", "result", "end"),
    [
        ("refused", "refused", parked("learner", "no longer in course")),
        ("not allowed", "refused", parked("campus", "not allowed")),
        ("wrong key", "misconfigured", WITH_THE_CAMPUS),
        ("no trust", "misconfigured", WITH_THE_CAMPUS),
        ("busy", "retried", RETRIED),
        ("unreachable", "retried", RETRIED),
        ("time-out", "ambiguous", HELD),
        ("broken", "ambiguous", HELD),
        ("queued", "ambiguous", {**HELD, "hold_until": NOW + 3_600_000}),
    ],
)
@pytest.mark.parametrize(("answer", "duration_ms"), [(None, None), (ANSWER, 250)])
def test_a_failure_ends_as_its_error_says_what_to_do(error, result, end, answer, duration_ms):
    ended, why = failed(error, answer=answer), ERRORS[error]
    assert end_of(ended) == end
    assert ended.bytes_left == why.bytes_left
    assert ended.delivery == replace(
        DELIVERY,
        result=result,
        http_status=why.http_status,
        code_major=why.code_major,
        description=why.reason,
        duration_ms=duration_ms,
    )


def test_an_acceptance_keeps_the_score_and_the_lmss_message():
    ended = stored(Response(201, {}, b"", 0.0129), Accepted(201, "success", "kept"), clamped=True)
    assert end_of(ended) == {"outcome": "accepted", "score": "0.5"}
    assert ended.delivery == replace(
        DELIVERY, clamped=True, http_status=201, code_major="success", description="kept", duration_ms=12
    )
    assert ended.bytes_left


@pytest.mark.parametrize(
    ("outcome", "given_back"),
    [("unchanged", False), ("empty", False), ("waiting", True), ("superseded", True), ("released", True)],
)
def test_what_was_not_sent_has_no_delivery_record_and_says_nothing_of_the_campus(outcome, given_back):
    ended = resolution.not_sent(CLAIM, outcome)
    assert (ended.outcome, ended.given_back) == (outcome, given_back)
    assert (ended.delivery, ended.bytes_left, ended.signal) == (None, False, None)


@pytest.mark.parametrize(("error", "scope"), [("busy", "campus"), ("broken", "campus"), ("unexplained", "learner")])
def test_the_last_attempt_parks_and_so_does_any_after_it(error, scope):
    assert failed(error, 4).parked_scope is None
    for number in (5, 6):
        end, reason = failed(error, number), f"{number} attempts failed, the last one with: {ERRORS[error].reason}"
        assert (end.parked_scope, end.parked_reason) == (scope, reason)


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_waits_grow_with_the_attempts_and_are_spread_by_the_jitter(number):
    assert failed("unreachable", number, jitter=1.0).not_before == NOW + FIRST_MS * 2 ** (number - 1)
    assert failed("unreachable", number, jitter=0.0).not_before == NOW


@pytest.mark.parametrize("kind", [TryLater, Ambiguous])
@pytest.mark.parametrize(("away", "otherwise"), [(False, AGAIN), (True, NOW + 60_000)])
def test_what_the_campus_asked_for_is_a_floor(kind, away, otherwise):
    assert failed(kind("wait", after=600.0), away=away).not_before == NOW + 600_000
    assert failed(kind("wait", after=0.001), away=away).not_before == otherwise


@pytest.mark.parametrize("jitter", [0.0, 1.0])
def test_a_misconfigured_campus_is_tried_again_within_minutes_and_no_attempt_is_spent(jitter):
    not_before = NOW + int(CAMPUS_WAIT * (0.5 + jitter) * 1000)
    assert end_of(failed("wrong key", 5, jitter=jitter)) == {**WITH_THE_CAMPUS, "not_before": not_before}


@pytest.mark.parametrize(
    ("due_for", "seconds"), [(0, CAMPUS_WAIT), (4 * CAMPUS_WAIT + 4, CAMPUS_WAIT + 1), (1e6, MAX_CAMPUS_WAIT)]
)
def test_one_that_has_been_due_for_long_gives_way_to_the_others_of_its_campus(due_for, seconds):
    end = failed("wrong key", due_at=NOW - int(due_for * 1000))
    assert (end.outcome, end.not_before) == ("released", NOW + int(seconds * 1000))


# --- Our own shutdown ---


def test_our_own_stopping_before_anything_was_sent_is_no_failed_attempt():
    ended = failed("unreachable", 5, stopping=True)
    assert end_of(ended) == {"outcome": "released", "given_back": True}
    assert (ended.delivery, ended.signal, ended.bytes_left) == (None, None, False)


@pytest.mark.parametrize("error", ["busy", "time-out", "refused"])
def test_an_answer_or_a_time_out_counts_also_while_we_stop(error):
    stopped, ended = failed(error, stopping=True), failed(error)
    assert (end_of(stopped), stopped.delivery) == (end_of(ended), ended.delivery)


@pytest.mark.parametrize("away", [False, True])
def test_a_time_out_at_our_shutdown_parks_no_grade_even_at_its_last_attempt(away):
    assert end_of(failed("time-out", 5, stopping=True, away=away, jitter=0.0)) == {**HELD, "not_before": NOW}


# --- Rows of their own ---


def test_no_hold_is_shorter_than_the_operators():
    assert failed(Ambiguous("queued", hold=1.0)).hold_until == NOW + HOLD_MS


def test_a_parked_refusal_still_keeps_to_what_the_campus_asked_for():
    error = TryLater("no", after=60.0, bytes_left=True, unexplained=True)
    assert failed(error, 5).not_before == NOW + 60_000


def test_the_number_that_decides_may_be_less_than_the_one_that_is_recorded():
    request = replace(make_request(6), number=2)
    end = resolution.failed(request, None, ERRORS["unexplained"], LENIENT, jitter=0.5)
    assert end.not_before == NOW + UNEXPLAINED_WAITS[1] // MILLISECOND
    assert end.delivery is not None
    assert end.delivery.attempt == 6


def test_an_error_of_an_unknown_kind_is_a_bug():
    with pytest.raises(TypeError, match="DeliveryError"):
        failed(DeliveryError("?"))


# --- While the campus is down, of which the attempt is a probe ---


@pytest.mark.parametrize("number", [1, 5, 80])
@pytest.mark.parametrize(("jitter", "wait"), [(0.0, 30_000), (0.5, 60_000), (1.0, 90_000)])
@pytest.mark.parametrize("error", ["unreachable", "not found", "time-out", "broken"])
def test_while_the_campus_is_down_its_failure_spends_no_attempt_and_parks_no_grade(number, jitter, wait, error):
    """A campus that is being set up anew answers 404 for all its grades."""
    ended, end = failed(error, number, jitter=jitter, away=True), {**WITH_THE_CAMPUS, "not_before": NOW + wait}
    if error in ("time-out", "broken"):
        end.update(outcome="in_doubt", hold_until=NOW + HOLD_MS)
    assert end_of(ended) == end
    assert ended.delivery == failed(error, number).delivery


@pytest.mark.parametrize(
    "error", ["refused", "concluded", "not allowed", "wrong key", "busy", "unexplained", "queued", "own fault"]
)
@pytest.mark.parametrize("number", [1, 5])
def test_what_says_nothing_bad_of_the_campus_ends_as_ever_while_it_is_down(error, number):
    probe, ended = failed(error, number, away=True), failed(error, number)
    assert (end_of(probe), probe.delivery, probe.bytes_left) == (end_of(ended), ended.delivery, ended.bytes_left)
