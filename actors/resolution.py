"""From how a POST went to how the attempt ends: row and ledger line. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal

from actors.errors import Ambiguous, DeliveryError, GiveUp, Misconfigured, TryLater
from actors.retry import UNEXPLAINED_TRIES, wait_before, wait_unexplained
from models.attempt import Accepted as AcceptedEnd
from models.attempt import Empty, End, Parked, Released, Retried, Uncertain, Unchanged, Waiting
from models.delivery import Line

if TYPE_CHECKING:
    from datetime import timedelta

    from actors.protocols.lti11.responses import Accepted
    from actors.response import Answer

#: Seconds between two tries of one assignment while the whole campus is away or refuses everything; spread from half
#: of it to one and a half.
CAMPUS_WAIT = 60.0
#: Seconds. Longer for one that has been due for longer, up to this: it may be the one that is broken, and must not
#: shut the gate again and again before all others.
LONGEST_CAMPUS_WAIT = 900.0

#: What ``passback_outcomes_total`` counts.
Result = Literal[
    "accepted",
    "refused",
    "retried",
    "ambiguous",
    "misconfigured",
    "unknown",
    "unchanged",
    "superseded",
    "empty",
    "released",
]

#: What an attempt tells about the whole campus, for its gate:
#:
#: ===============================================================  =========
#: accepted                                                         works
#: refused for the learner's or the course's sake                   works
#: a POX failure that may pass, or ``processing``                   works
#: busy: 408, 425, 429, 403 at its rate limit                       throttled
#: no connection: connecting, DNS, TLS time-out, refused            fails
#: misconfigured: signature, key, certificate, redirect             fails
#: refused for the campus's sake: 404, 415, ...                     fails
#: in doubt: time-out, reset, 5xx, 2xx that says nothing            fails
#: nothing may be sent there: egress, malformed URL, no request     silent
#: our own fault or shutdown; nothing to send                       silent
#: ===============================================================  =========
Health = Literal["works", "fails", "throttled", "silent"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """How one attempt ends."""

    result: Result
    end: End
    #: None for what was not sent.
    line: Line | None = None
    #: Whether any byte of a request may have reached the LMS.
    bytes_left: bool = False
    #: What this attempt tells about the whole campus.
    health: Health = "silent"
    #: Seconds that a campus which is busy or fails asked to be left alone for, if it did.
    after: float | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """What is known when a request has ended."""

    #: Counts from 1 since the last acceptance.
    number: int
    score: str
    clamped: bool
    #: Milliseconds since 1970, and when the grade fell due.
    now: int
    due_at: int


@dataclass(frozen=True, slots=True)
class Rules:
    """The operator's settings. Seconds."""

    hold_seconds: float
    max_attempts: int


def may_be_the_secret(verdict: Verdict) -> bool:
    """
    Whether an answer may mean that the campus does not know the secret.

    LMSs say so in many ways, but not by a redirect, and not before they have answered at all.
    """
    line = verdict.line
    if line is None or line.http_status is None or 300 <= line.http_status <= 399:
        return False
    match verdict.result:
        case "misconfigured":
            return True
        case "refused":
            return isinstance(verdict.end, Parked) and verdict.end.scope == "campus"
        case "retried":
            return line.code_major in ("failure", "unsupported")
        case "ambiguous":
            return 400 <= line.http_status <= 499
        case _:
            return False


def not_sent(end: Unchanged | Empty | Waiting | Released, result: Result) -> Verdict:
    """An attempt without a request."""
    return Verdict(result, end)


def accepted(attempt: Attempt, answer: Answer, said: Accepted) -> Verdict:
    line = Line(
        "accepted",
        score=attempt.score,
        clamped=attempt.clamped,
        http_status=said.http_status,
        code_major=said.code_major,
        description=said.description,
        duration_ms=int(answer.seconds * 1000),
    )
    return Verdict(
        "accepted",
        AcceptedEnd(attempt.score),
        line,
        bytes_left=True,
        health="works",
        after=said.after,
    )


def failed(
    attempt: Attempt,
    answer: Answer | None,
    error: DeliveryError,
    rules: Rules,
    *,
    jitter: float,
    stopping: bool = False,
    campus_away: bool = False,
) -> Verdict:
    """
    The end of an attempt that the LMS is not known to have accepted.

    Args:
        answer: None if none came.
        jitter: 0.0 to 1.0; spreads retries.
        stopping: Whether our own shutdown cut it short: that is no failed attempt.
        campus_away: Whether this campus's gate is shut. Then a failure of the campus says nothing about this
            assignment: it spends no attempt, parks nobody, and is tried again like all the others of its campus.
    """
    health = _health(error, stopping=stopping and answer is None)
    away = campus_away and health == "fails"
    ended = partial(_ended, attempt, answer, error, health=health)
    match error:
        case TryLater(bytes_left=False) if stopping:
            return not_sent(Released(), "released")
        case TryLater():
            return ended("retried", _later(attempt, error, rules, jitter, away=away), bytes_left=error.bytes_left)
        case GiveUp():
            end: End = Released(_with_the_campus(attempt, jitter)) if away else Parked(error.reason, error.scope)
            return ended("refused", end, bytes_left=error.bytes_left)
        case Misconfigured():
            return ended("misconfigured", Released(_with_the_campus(attempt, jitter)), bytes_left=error.bytes_left)
        case Ambiguous():
            doubt = _uncertain(attempt, error, rules, jitter, away=away, stopping=stopping)
            return ended("ambiguous", doubt, bytes_left=True)
        case _:
            raise TypeError(f"nobody says what to do about {type(error).__name__}") from error


def _later(attempt: Attempt, error: TryLater, rules: Rules, jitter: float, *, away: bool) -> End:
    if away:
        return Released(_with_the_campus(attempt, jitter, error.after))
    if error.unexplained:
        if attempt.number >= min(UNEXPLAINED_TRIES, rules.max_attempts):
            # A new score gets its one try without the backoff of the old one.
            return Parked(_worn_out(attempt, error), "learner", attempt.now + int((error.after or 0) * 1000))
        return Retried(attempt.now + _ms(wait_unexplained(attempt.number, asked=error.after, jitter=jitter)))
    again = attempt.now + _ms(wait_before(attempt.number, asked=error.after, jitter=jitter))
    if attempt.number >= rules.max_attempts:
        return Parked(_worn_out(attempt, error), "campus", again)
    return Retried(again)


def _uncertain(
    attempt: Attempt, error: Ambiguous, rules: Rules, jitter: float, *, away: bool, stopping: bool
) -> Uncertain:
    hold_until = attempt.now + int(max(rules.hold_seconds, error.hold or 0) * 1000)
    if away:
        return Uncertain(_with_the_campus(attempt, jitter, error.after), hold_until, given_back=True)
    again = attempt.now + _ms(wait_before(attempt.number, asked=error.after, jitter=jitter))
    worn_out = attempt.number >= rules.max_attempts and not stopping
    return Uncertain(again, hold_until, Parked(_worn_out(attempt, error), "campus") if worn_out else None)


def _health(error: DeliveryError, *, stopping: bool) -> Health:
    """
    Read from the table at :data:`Health`.

    Args:
        stopping: Whether our own shutdown cut it short before there was an answer.
    """
    match error:
        case TryLater(throttled=True):
            return "throttled"
        case TryLater(bytes_left=True) | GiveUp(scope="learner" | "course") | Ambiguous(code_major="processing"):
            return "works"
        case TryLater() | Ambiguous() if stopping:
            return "silent"
        case GiveUp(bytes_left=False) | Ambiguous(ours=True):
            return "silent"
        case _:
            return "fails"


def _ended(
    attempt: Attempt,
    answer: Answer | None,
    error: DeliveryError,
    result: Literal["refused", "retried", "ambiguous", "misconfigured"],
    end: End,
    *,
    health: Health,
    bytes_left: bool,
) -> Verdict:
    line = Line(
        result,
        score=attempt.score,
        clamped=attempt.clamped,
        http_status=error.http_status,
        code_major=error.code_major,
        description=error.reason,
        duration_ms=None if answer is None else int(answer.seconds * 1000),
    )
    asked = error.after if isinstance(error, TryLater | Ambiguous) and health in ("throttled", "fails") else None
    return Verdict(result, end, line, bytes_left=bytes_left, health=health, after=asked)


def _with_the_campus(attempt: Attempt, jitter: float, asked: float | None = None) -> int:
    """When to look whether the campus is back, in milliseconds since 1970."""
    due_for = (attempt.now - attempt.due_at) / 1000
    wait = min(max(CAMPUS_WAIT, due_for / 4), LONGEST_CAMPUS_WAIT) * (0.5 + jitter)
    return attempt.now + int(max(wait, asked or 0) * 1000)


def _worn_out(attempt: Attempt, error: DeliveryError) -> str:
    return f"{attempt.number} attempts failed, the last one with: {error.reason}"


def _ms(wait: timedelta) -> int:
    return int(wait.total_seconds() * 1000)
