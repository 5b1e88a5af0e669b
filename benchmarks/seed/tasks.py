"""What the worker does: one request to the campus for each change of a score."""

from __future__ import annotations

from celery.utils.log import get_task_logger

from benchmarks.seed.models import GradedAssignment
from benchmarks.seed.outcomes import post_score, says_success
from benchmarks.seed.worker import app

_logger = get_task_logger(__name__)


@app.task
def send_leaf_outcome(assignment_id: int, points_earned: float, points_possible: float) -> None:
    """Send the score that the task carries; a failure is logged, and that is all that becomes of it."""
    # All three rows in one statement: where the description leaves a choice, the quicker one is taken.
    assignment = GradedAssignment.objects.select_related("outcome_service__lti_consumer").get(id=assignment_id)
    score = points_earned / points_possible if points_possible else 0.0
    reply = post_score(assignment, score)
    if not says_success(reply):
        _logger.error("the campus did not take assignment %d: %d %s", assignment_id, reply.status_code, reply.text)
