"""One campus, one learner and one course of the tests, and what the platform does with them."""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

import redis
from common.djangoapps.student.models import AnonymousUserId
from django.db import transaction
from lms.djangoapps.courseware.models import StudentModule
from lms.djangoapps.grades.course_data import COLLECTED, OWN
from lms.djangoapps.grades.signals.signals import PROBLEM_WEIGHTED_SCORE_CHANGED
from lms.djangoapps.lti_provider import signals, tasks
from lms.djangoapps.lti_provider.models import GradedAssignment, LtiConsumer, OutcomeService
from lms.djangoapps.lti_provider.views import lti_launch
from opaque_keys.edx.keys import CourseKey
from openedx.core.djangoapps.content.block_structure.block_structure import BlockStructureBlockData

STREAM = "passback:events"
COURSE = CourseKey.from_string("course-v1:Uni+Physics+2026")
#: Of everything that is stored without a time of its own.
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def block(kind: str, name: str) -> Any:
    return COURSE.make_usage_key(kind, name)


PROBLEM = block("problem", "p1")
UNIT = block("vertical", "unit")


def unit_with(*problems: tuple[str, float, float | None], types: str = "vertical") -> BlockStructureBlockData:
    """A course with one unit, and in it problems by name, raw points and weight."""
    structure = BlockStructureBlockData(block("course", "course"))
    section = structure.add(block("sequential", "section"), structure.root_block_usage_key)
    unit = structure.add(block(types, "unit"), section)
    for name, max_score, weight in problems:
        grades = {"grades": {"max_score": max_score}}
        structure.add(block("problem", name), unit, has_score=True, weight=weight, transformers=grades)
    return structure


class Site:
    """What happens on the site, in the manner of the platform."""

    def __init__(self, user: Any, client: redis.Redis) -> None:
        self.user = user
        self.client = client
        self.campus = self.add_campus("campus")
        COLLECTED.clear()
        OWN.clear()
        COLLECTED[COURSE] = unit_with(("p1", 4.0, 2.0), ("p2", 1.0, None))
        signals.CALLS.clear()
        tasks.ENQUEUED.clear()

    @staticmethod
    def add_campus(name: str) -> LtiConsumer:
        return LtiConsumer.objects.create(consumer_name=name, consumer_key=name, consumer_secret=f"{name}'s secret")

    def launch(self, usage_key: Any = PROBLEM, *, campus: Any = None, user: Any = None, **params: str) -> None:
        campus = campus or self.campus
        posted = {
            "user_id": "theirs-1",
            "lis_result_sourcedid": f"{campus.consumer_key}:{usage_key.block_id}",
            "lis_outcome_service_url": f"https://{campus.consumer_key}.example/outcomes",
            **params,
        }
        lti_launch(user or self.user, campus, COURSE, usage_key, posted)

    def assign_many(self, number: int, *, user: Any = None) -> None:
        """Further assignments of a learner, at the address of the first launch."""
        service = OutcomeService.objects.get()
        ids: dict[str, Any] = {"user": user or self.user, "course_key": COURSE, "usage_key": UNIT}
        GradedAssignment.objects.bulk_create(
            GradedAssignment(**ids, outcome_service=service, lis_result_sourcedid=str(name)) for name in range(number)
        )

    def store(
        self, earned: float | None, possible: float | None = 4.0, *, usage_key: Any = PROBLEM, **fields: Any
    ) -> Any:
        """Commit a raw score without the signal, as a process does that dies right after."""
        user = fields.pop("user", self.user)
        values = {"grade": earned, "max_grade": possible, "modified": NOON, **fields}
        course = fields.pop("course_id", COURSE)
        return StudentModule.objects.update_or_create(
            student=user, module_state_key=usage_key, course_id=course, defaults=values
        )[0]

    def submit(self, earned: float, possible: float = 2.0, **kwargs: Any) -> None:
        """A learner's answer: stored in a transaction of its own, then the signal without one."""
        with transaction.atomic():
            self.store(earned * 2, possible * 2)
        self.signal(**{"weighted_earned": earned, "weighted_possible": possible, **kwargs})

    def signal(self, **kwargs: Any) -> None:
        sent = {
            "weighted_earned": 1.0,
            "weighted_possible": 2.0,
            "user_id": self.user.id,
            "course_id": str(COURSE),
            "usage_id": str(PROBLEM),
            "only_if_higher": None,
            "score_deleted": False,
            "modified": NOON,
            "score_db_table": "csm",
            "grader_response": None,
            **kwargs,
        }
        PROBLEM_WEIGHTED_SCORE_CHANGED.send(sender=None, **sent)

    def anonymous_id(self) -> str:
        name = hashlib.md5(str(self.user.id).encode()).hexdigest()
        row, _ = AnonymousUserId.objects.get_or_create(
            anonymous_user_id=name, defaults={"user": self.user, "course_id": COURSE}
        )
        return row.anonymous_user_id

    def events(self, kind: str | None = None) -> list[dict[str, str]]:
        """What is on the stream."""
        found = [fields for _, fields in self.client.xrange(STREAM)]
        return [event for event in found if kind in (None, event["type"])]


def hours(number: float) -> timedelta:
    return timedelta(hours=number)


class Clock:
    """The relay's time."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now
