"""The platform's own passing of grades."""

from typing import Any

from django.dispatch import receiver

from lms.djangoapps.grades.signals.signals import PROBLEM_WEIGHTED_SCORE_CHANGED
from lms.djangoapps.lti_provider.models import GradedAssignment

#: The arguments of each call.
CALLS: list[dict[str, Any]] = []


def increment_assignment_versions(course_key: Any, usage_key: Any, user_id: int) -> list[GradedAssignment]:
    """The learner's assignments in the course, each a version up: here all of them are above any problem."""
    found = list(GradedAssignment.objects.filter(user=user_id, course_key=course_key).order_by("pk"))
    for assignment in found:
        assignment.version_number += 1
        assignment.save()
    return found


@receiver(PROBLEM_WEIGHTED_SCORE_CHANGED)
def score_changed_handler(sender: Any, **kwargs: Any) -> None:
    """What the plugin takes out."""
    CALLS.append(kwargs)
