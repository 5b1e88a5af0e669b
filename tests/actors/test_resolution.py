"""From how a POST went to how its attempt ends."""

from __future__ import annotations

from datetime import timedelta

import pytest

from actors import resolution as verdict
from actors.errors import Ambiguous, DeliveryError, GiveUp, Misconfigured, TryLater
from actors.protocols.lti11.responses import Accepted
from actors.resolution import CAMPUS_WAIT, MAX_CAMPUS_WAIT, Attempt, Rules
from actors.response import Response
from actors.retry import FIRST, LONGEST, UNEXPLAINED_TRIES, UNEXPLAINED_WAITS
from models import attempt as ends
from models.delivery import Line

NOW = 1_700_000_000_000
HOLD_MS = 20_000
RULES = Rules(hold_seconds=20, max_attempts=5)
ANSWER = Response(503, {}, b"", 0.25)

REFUSED = GiveUp("no longer in course", scope="learner", http_status=200, code_major="failure")
NOWHERE = GiveUp("not allowed", scope="campus", bytes_left=False)
WRONG_KEY = Misconfigured("bad signature", http_status=401)
NO_TRUST = Misconfigured("bad certificate", bytes_left=False)
BUSY = TryLater("HTTP 429", bytes_left=True, throttled=True, http_status=429)
UNREACHABLE = TryLater("refused")
UNEXPLAINED = TryLater("no", bytes_left=True, unexplained=True, http_status=200, code_major="failure")
NOT_FOUND = GiveUp("HTTP 404", scope="campus", http_status=404)
CONCLUDED = GiveUp("course concluded", scope="course", http_status=200, code_major="failure")
SILENT = Ambiguous("time-out")
BROKEN = Ambiguous("HTTP 503", http_status=503)
QUEUED = Ambiguous("HTTP 200, processing", hold=3600.0, http_status=200, code_major="processing")
OURS = Ambiguous("a fault of our own", ours=True)


def attempt(number: int = 1) -> Attempt:
    return Attempt(number, "0.5", clamped=False, now=NOW, due_at=NOW)


def failed(error: DeliveryError, number: int = 1, *, jitter: float = 0.5, answer=None, **circumstances: bool):
    return verdict.failed(attempt(number), answer, error, RULES, jitter=jitter, **circumstances)


def first_wait(jitter: float = 0.5) -> int:
    return int(FIRST.total_seconds() * 1000 * jitter)


@pytest.mark.parametrize(
    ("error", "result", "end"),
    [
        (REFUSED, "refused", ends.Parked("no longer in course", "learner")),
        (NOWHERE, "refused", ends.Parked("not allowed", "campus")),
        (WRONG_KEY, "misconfigured", ends.Released(NOW + int(CAMPUS_WAIT * 1000))),
        (NO_TRUST, "misconfigured", ends.Released(NOW + int(CAMPUS_WAIT * 1000))),
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
def test_a_verdict_says_whether_bytes_left(error, bytes_left):
    assert failed(error).bytes_left == bytes_left


def test_an_acceptance_keeps_the_score_and_the_campuss_words():
    said = Accepted(201, "success", "stored")
    ended = verdict.accepted(Attempt(1, "1", clamped=True, now=NOW, due_at=NOW), Response(201, {}, b"", 0.0129), said)
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
    assert ended.bytes_left


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


@pytest.mark.parametrize("error", [BUSY, UNREACHABLE])
def test_a_grade_that_is_worn_out_because_the_campus_is_busy_or_away_is_the_campuss_matter(error):
    assert failed(error, 5).end.scope == "campus"


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
    assert end == ends.Released(NOW + int(CAMPUS_WAIT * (0.5 + jitter) * 1000))


@pytest.mark.parametrize(
    ("due_for", "seconds"), [(0, CAMPUS_WAIT), (4 * CAMPUS_WAIT + 4, CAMPUS_WAIT + 1), (1e6, MAX_CAMPUS_WAIT)]
)
def test_one_that_has_been_due_for_long_gives_way_to_the_others_of_its_campus(due_for, seconds):
    made = Attempt(1, "0.5", clamped=False, now=NOW, due_at=NOW - int(due_for * 1000))
    end = verdict.failed(made, None, WRONG_KEY, Rules(hold_seconds=20, max_attempts=80), jitter=0.5).end
    assert end == ends.Released(NOW + int(seconds * 1000))


def test_our_own_stopping_before_anything_was_sent_is_no_failed_attempt():
    ended = failed(UNREACHABLE, 5, stopping=True)
    assert ended == verdict.Verdict("released", ends.Released())


@pytest.mark.parametrize(("error", "result"), [(BUSY, "retried"), (SILENT, "ambiguous"), (REFUSED, "refused")])
def test_an_answer_or_a_doubt_counts_also_while_we_stop(error, result):
    stopped, ended = failed(error, stopping=True), failed(error)
    assert (stopped.end, stopped.line) == (ended.end, ended.line)
    assert stopped.result == result


# What it tells about the campus


@pytest.mark.parametrize(
    ("error", "health"),
    [
        (REFUSED, "works"),
        (CONCLUDED, "works"),
        (NOT_FOUND, "fails"),
        (NOWHERE, "silent"),
        (WRONG_KEY, "fails"),
        (NO_TRUST, "fails"),
        (BUSY, "throttled"),
        (UNREACHABLE, "fails"),
        (UNEXPLAINED, "works"),
        (SILENT, "fails"),
        (BROKEN, "fails"),
        (QUEUED, "works"),
        (OURS, "silent"),
    ],
)
@pytest.mark.parametrize("away", [False, True])
def test_a_failure_tells_whether_the_whole_campus_has_it(error, health, away):
    assert failed(error, campus_away=away).health == health


def test_an_acceptance_tells_that_the_campus_works():
    assert verdict.accepted(attempt(), ANSWER, Accepted(200, "success", "")).health == "works"


def test_an_acceptance_passes_on_when_the_campus_has_room_for_more():
    assert verdict.accepted(attempt(), ANSWER, Accepted(200, "success", "", after=4.0)).after == 4


def test_what_was_not_sent_tells_nothing_about_the_campus():
    assert verdict.not_sent(ends.Unchanged(), "unchanged").health == "silent"


@pytest.mark.parametrize(
    ("error", "answer", "health"),
    [(UNREACHABLE, None, "silent"), (SILENT, None, "silent"), (BROKEN, ANSWER, "fails"), (WRONG_KEY, ANSWER, "fails")],
)
def test_our_own_shutdown_tells_nothing_about_the_campus_but_an_answer_does(error, answer, health):
    assert failed(error, answer=answer, stopping=True).health == health


@pytest.mark.parametrize(
    ("error", "after"),
    [
        (TryLater("busy", after=7.0, bytes_left=True, throttled=True), 7.0),
        (Ambiguous("HTTP 503", after=7.0, http_status=503), 7.0),
        (TryLater("no", after=7.0, bytes_left=True, unexplained=True), None),
        (Ambiguous("queued", after=7.0, code_major="processing"), None),
        (UNREACHABLE, None),
        (REFUSED, None),
        (WRONG_KEY, None),
    ],
)
def test_what_a_campus_that_is_busy_or_fails_asked_for_is_told_too(error, after):
    assert failed(error).after == after


# While the campus is away


@pytest.mark.parametrize("number", [1, 5, 80])
@pytest.mark.parametrize(("jitter", "wait"), [(0.0, 30_000), (0.5, 60_000), (1.0, 90_000)])
def test_while_the_campus_is_away_no_connection_spends_no_attempt_and_parks_nobody(number, jitter, wait):
    ended = failed(UNREACHABLE, number, jitter=jitter, campus_away=True)
    assert ended.end == ends.Released(NOW + wait)
    assert (ended.result, ended.line) == ("retried", failed(UNREACHABLE, number).line)


@pytest.mark.parametrize("number", [1, 5, 80])
@pytest.mark.parametrize("error", [SILENT, BROKEN])
def test_while_the_campus_is_away_a_doubt_holds_but_spends_no_attempt_and_parks_nobody(number, error):
    ended = failed(error, number, campus_away=True)
    assert ended.end == ends.Uncertain(NOW + 60_000, NOW + HOLD_MS, given_back=True)
    assert (ended.result, ended.line) == ("ambiguous", failed(error, number).line)


@pytest.mark.parametrize("kind", [TryLater, Ambiguous])
def test_while_the_campus_is_away_what_it_asked_for_is_a_floor(kind):
    assert failed(kind("wait", after=600.0), campus_away=True).end.not_before == NOW + 600_000
    assert failed(kind("wait", after=1.0), campus_away=True).end.not_before == NOW + 60_000


def test_while_the_campus_is_away_an_address_that_is_not_found_parks_nobody():
    """A campus that is being set up anew answers so for all its grades."""
    ended = failed(NOT_FOUND, campus_away=True)
    assert ended.end == ends.Released(NOW + 60_000)
    assert (ended.result, ended.line) == ("refused", failed(NOT_FOUND).line)


@pytest.mark.parametrize("error", [REFUSED, CONCLUDED, NOWHERE, WRONG_KEY, BUSY, UNEXPLAINED, QUEUED, OURS])
@pytest.mark.parametrize("number", [1, 5])
def test_what_says_something_of_this_assignment_or_nothing_of_the_campus_ends_as_ever_while_it_is_away(error, number):
    assert failed(error, number, campus_away=True) == failed(error, number)


def test_our_shutdown_is_no_sign_that_the_campus_is_away():
    assert failed(SILENT, 5, stopping=True, campus_away=True) == failed(SILENT, 5, stopping=True)


# Rows of their own


def test_what_the_campus_may_store_later_is_held_for_longer():
    assert failed(QUEUED).end == ends.Uncertain(NOW + first_wait(), NOW + 3_600_000)


def test_no_hold_is_shorter_than_the_operators():
    assert failed(Ambiguous("queued", hold=1.0)).end.hold_until == NOW + HOLD_MS


def test_a_refusal_that_nobody_can_explain_is_tried_a_few_times_and_then_the_learners():
    rules = Rules(hold_seconds=20, max_attempts=80)
    for number in range(1, UNEXPLAINED_TRIES):
        end = verdict.failed(attempt(number), None, UNEXPLAINED, rules, jitter=0.5).end
        assert end == ends.Retried(NOW + UNEXPLAINED_WAITS[number - 1] // timedelta(milliseconds=1))
    end = verdict.failed(attempt(UNEXPLAINED_TRIES), None, UNEXPLAINED, rules, jitter=0.5).end
    assert end == ends.Parked(f"{UNEXPLAINED_TRIES} attempts failed, the last one with: no", "learner", NOW)


def test_a_refusal_that_nobody_can_explain_is_tried_no_more_often_than_the_operator_allows():
    assert isinstance(failed(UNEXPLAINED, 4).end, ends.Retried)
    assert isinstance(failed(UNEXPLAINED, 5).end, ends.Parked)


def test_a_parked_refusal_still_keeps_to_what_the_campus_asked_for():
    error = TryLater("no", after=60.0, bytes_left=True, unexplained=True)
    assert failed(error, 5).end.not_before == NOW + 60_000


def test_a_failure_that_nobody_decided_about_is_a_bug():
    with pytest.raises(TypeError, match="DeliveryError"):
        failed(DeliveryError("?"))
