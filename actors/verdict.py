"""From how a POST went to how the attempt ends: row and ledger line. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from actors.errors import Ambiguous, DeliveryError, GiveUp, Misconfigured, TryLater
from actors.retry import wait_before
from models.attempt import Accepted as AcceptedEnd
from models.attempt import Empty, End, Parked, Released, Retried, Uncertain, Unchanged, Waiting
from models.delivery import Line

if TYPE_CHECKING:
    from actors.answer import Answer
    from actors.classify import Accepted

#: Seconds between two tries of one assignment while everything of its campus is refused.
MISCONFIGURED_WAIT = 60.0

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


@dataclass(frozen=True, slots=True)
class Verdict:
    """How one attempt ends."""

    result: Result
    end: End
    #: None for what was not sent.
    line: Line | None = None
    #: Whether any byte of a request may have reached the LMS.
    bytes_left: bool = False
    #: Whether the LMS said clearly what it did with the score.
    definite: bool = False


@dataclass(frozen=True, slots=True)
class Attempt:
    """What is known when a request has ended."""

    #: Counts from 1 since the last acceptance.
    number: int
    score: str
    clamped: bool
    #: Milliseconds since 1970.
    now: int


@dataclass(frozen=True, slots=True)
class Rules:
    """The operator's settings. Seconds."""

    hold_seconds: float
    max_attempts: int


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
        duration_ms=_ms(answer),
    )
    return Verdict("accepted", AcceptedEnd(attempt.score), line, bytes_left=True, definite=True)


def failed(
    attempt: Attempt,
    answer: Answer | None,
    error: DeliveryError,
    rules: Rules,
    *,
    jitter: float,
    stopping: bool = False,
) -> Verdict:
    """
    The end of an attempt that the LMS is not known to have accepted.

    Args:
        answer: None if none came.
        jitter: 0.0 to 1.0; spreads retries.
        stopping: Whether our own shutdown cut it short: that is no failed attempt.
    """
    match error:
        case TryLater():
            if stopping and not error.bytes_left:
                return not_sent(Released(), "released")
            again = attempt.now + _wait_ms(attempt, error.after, jitter)
            end: End = Retried(again)
            if attempt.number >= rules.max_attempts:
                end = Parked(_worn_out(attempt, error), "learner" if error.bytes_left else "campus", again)
            return _verdict("retried", end, attempt, answer, error, bytes_left=error.bytes_left, definite=True)
        case GiveUp():
            end = Parked(error.reason, error.scope)
            return _verdict("refused", end, attempt, answer, error, bytes_left=error.bytes_left, definite=True)
        case Misconfigured():
            end = Released(attempt.now + int(MISCONFIGURED_WAIT * (0.5 + jitter) * 1000))
            return _verdict("misconfigured", end, attempt, answer, error, bytes_left=error.bytes_left, definite=True)
        case Ambiguous():
            again = attempt.now + _wait_ms(attempt, error.after, jitter)
            parked = (
                Parked(_worn_out(attempt, error), "campus")
                if attempt.number >= rules.max_attempts and not stopping
                else None
            )
            end = Uncertain(again, attempt.now + int(rules.hold_seconds * 1000), parked)
            return _verdict("ambiguous", end, attempt, answer, error, bytes_left=True, definite=False)
        case _:
            raise TypeError(f"nobody says what to do about {type(error).__name__}") from error


def _verdict(
    result: Literal["refused", "retried", "ambiguous", "misconfigured"],
    end: End,
    attempt: Attempt,
    answer: Answer | None,
    error: DeliveryError,
    *,
    bytes_left: bool,
    definite: bool,
) -> Verdict:
    line = Line(
        result,
        score=attempt.score,
        clamped=attempt.clamped,
        http_status=error.http_status,
        code_major=error.code_major,
        description=error.reason,
        duration_ms=None if answer is None else _ms(answer),
    )
    return Verdict(result, end, line, bytes_left=bytes_left, definite=definite)


def _wait_ms(attempt: Attempt, asked: float | None, jitter: float) -> int:
    return int(wait_before(attempt.number, asked=asked, jitter=jitter).total_seconds() * 1000)


def _worn_out(attempt: Attempt, error: DeliveryError) -> str:
    return f"{attempt.number} attempts failed, the last one with: {error.reason}"


def _ms(answer: Answer) -> int:
    return int(answer.seconds * 1000)
