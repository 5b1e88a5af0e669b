"""Builds passbackd's events: flat, text to text, as they are written onto the stream. Pure."""

import json
import math
from collections.abc import Iterable
from datetime import datetime
from typing import Any

Event = dict[str, str]


def _number(value: float, *, name: str) -> str:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"{name} is {number}")
    return repr(number)


def _time(moment: datetime) -> str:
    if moment.tzinfo is None:
        raise ValueError("modified has no time zone")
    return moment.isoformat()


def score_changed(
    *, user_id: int, course_id: str, usage_id: str, earned: float, possible: float, modified: datetime
) -> Event:
    """A learner's newest weighted points on a problem. :raises ValueError: if a number or the time is none."""
    if possible < 0:
        raise ValueError(f"points_possible is {possible}")
    return {
        "type": "score.changed",
        "user_id": str(user_id),
        "course_id": course_id,
        "usage_id": usage_id,
        "points_earned": _number(earned, name="points_earned"),
        "points_possible": _number(possible, name="points_possible"),
        "modified": _time(modified),
    }


def score_cleared(*, user_id: int, course_id: str, usage_id: str, modified: datetime) -> Event:
    """A learner's score on a problem is taken back."""
    return {
        "type": "score.cleared",
        "user_id": str(user_id),
        "course_id": course_id,
        "usage_id": usage_id,
        "modified": _time(modified),
    }


def course_structure(
    *, course_id: str, version: int, blocks: Iterable[dict[str, Any]], user_id: int | None = None
) -> Event:
    """The whole tree of a course, or with *user_id* that learner's own; no blocks take the learner's own away."""
    event = {
        "type": "course.structure",
        "course_id": course_id,
        "version": str(version),
        "blocks": json.dumps(list(blocks), separators=(",", ":"), ensure_ascii=False),
    }
    return event if user_id is None else {**event, "user_id": str(user_id)}


def launch(
    *,
    consumer_key: str,
    user_id: int,
    course_id: str,
    usage_id: str,
    sourcedid: str,
    outcome_url: str,
    modified: datetime,
    **optional: str | None,
) -> Event:
    """A learner launched something graded. What is empty in *optional* is left out."""
    return {
        "type": "launch",
        "oauth_consumer_key": consumer_key,
        "user_id": str(user_id),
        "course_id": course_id,
        "usage_id": usage_id,
        "lis_result_sourcedid": sourcedid,
        "lis_outcome_service_url": outcome_url,
        "modified": _time(modified),
        **{name: value for name, value in optional.items() if value},
    }


def assignment_disabled(*, consumer_key: str, sourcedid: str, modified: datetime) -> Event:
    """No more grades for this sourcedid."""
    return {
        "type": "assignment.disabled",
        "oauth_consumer_key": consumer_key,
        "lis_result_sourcedid": sourcedid,
        "modified": _time(modified),
    }


def user_retired(user_id: int) -> Event:
    """Everything about a learner has to be deleted."""
    return {"type": "user.retired", "user_id": str(user_id)}
