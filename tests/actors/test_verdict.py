"""From how a POST went to how its attempt ends."""

from __future__ import annotations

import pytest

from actors import verdict
from actors.answer import Answer
from actors.classify import Accepted
from actors.errors import Ambiguous, DeliveryError, GiveUp, Misconfigured, TryLater
from actors.retry import FIRST, LONGEST
from actors.verdict import MISCONFIGURED_WAIT, Attempt, Rules
from models import attempt as ends
from models.delivery import Line

NOW = 1_700_000_000_000
HOLD_MS = 20_000
RULES = Rules(hold_seconds=20, max_attempts=5)
ANSWER = Answer(503, {}, b"", 0.25)

REFUSED = GiveUp("no longer in course", scope="learner", http_status=200, code_major="failure")
NOWHERE = GiveUp("not allowed", scope="campus", bytes_left=False)
WRONG_KEY = Misconfigured("bad signature", http_status=401)
NO_TRUST = Misconfigured("bad certificate", bytes_left=False)
BUSY = TryLater("HTTP 429", bytes_left=True, throttled=True, http_status=429)
UNREACHABLE = TryLater("refused")
SILENT = Ambiguous("time-out")
BROKEN = Ambiguous("HTTP 503", http_status=503)


def attempt(number: int = 1) -> Attempt:
    return Attempt(number, "0.5", clamped=False, now=NOW)


def failed(error: DeliveryError, number: int = 1, *, jitter: float = 0.5, stopping: bool = False, answer=None):
    return verdict.failed(attempt(number), answer, error, RULES, jitter=jitter, stopping=stopping)


def first_wait(jitter: float = 0.5) -> int:
    return int(FIRST.total_seconds() * 1000 * jitter)


@pytest.mark.parametrize(
    ("error", "result", "end"),
    [
        (REFUSED, "refused", ends.Parked("no longer in course", "learner")),
        (NOWHERE, "refused", ends.Parked("not allowed", "campus")),
        (WRONG_KEY, "misconfigured", ends.Released(NOW + int(MISCONFIGURED_WAIT * 1000))),
        (NO_TRUST, "misconfigured", ends.Released(NOW + int(MISCONFIGURED_WAIT * 1000))),
        (BUSY, "retried", ends.Retried(NOW + first_wait())),
        (UNREACHABLE, "retried", ends.Retried(NOW + first_wait())),
        (SILENT, "ambiguous", ends.Uncertain(NOW + first_wait(), NOW + HOLD_MS)),
        (BROKEN, "ambiguous", ends.Uncertain(NOW + first_wait(), NOW + HOLD_MS)),
    ],
)
def test_a_failure_ends_as_its_error_says_what_to_do(error, result, end):
    ended = failed(error)
    assert (ended.result, ended.end) == (result, end)


@pytest.mark.parametrize(
    ("error", "bytes_left", "definite"),
    [
        (REFUSED, True, True),
        (NOWHERE, False, True),
        (WRONG_KEY, True, True),
        (NO_TRUST, False, True),
        (BUSY, True, True),
        (UNREACHABLE, False, True),
        (SILENT, True, False),
        (BROKEN, True, False),
    ],
)
def test_a_verdict_says_whether_bytes_left_and_whether_the_answer_was_clear(error, bytes_left, definite):
    ended = failed(error)
    assert (ended.bytes_left, ended.definite) == (bytes_left, definite)


def test_an_acceptance_keeps_the_score_and_the_campuss_words():
    said = Accepted(201, "success", "stored")
    ended = verdict.accepted(Attempt(1, "1", clamped=True, now=NOW), Answer(201, {}, b"", 0.0129), said)
    assert ended.end == ends.Accepted("1")
    assert ended.line == Line(
        "accepted",
        score="1",
        clamped=True,
        http_status=201,
        code_major="success",
        description="stored",
        duration_ms=12,
    )
    assert (ended.bytes_left, ended.definite) == (True, True)


@pytest.mark.parametrize(
    ("error", "answer", "duration_ms"), [(REFUSED, ANSWER, 250), (BROKEN, ANSWER, 250), (SILENT, None, None)]
)
def test_a_failures_ledger_line_holds_score_status_code_words_and_duration(error, answer, duration_ms):
    ended = failed(error, answer=answer)
    assert ended.line == Line(
        ended.result,
        score="0.5",
        http_status=error.http_status,
        code_major=error.code_major,
        description=error.reason,
        duration_ms=duration_ms,
    )


@pytest.mark.parametrize(
    ("end", "result"),
    [
        (ends.Unchanged(), "unchanged"),
        (ends.Empty(), "empty"),
        (ends.Waiting(), "released"),
        (ends.Released(), "superseded"),
    ],
)
def test_what_was_not_sent_has_no_ledger_line_and_let_nothing_go(end, result):
    ended = verdict.not_sent(end, result)
    assert (ended.result, ended.end, ended.line, ended.bytes_left) == (result, end, None, False)


@pytest.mark.parametrize(("error", "parked_from"), [(BUSY, 5), (UNREACHABLE, 5)])
def test_the_last_attempt_parks_with_the_last_reason(error, parked_from):
    assert isinstance(failed(error, parked_from - 1).end, ends.Retried)
    for number in (parked_from, parked_from + 1):
        end = failed(error, number).end
        assert isinstance(end, ends.Parked)
        assert end.reason == f"{number} attempts failed, the last one with: {error.reason}"


@pytest.mark.parametrize(("error", "scope"), [(BUSY, "learner"), (UNREACHABLE, "campus")])
def test_whose_matter_a_worn_out_grade_is_depends_on_whether_the_campus_answered(error, scope):
    assert failed(error, 5).end.scope == scope


def test_the_last_doubtful_attempt_holds_and_then_parks():
    end = failed(BROKEN, 5, jitter=0.0).end
    assert end == ends.Uncertain(
        NOW, NOW + HOLD_MS, ends.Parked("5 attempts failed, the last one with: HTTP 503", "campus")
    )
    assert failed(BROKEN, 4).end.parked is None


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_waits_grow_with_the_attempts_and_are_spread_by_the_jitter(number):
    assert failed(UNREACHABLE, number, jitter=1.0).end.not_before == NOW + first_wait(1.0) * 2 ** (number - 1)
    assert failed(UNREACHABLE, number, jitter=0.0).end.not_before == NOW


def test_no_wait_is_longer_than_the_longest():
    error = TryLater("refused")
    end = verdict.failed(attempt(70), None, error, Rules(hold_seconds=20, max_attempts=80), jitter=1.0).end
    assert end.not_before == NOW + LONGEST.total_seconds() * 1000


@pytest.mark.parametrize("kind", [TryLater, Ambiguous])
def test_what_the_campus_asked_for_is_a_floor(kind):
    assert failed(kind("wait", after=600.0)).end.not_before == NOW + 600_000
    assert failed(kind("wait", after=0.001)).end.not_before == NOW + first_wait()


@pytest.mark.parametrize("jitter", [0.0, 1.0])
def test_a_misconfigured_campus_is_tried_again_within_minutes_and_no_attempt_is_spent(jitter):
    end = failed(WRONG_KEY, 5, jitter=jitter).end
    assert end == ends.Released(NOW + int(MISCONFIGURED_WAIT * (0.5 + jitter) * 1000))


def test_our_own_stopping_before_anything_was_sent_is_no_failed_attempt():
    ended = failed(UNREACHABLE, 5, stopping=True)
    assert ended == verdict.Verdict("released", ends.Released())


@pytest.mark.parametrize(("error", "result"), [(BUSY, "retried"), (SILENT, "ambiguous"), (REFUSED, "refused")])
def test_an_answer_or_a_doubt_counts_also_while_we_stop(error, result):
    assert failed(error, stopping=True) == failed(error)
    assert failed(error, stopping=True).result == result


def test_a_failure_that_nobody_decided_about_is_a_bug():
    with pytest.raises(TypeError, match="DeliveryError"):
        failed(DeliveryError("?"))
