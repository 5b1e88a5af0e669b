"""The addresses of grades that the platform has stored, as launches, and the learners who were deleted."""

import functools
import logging
from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from typing import Any

from django.contrib.auth import get_user_model
from opaque_keys.edx.keys import CourseKey

from openedx_passbackd import counters
from openedx_passbackd.events import Event, launch, user_retired
from openedx_passbackd.keys import block_of, course_of
from openedx_passbackd.pages import pages
from openedx_passbackd.platform_names import find
from openedx_passbackd.sourcedids import long_sourcedids
from passbackd_client import InvalidEventError

log = logging.getLogger(__name__)

#: The rows have no time: with this one any launch that was seen as it happened is newer.
UNKNOWN = datetime(1970, 1, 1, tzinfo=UTC)
#: States of a retirement in which the platform has deleted, or soon deletes, what its LMS holds.
RETIRED_STATES = ("RETIRING_LMS_MISC", "LMS_MISC_COMPLETE", "RETIRING_LMS", "LMS_COMPLETE", "COMPLETE")


def assignments_after(row: int) -> Iterator[list[dict[str, Any]]]:
    """Pages of the assignments with a greater id, with the fields that :func:`as_launch` needs."""
    yield from assignments(pk__gt=row)


def assignments(**which: Any) -> Iterator[list[dict[str, Any]]]:
    """Pages of those assignments, with the same fields."""
    service = "outcome_service__"
    for page in pages(
        find("GradedAssignment").objects.filter(**which),
        "user_id",
        "course_key",
        "usage_key",
        "lis_result_sourcedid",
        f"{service}lis_outcome_service_url",
        f"{service}lti_consumer_id",
        f"{service}lti_consumer__consumer_key",
    ):
        whole = long_sourcedids([row["pk"] for row in page])
        for row in page:
            row["lis_result_sourcedid"] = whole.get(row["pk"], row["lis_result_sourcedid"])
        yield page


def newest_assignment() -> int:
    """The id of the newest row; 0 where there is none."""
    return find("GradedAssignment").objects.order_by("-pk").values_list("pk", flat=True).first() or 0


def lti_users(page: list[dict[str, Any]]) -> dict[tuple[int, int], str]:
    """The campus's own ids of the learners of a page, by consumer and learner."""
    rows = find("LtiUser").objects.filter(edx_user_id__in={row["user_id"] for row in page}).order_by("pk")
    return {
        (consumer, user): name
        for consumer, user, name in rows.values_list("lti_consumer_id", "edx_user_id", "lti_user_id")
    }


def as_launch(row: dict[str, Any], names: dict[tuple[int, int], str], modified: datetime = UNKNOWN) -> Event | None:
    """The launch that made the row; None where it is of no course, or passbackd would refuse it, which is logged."""
    course_key = course_of(row["course_key"])
    if course_key is None:
        return None
    try:
        return _launch(row, course_key, names, modified)
    except InvalidEventError as error:
        _left_out(row["pk"], error.reason)
        return None


@functools.lru_cache
def _left_out(row: int, reason: str) -> None:
    """Log it once: a relay reads the newest rows again and again."""
    number = counters.count("assignment.failed")
    log.error("passbackd: the stored assignment %d was left out (%d of this process): %s", row, number, reason)


def _launch(row: dict[str, Any], course_key: CourseKey, names: dict[tuple[int, int], str], modified: datetime) -> Event:
    return launch(
        consumer_key=row["outcome_service__lti_consumer__consumer_key"],
        user_id=row["user_id"],
        course_id=str(course_key),
        usage_id=str(block_of(row["usage_key"], course_key)),
        sourcedid=row["lis_result_sourcedid"],
        outcome_url=row["outcome_service__lis_outcome_service_url"],
        modified=modified,
        lti_user_id=names.get((row["outcome_service__lti_consumer_id"], row["user_id"])),
    )


def courses() -> list[Any]:
    """The keys of the courses in which a campus expects grades."""
    return list(find("GradedAssignment").objects.order_by().values_list("course_key", flat=True).distinct())


def graded_learners(course_key: CourseKey) -> list[int]:
    """The ids of those of whom a campus expects grades in the course."""
    rows = find("GradedAssignment").objects.filter(course_key=course_key)
    return list(rows.order_by("user_id").values_list("user_id", flat=True).distinct())


def learners(user_ids: Collection[int]) -> dict[int, Any]:
    """The accounts of these learners by id, without those that are deleted or retired."""
    found: dict[int, Any] = get_user_model().objects.in_bulk(user_ids)
    if find("UserRetirementStatus") is not None:
        rows = find("UserRetirementStatus").objects.filter(
            user_id__in=found, current_state__state_name__in=RETIRED_STATES
        )
        for user_id in rows.values_list("user_id", flat=True):
            del found[user_id]
    return found


def retired_since(moment: datetime) -> Iterator[list[Event]]:
    """The learners whose retirement got so far; none on a platform without the table."""
    if find("UserRetirementStatus") is None:
        return
    rows = find("UserRetirementStatus").objects.filter(
        modified__gte=moment, current_state__state_name__in=RETIRED_STATES
    )
    for page in pages(rows, "user_id"):
        yield [user_retired(row["user_id"]) for row in page]
