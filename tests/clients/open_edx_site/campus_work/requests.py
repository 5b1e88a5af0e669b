"""What learners do, in the manner of the platform."""

import random
from typing import Any

import redis
from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils import timezone
from lms.djangoapps.courseware.models import StudentModule
from lms.djangoapps.grades.signals.signals import PROBLEM_WEIGHTED_SCORE_CHANGED
from lms.djangoapps.lti_provider.models import OutcomeService
from lms.djangoapps.lti_provider.views import lti_launch

from campus_work.collected import COURSE, key_of
from campus_work.course import LINKED, PROBLEMS, RAW, worth
from campus_work.passing import pass_on
from openedx_passbackd import handover

#: The group of learners who open what they have answered long ago, and answer nothing.
READERS = "readers"


class Requests:
    """
    What an LMS process gets.

    *broker*: None where the site itself passes nothing on. *first_new*: the id of the first learner who comes anew.
    """

    def __init__(self, broker: redis.Redis | None, chance: random.Random, first_new: int) -> None:
        self._broker = broker
        self._chance = chance
        self._next = max(
            first_new, *get_user_model().objects.filter(pk__lt=first_new + 1_000_000).values_list("pk", flat=True)
        )
        self._services = list(OutcomeService.objects.select_related("lti_consumer").order_by("pk"))

    def one(self, group: str, user_id: int) -> None:
        """A request of that learner, or of a new one."""
        action = self._chance.random()
        if group == READERS:
            self._open(user_id)
        elif action < 0.02:
            self._come()
        elif action < 0.15:
            self.launch(user_id, self._chance.choice(LINKED))
        elif action < 0.25:
            self._open(user_id)
        else:
            # Where the site itself serves a campus, such a grade is lost.
            self.answer(user_id, self._chance.choice(PROBLEMS), dies=action > 0.95 and self._is_passbackds(user_id))
        if self._broker is not None:
            pass_on(self._broker)

    def _is_passbackds(self, user_id: int) -> bool:
        consumer = self._services[user_id % len(self._services)].lti_consumer
        return handover.taken_over() and handover.is_passbackds(consumer.consumer_key)

    def answer(self, user_id: int, problem: str, *, dies: bool = False) -> None:
        """
        Every answer is a point better, so that of two grades the greater is the newer one.

        *dies*: the process does, between commit and signal.
        """
        row = StudentModule.objects.filter(student=user_id, module_state_key=key_of(problem), course_id=COURSE).first()
        raw = min(RAW, (row.grade if row else 100.0) + 1)
        modified = timezone.now()
        StudentModule.objects.update_or_create(
            student_id=user_id,
            module_state_key=key_of(problem),
            course_id=COURSE,
            defaults={"grade": raw, "max_grade": RAW, "modified": modified},
        )
        if dies:
            return
        PROBLEM_WEIGHTED_SCORE_CHANGED.send(
            sender=None,
            weighted_earned=raw * worth(problem) / RAW,
            weighted_possible=worth(problem),
            user_id=user_id,
            course_id=str(COURSE),
            usage_id=str(key_of(problem)),
            only_if_higher=None,
            score_deleted=False,
            modified=modified,
            score_db_table="csm",
            grader_response=None,
        )

    def _open(self, user_id: int) -> None:
        """The state is saved again, and no score has changed."""
        rows = StudentModule.objects.filter(student=user_id)
        for row in rows.order_by("?")[:1]:
            rows.filter(pk=row.pk).update(modified=timezone.now())

    def launch(self, user_id: int, linked: str) -> None:
        """A campus sends its learner to a block."""
        service = self._services[user_id % len(self._services)]
        params: dict[str, Any] = {
            "user_id": f"theirs-{user_id}",
            "lis_result_sourcedid": f"{user_id}:{linked}",
            "lis_outcome_service_url": service.lis_outcome_service_url,
            "resource_link_id": linked,
        }
        user = get_user_model().objects.get(pk=user_id)
        lti_launch(user, service.lti_consumer, COURSE, key_of(linked), params)

    def _come(self) -> None:
        """Someone who has answered before a campus asks for the grade."""
        self._next += 1
        with transaction.atomic():
            get_user_model().objects.create(pk=self._next, username=f"learner-{self._next}")
        self.answer(self._next, "p0")
        self.launch(self._next, "p0")
        self.answer(self._next, "p1")
        self.launch(self._next, "u0")
