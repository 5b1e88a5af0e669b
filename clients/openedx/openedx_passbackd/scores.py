"""The scores that the platform has stored for learners whose campus expects a grade, as events."""

import functools
import logging
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from opaque_keys import InvalidKeyError
from opaque_keys.edx.keys import CourseKey, UsageKey

from openedx_passbackd import counters, structures
from openedx_passbackd.events import Event, score_changed, score_cleared
from openedx_passbackd.keys import block_of, course_of
from openedx_passbackd.pages import pages
from openedx_passbackd.platform_names import find

log = logging.getLogger(__name__)


class Scores:
    """Reads both of the platform's tables of scores; holds the structures of the courses that were read last."""

    def __init__(self, collect: structures.Collect = structures.collected) -> None:
        self._collect = collect
        self._structure: Callable[[CourseKey], Any] = functools.lru_cache(maxsize=16)(self._collected)
        #: Whether learners are shown different problems in that course; not where it cannot be read.
        self.is_per_learner: Callable[[CourseKey], bool] = functools.cache(self._is_per_learner)

    def since(self, moment: datetime) -> Iterator[list[Event]]:
        """What was stored at or after *moment*, a page of either table at a time."""
        yield from self._student_modules(find("StudentModule").objects.filter(modified__gte=moment), by="modified")
        yield from self._submissions(find("Score").objects.filter(created_at__gte=moment), by="created_at")

    def of_learner(self, user_id: int, course_key: CourseKey) -> Iterator[list[Event]]:
        """What one learner has in one course."""
        modules = find("StudentModule").objects.filter(student_id=user_id, course_id=course_key)
        yield from self._student_modules(modules)
        anonymous = find("AnonymousUserId").objects.filter(user_id=user_id)
        items = find("StudentItem").objects.filter(
            course_id=str(course_key), student_id__in=list(anonymous.values_list("anonymous_user_id", flat=True))
        )
        yield from self._submissions(find("Score").objects.filter(student_item__in=items))

    def of_course(self, course_key: CourseKey) -> Iterator[list[Event]]:
        """What all learners with an assignment have in one course."""
        yield from self._student_modules(find("StudentModule").objects.filter(course_id=course_key))
        yield from self._submissions(find("Score").objects.filter(student_item__course_id=str(course_key)))

    def _student_modules(self, rows: QuerySet[Any], by: str = "pk") -> Iterator[list[Event]]:
        graded = find("GradedAssignment").objects.filter(user=OuterRef("student"), course_key=OuterRef("course_id"))
        wanted = rows.filter(Exists(graded), grade__isnull=False, max_grade__isnull=False)
        fields = ("student_id", "course_id", "module_state_key", "grade", "max_grade", "modified")
        for page in pages(wanted, *fields, by=by):
            elsewhere = _with_submission(page)
            yield [
                event
                for row in page
                if (row["student_id"], str(row["module_state_key"])) not in elsewhere
                for event in _kept(self._module_event, row)
            ]

    def _module_event(self, row: dict[str, Any]) -> Event | None:
        course_key = course_of(row["course_id"])
        if course_key is None:
            return None
        usage_key = block_of(row["module_state_key"], course_key)
        weight = self._weight(course_key, usage_key)
        possible = structures.weighted_possible(row["max_grade"], weight)
        earned = row["grade"] if row["max_grade"] == 0 else row["grade"] * possible / row["max_grade"]
        return score_changed(
            user_id=row["student_id"],
            course_id=str(course_key),
            usage_id=str(usage_key),
            earned=earned,
            possible=possible,
            modified=row["modified"],
        )

    def _weight(self, course_key: CourseKey, usage_key: UsageKey) -> float | None:
        structure = self._structure(course_key)
        return None if structure is None else structures.weight_of(structure, usage_key)

    def _collected(self, course_key: CourseKey) -> Any:
        """The structure; None of a course that was deleted or is broken, whose scores are worth what they say."""
        try:
            return self._collect(course_key)
        except Exception:
            log.exception("passbackd: no structure of %s, so that weights are unknown", course_key)
            counters.count("structure.failed")
            return None

    def _is_per_learner(self, course_key: CourseKey) -> bool:
        structure = self._structure(course_key)
        return structure is not None and bool(structures.per_learner(structure))

    def _submissions(self, rows: QuerySet[Any], by: str = "pk") -> Iterator[list[Event]]:
        item = ("student_item__student_id", "student_item__course_id", "student_item__item_id")
        fields = (*item, "points_earned", "points_possible", "created_at", "reset")
        for page in pages(rows, *fields, by=by):
            users = _users_of({row["student_item__student_id"] for row in page})
            graded = _graded(set(users.values()))
            for row in page:
                row["user_id"] = users.get(row["student_item__student_id"])
            yield [
                event
                for row in page
                if (row["user_id"], row["student_item__course_id"]) in graded
                for event in _kept(_submission_event, row)
            ]


def _kept(make: Callable[[dict[str, Any]], Event | None], row: dict[str, Any]) -> list[Event]:
    """The event of a row; none where the row's keys or numbers are none, so that it does not keep the others back."""
    try:
        event = make(row)
    except (InvalidKeyError, ValueError, TypeError, OverflowError):
        log.exception("passbackd: a stored score was left out (%d)", counters.count("row.failed"))
        return []
    return [event] if event else []


def _submission_event(row: dict[str, Any]) -> Event | None:
    course_key = course_of(row["student_item__course_id"])
    if course_key is None:
        return None
    ids: dict[str, Any] = {
        "user_id": row["user_id"],
        "course_id": str(course_key),
        "usage_id": str(block_of(row["student_item__item_id"], course_key)),
        "modified": row["created_at"],
    }
    if row["reset"]:
        return score_cleared(**ids)
    # The platform passes no score of nothing possible on either.
    if row["points_possible"] == 0:
        return None
    return score_changed(**ids, earned=row["points_earned"], possible=row["points_possible"])


def _users_of(anonymous_ids: set[str]) -> dict[str, int]:
    rows = find("AnonymousUserId").objects.filter(anonymous_user_id__in=anonymous_ids)
    return dict(rows.values_list("anonymous_user_id", "user_id"))


def _graded(user_ids: set[int]) -> set[tuple[int, str]]:
    """Learner and course of all assignments of these learners."""
    rows = find("GradedAssignment").objects.filter(user_id__in=user_ids).values_list("user_id", "course_key")
    return {(user_id, str(course_key)) for user_id, course_key in rows.distinct()}


def _with_submission(page: list[dict[str, Any]]) -> set[tuple[int, str]]:
    """Learner and problem of those rows that have a score in the other table too, which the platform prefers."""
    anonymous = find("AnonymousUserId").objects.filter(user_id__in={row["student_id"] for row in page})
    users = dict(anonymous.values_list("anonymous_user_id", "user_id"))
    items = find("StudentItem").objects.filter(
        student_id__in=users, item_id__in={str(row["module_state_key"]) for row in page}, score__isnull=False
    )
    return {(users[student_id], item_id) for student_id, item_id in items.values_list("student_id", "item_id")}
