"""The platform's own passing of grades."""

from typing import Any

from django.dispatch import receiver
from xmodule.modulestore.django import modulestore

from lms.djangoapps.grades.signals.signals import PROBLEM_WEIGHTED_SCORE_CHANGED
from lms.djangoapps.lti_provider.models import GradedAssignment
from lms.djangoapps.lti_provider.outcomes import get_assignments_for_problem

#: The arguments of each call.
CALLS: list[dict[str, Any]] = []


def increment_assignment_versions(course_key: Any, usage_key: Any, user_id: int) -> list[GradedAssignment]:
    """The learner's assignments that the problem counts in, each a version up."""
    found = list(get_assignments_for_problem(modulestore().get_item(usage_key), user_id, course_key))
    for assignment in found:
        assignment.version_number += 1
        assignment.save()
    return found


@receiver(PROBLEM_WEIGHTED_SCORE_CHANGED)
def score_changed_handler(sender: Any, **kwargs: Any) -> None:
    """What the plugin takes out."""
    CALLS.append(kwargs)
