"""
The platform's own passing of grades, in the manner of its LTI provider: tasks that wait in a broker.

The substitutes' handler and tasks only note that they were called; what they noted becomes tasks here. A leaf task
carries the score of when it was made; a composite one reads the scores when it is its turn. The platform leaves one out
where the assignment has a newer version; not here, since the substitute for its search gives every assignment of the
learner a new version, also those of other problems.
"""

import json
import time
import uuid
from typing import Any

import redis
from django.conf import settings
from lms.djangoapps.courseware.models import StudentModule
from lms.djangoapps.lti_provider import signals, tasks
from lms.djangoapps.lti_provider.models import GradedAssignment
from opaque_keys.edx.keys import CourseKey, UsageKey

from campus_work.course import PROBLEMS, grade, problems_of
from campus_work.posting import replace_result

#: Of the tasks that wait: each is a JSON text, and its score the time at which it is due.
QUEUE = "celery"


def broker() -> redis.Redis:
    """The Redis in which tasks wait."""
    return redis.Redis.from_url(settings.SITE_BROKER_URL, decode_responses=True)


def enqueue(client: redis.Redis, name: str, args: tuple[Any, ...], countdown: float | None) -> None:
    """A task for the worker."""
    task = json.dumps([name, list(args), uuid.uuid4().hex])
    client.zadd(QUEUE, {task: time.time() + (countdown or 0)})


def pass_on(client: redis.Redis) -> None:
    """What the handler, or the plugin in its place, has called for since the last time."""
    while signals.CALLS:
        _handle(client, signals.CALLS.pop(0))
    while tasks.ENQUEUED:
        name, args, countdown = tasks.ENQUEUED.pop(0)
        enqueue(client, name, args, countdown)


def _handle(client: redis.Redis, score: dict[str, Any]) -> None:
    """The handler's work."""
    course_key, usage_key = CourseKey.from_string(score["course_id"]), UsageKey.from_string(score["usage_id"])
    for assignment in signals.increment_assignment_versions(course_key, usage_key, score["user_id"]):
        if assignment.usage_key == usage_key:
            enqueue(
                client, "send_leaf_outcome", (assignment.id, score["weighted_earned"], score["weighted_possible"]), 0
            )
        elif usage_key.block_id in problems_of(assignment.usage_key.block_id):
            args = (score["user_id"], score["course_id"], assignment.id, assignment.version_number)
            enqueue(client, "send_composite_outcome", args, settings.LTI_AGGREGATE_SCORE_PASSBACK_DELAY)


def run_task(text: str) -> None:
    """Do what a task of the broker says."""
    name, args, _ = json.loads(text)
    if name == "send_leaf_outcome":
        assignment_id, earned, possible = args
        replace_result(_assignment(assignment_id), earned / possible)
        return
    assignment = _assignment(args[2])
    if assignment.usage_key.block_id in PROBLEMS:
        # The platform makes no such task: the substitute for its search finds assignments of other problems, too.
        return
    score = newest(assignment)
    if score is not None:
        replace_result(assignment, score)


def newest(assignment: GradedAssignment) -> float | None:
    """The grade that the site has now; None where nothing was answered."""
    rows = StudentModule.objects.filter(
        student=assignment.user_id, course_id=assignment.course_key, grade__isnull=False
    )
    raw = {key.block_id: points for key, points in rows.values_list("module_state_key", "grade")}
    return grade(assignment.usage_key.block_id, raw)


def _assignment(assignment_id: int) -> GradedAssignment:
    return GradedAssignment.objects.select_related("outcome_service__lti_consumer").get(pk=assignment_id)
