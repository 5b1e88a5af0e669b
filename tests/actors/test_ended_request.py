"""What an attempt says of its whole campus."""

import pytest

from actors.errors import Ambiguous, TryLater
from actors.protocols.interface import Accepted
from models.campus import SLOW_MS, Signal
from models.delivery import is_unexplained
from tests.actors.resolving import ANSWER, NOW, failed, stored


def signal_of(error, **circumstances) -> Signal:
    signal = failed(error, **circumstances).signal
    assert signal is not None
    return signal


KINDS = {
    "success": ["refused", "concluded", "unexplained", "queued"],
    "throttled": ["busy"],
    "failure": ["not found", "wrong key", "no trust", "redirect", "unreachable", "time-out", "broken", "no code"],
    "neutral": ["not allowed", "unwritable", "own fault"],
}


@pytest.mark.parametrize(("kind", "error"), [(kind, error) for kind, errors in KINDS.items() for error in errors])
@pytest.mark.parametrize("away", [False, True])
def test_a_failure_says_whether_the_whole_campus_has_it(error, kind, away):
    assert signal_of(error, away=away).kind == kind


def test_an_acceptance_says_that_the_campus_is_up_near_its_limit_and_how_long_its_answer_took():
    assert stored(said=Accepted(200, "success", "", after=4.0), seconds=5.0).signal == Signal(
        "success",
        campus_id=3,
        assignment_id=7,
        claimed_at=NOW - 100,
        tripped_at=None,
        duration_ms=250,
        answered=True,
        after=4.0,
        error="",
    )


def test_a_refusal_for_no_known_reason_without_an_envelope_is_recorded_so_that_its_like_are_counted():
    error = TryLater("HTTP 403: no", bytes_left=True, unexplained=True, http_status=403)
    record = failed(error).delivery
    assert is_unexplained(record)
    busy = failed(TryLater("HTTP 429", bytes_left=True, throttled=True, http_status=429)).delivery
    assert not is_unexplained(busy)


def test_a_signal_names_the_breaker_that_its_claim_saw_and_the_error():
    signal = signal_of("broken", away=True, answer=ANSWER)
    assert (signal.tripped_at, signal.error, signal.answered) == (NOW - 60_000, "HTTP 503", True)
    assert (signal.campus_id, signal.assignment_id, signal.claimed_at) == (3, 7, NOW - 100)
    assert not signal_of("time-out").answered


@pytest.mark.parametrize(
    ("error", "answer", "kind"),
    [("time-out", None, "neutral"), ("broken", ANSWER, "failure"), ("wrong key", ANSWER, "failure")],
)
def test_our_own_shutdown_says_nothing_of_the_campus_but_an_answer_does(error, answer, kind):
    assert signal_of(error, answer=answer, stopping=True).kind == kind


@pytest.mark.parametrize(
    ("error", "after"),
    [
        (TryLater("busy", after=7.0, bytes_left=True, throttled=True), 7.0),
        (Ambiguous("HTTP 503", after=7.0, http_status=503), 7.0),
        (TryLater("no", after=7.0, bytes_left=True, unexplained=True), None),
        (Ambiguous("queued", after=7.0, code_major="processing"), None),
        ("unreachable", None),
        ("refused", None),
        ("wrong key", None),
    ],
)
def test_a_signal_keeps_what_a_campus_that_is_busy_or_fails_asked_for(error, after):
    assert signal_of(error).after == after


@pytest.mark.parametrize(
    ("error", "seconds", "answer", "duration_ms"),
    [
        ("broken", 9.0, ANSWER, 250),
        ("busy", 0.1, ANSWER, 250),
        ("unreachable", SLOW_MS / 1000 + 0.1, None, SLOW_MS + 100),
        ("unreachable", SLOW_MS / 1000, None, None),
        ("unreachable", 0.0, None, None),
        ("own fault", 9.0, None, None),
    ],
)
def test_how_long_a_campus_takes_is_known_from_an_answer_or_from_a_failure_that_took_long(
    error, seconds, answer, duration_ms
):
    assert signal_of(error, seconds=seconds, answer=answer).duration_ms == duration_ms
