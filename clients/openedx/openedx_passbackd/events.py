"""
Makes passbackd's events out of what the platform has: flat, text to text, as they are written onto the stream. Pure.

Each raises :class:`passbackd_client.InvalidEventError`, a ValueError, where passbackd would refuse the event.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from passbackd_client import (
    AssignmentDisabledLti11,
    Block,
    CourseStructure,
    LaunchLti11,
    ScoreChanged,
    ScoreCleared,
    UserRetired,
)

Event = dict[str, str]


def score_changed(
    *, user_id: int, course_id: str, usage_id: str, earned: float, possible: float, modified: datetime
) -> Event:
    """A learner's newest weighted points on a problem."""
    return ScoreChanged(
        user_id=str(user_id),
        course_id=course_id,
        usage_id=usage_id,
        # Some senders of the platform's signals pass decimals.
        points_earned=float(earned),
        points_possible=float(possible),
        modified=modified,
    ).stream_fields()


def score_cleared(*, user_id: int, course_id: str, usage_id: str, modified: datetime) -> Event:
    """A learner's score on a problem is taken back."""
    return ScoreCleared(user_id=str(user_id), course_id=course_id, usage_id=usage_id, modified=modified).stream_fields()


def course_structure(
    *, course_id: str, version: int, blocks: Iterable[dict[str, Any]], user_id: int | None = None
) -> Event:
    """The whole tree of a course, or with *user_id* that learner's own; no blocks take the learner's own away."""
    return CourseStructure(
        course_id=course_id,
        version=version,
        blocks=tuple(Block(**block) for block in blocks),
        user_id=None if user_id is None else str(user_id),
    ).stream_fields()


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
    return LaunchLti11(
        oauth_consumer_key=consumer_key,
        user_id=str(user_id),
        course_id=course_id,
        usage_id=usage_id,
        lis_result_sourcedid=sourcedid,
        lis_outcome_service_url=outcome_url,
        modified=modified,
        **optional,
    ).stream_fields()


def assignment_disabled(*, consumer_key: str, sourcedid: str, modified: datetime) -> Event:
    """No more grades for this sourcedid."""
    return AssignmentDisabledLti11(
        oauth_consumer_key=consumer_key, lis_result_sourcedid=sourcedid, modified=modified
    ).stream_fields()


def user_retired(user_id: int) -> Event:
    """Everything about a learner has to be deleted."""
    return UserRetired(user_id=str(user_id)).stream_fields()
