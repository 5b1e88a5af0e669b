"""The body of a score (LTI AGS 2.0, section 3.4): what it says, and what is wrong with it. Pure."""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

ACTIVITY_PROGRESS = ("Initialized", "Started", "InProgress", "Submitted", "Completed")
GRADING_PROGRESS = ("FullyGraded", "Pending", "PendingManual", "Failed", "NotReady")
CANVAS_SUBMISSION = "https://canvas.instructure.com/lti/submission"

_FIELDS = {
    *("userId", "scoreGiven", "scoreMaximum", "timestamp", "activityProgress", "gradingProgress"),
    *("comment", "submission", "scoringUserId"),
}
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:?\d\d)", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class ScoreFormatError(ValueError):
    """A body that is no score; the message names the field."""


@dataclass(frozen=True, slots=True)
class SentScore:
    """One score as it was sent. Numbers have the digits of the wire; times are microseconds since 1970."""

    user_id: str
    given: Decimal | None
    maximum: Decimal | None
    timestamp: int
    activity_progress: str
    grading_progress: str
    submitted_at: int | None = None
    #: Canvas's; None: not said.
    new_submission: bool | None = None

    @property
    def share(self) -> Decimal | None:
        """Of the maximum."""
        if self.given is None or self.maximum is None:
            return None
        return self.given if self.maximum == 1 else self.given / self.maximum

    @property
    def text(self) -> str:
        """The score as it was written, empty if there is none."""
        return "" if self.given is None else str(self.given)


def read_sent_score(body: bytes) -> SentScore:
    """
    Read a score.

    Raises:
        ScoreFormatError: It is none.
    """
    try:
        score = json.loads(body, parse_float=Decimal, parse_int=Decimal, parse_constant=_refuse_constant)
    except ValueError as error:
        raise ScoreFormatError(f"the body is not JSON: {error}") from None
    if not isinstance(score, dict):
        raise ScoreFormatError("the body is not a JSON object")
    for name in score:
        if name not in _FIELDS and not name.startswith("https://"):
            raise ScoreFormatError(f"unknown field {name}")
    given, maximum = _number(score, "scoreGiven"), _number(score, "scoreMaximum")
    if (given is None) != (maximum is None):
        raise ScoreFormatError("scoreGiven and scoreMaximum must be there both, or neither")
    if maximum == 0:
        raise ScoreFormatError("scoreMaximum must be above 0")
    submission = _object(score, "submission")
    return SentScore(
        user_id=_text(score, "userId"),
        given=given,
        maximum=maximum,
        timestamp=_moment(score, "timestamp"),
        activity_progress=_one_of(score, "activityProgress", ACTIVITY_PROGRESS),
        grading_progress=_one_of(score, "gradingProgress", GRADING_PROGRESS),
        submitted_at=_moment(submission, "submittedAt") if "submittedAt" in submission else None,
        new_submission=_flag(_object(score, CANVAS_SUBMISSION), "new_submission"),
    )


def _refuse_constant(name: str) -> Any:
    raise ScoreFormatError(f"{name} is not a JSON number")


def _text(score: dict[str, Any], name: str) -> str:
    value = score.get(name)
    if not isinstance(value, str) or not value:
        raise ScoreFormatError(f"{name} must be a text")
    return value


def _one_of(score: dict[str, Any], name: str, values: tuple[str, ...]) -> str:
    value = _text(score, name)
    if value not in values:
        raise ScoreFormatError(f"{name} must be one of {', '.join(values)}")
    return value


def _number(score: dict[str, Any], name: str) -> Decimal | None:
    value = score.get(name)
    if name not in score:
        return None
    if not isinstance(value, Decimal) or value < 0:
        raise ScoreFormatError(f"{name} must be a number, 0 or more")
    return value


def _object(score: dict[str, Any], name: str) -> dict[str, Any]:
    value = score.get(name, {})
    if not isinstance(value, dict):
        raise ScoreFormatError(f"{name} must be an object")
    return value


def _flag(score: dict[str, Any], name: str) -> bool | None:
    value = score.get(name)
    if value is not None and not isinstance(value, bool):
        raise ScoreFormatError(f"{name} must be true or false")
    return value


def _moment(score: dict[str, Any], name: str) -> int:
    text = _text(score, name)
    if not _MOMENT.fullmatch(text):
        raise ScoreFormatError(f"{name} must be a time in ISO 8601 with its zone")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ScoreFormatError(f"{name} must be a time in ISO 8601 with its zone") from None
    return (moment - _EPOCH) // timedelta(microseconds=1)
