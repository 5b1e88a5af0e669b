"""The learning platform: it announces changed scores, and the signal's handler enqueues tasks."""

from __future__ import annotations

import uuid

from django.dispatch import Signal, receiver

from benchmarks.seed.models import GradedAssignment, LtiConsumer, OutcomeService, Score
from benchmarks.seed.tasks import send_leaf_outcome

COURSE = "course-v1:bench+seed+run"
#: The problem, and the blocks above it, for which there could be assignments too.
PROBLEM, *ABOVE = [f"block-v1:bench+seed+run+type@{kind}" for kind in ("problem", "vertical", "chapter", "course")]

score_changed = Signal()


@receiver(score_changed)
def send_outcomes(
    *, user_id: int, course_id: str, usage_id: str, points_earned: float, points_possible: float, **_: object
) -> None:
    """The signal's handler; there are only leaf assignments here."""
    touched = list(
        GradedAssignment.objects.filter(user_id=user_id, course_id=course_id, usage_key__in=[usage_id, *ABOVE])
    )
    for assignment in touched:
        assignment.version_number += 1
        assignment.save()
    for assignment in touched:
        send_leaf_outcome.delay(assignment.id, points_earned, points_possible)


def register(campus: str, learners: int) -> None:
    """A campus whose learners all have a graded assignment and a score."""
    consumer = LtiConsumer.objects.create(consumer_name="bench", consumer_key="bench", consumer_secret="secret")
    service = OutcomeService.objects.create(lis_outcome_service_url=campus, lti_consumer=consumer)
    # The campus may have seen a run before: its grades must not be taken for this one's.
    run = uuid.uuid4().hex
    block = {"course_id": COURSE, "usage_id": PROBLEM}
    Score.objects.bulk_create(
        Score(user_id=user, points_earned=0, points_possible=100, **block) for user in range(learners)
    )
    GradedAssignment.objects.bulk_create(
        GradedAssignment(
            user_id=user,
            outcome_service=service,
            lis_result_sourcedid=f"sourcedid-{run}-{user}",
            version_number=0,
            **block,
        )
        for user in range(learners)
    )


def announce(earned: float, number: int) -> None:
    """That so many learners now have *earned* points, one after the other."""
    for score in Score.objects.filter(user_id__lt=number):
        score_changed.send(
            sender=Score,
            user_id=score.user_id,
            course_id=score.course_id,
            usage_id=score.usage_id,
            points_earned=earned,
            points_possible=score.points_possible,
        )
