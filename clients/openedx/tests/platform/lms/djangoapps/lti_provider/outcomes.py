"""Which grades of a campus a problem counts in."""

from typing import Any

from django.db.models import QuerySet

from lms.djangoapps.lti_provider.models import GradedAssignment


def get_assignments_for_problem(problem_block: Any, user_id: int, course_key: Any) -> QuerySet[GradedAssignment]:
    """The learner's assignments in the course: here all of them are above any problem."""
    return GradedAssignment.objects.filter(user=user_id, course_key=course_key).order_by("pk")
