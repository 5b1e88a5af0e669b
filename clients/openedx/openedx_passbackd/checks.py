"""Django's system checks: whether the settings and the platform are what the plugin was written for."""

from typing import Any

from django.apps import apps
from django.conf import settings
from django.core import checks
from django.core.exceptions import FieldDoesNotExist

from openedx_passbackd import handover
from openedx_passbackd.platform_names import PATHS, find

#: The fields that are read, by model.
FIELDS = {
    "GradedAssignment": ("user", "course_key", "usage_key", "outcome_service", "lis_result_sourcedid"),
    "OutcomeService": ("lis_outcome_service_url", "lti_consumer"),
    "LtiUser": ("lti_consumer", "lti_user_id", "edx_user"),
    "StudentModule": ("student", "course_id", "module_state_key", "grade", "max_grade", "modified"),
    "AnonymousUserId": ("user", "anonymous_user_id"),
    "CourseOverview": ("id", "modified"),
    "UserRetirementStatus": ("user", "current_state", "modified"),
    "StudentItem": ("student_id", "course_id", "item_id"),
    "Score": ("student_item", "points_earned", "points_possible", "created_at", "reset"),
}


def check_platform(**kwargs: Any) -> list[checks.CheckMessage]:
    """What is wrong, in a project that serves LTI consumers; grave once passbackd is alone in sending grades."""
    if not getattr(settings, "PASSBACKD_REDIS_URL", None):
        return [
            checks.Warning(
                "PASSBACKD_REDIS_URL is not set: passbackd gets no events.",
                hint="Name the Redis or Valkey of passbackd's redis.url.",
                id="passbackd.W001",
            )
        ]
    if not apps.is_installed(handover.LTI_PROVIDER):
        return []
    message = checks.Error if handover.is_wanted() else checks.Warning
    found = [
        message(f"The platform has no {PATHS[name]}.{name}.", hint="Its release is not supported.", id="passbackd.E002")
        for name in PATHS
        if find(name) is None
    ]
    found += [
        message(
            f"{PATHS[name]}.{name} has no field {field}.", hint="Its release is not supported.", id="passbackd.E003"
        )
        for name, fields in FIELDS.items()
        if find(name) is not None
        for field in fields
        if not _has_field(find(name), field)
    ]
    if handover.is_wanted() and not handover.taken_over():
        found.append(
            checks.Error(
                "The platform's own handler of scores was not connected where it was expected.",
                hint="Grades may be sent twice: set PASSBACKD_REPLACES_LTI_PROVIDER = False.",
                id="passbackd.E004",
            )
        )
    return found


def _has_field(model: Any, name: str) -> bool:
    try:
        model._meta.get_field(name)  # noqa: SLF001 - what Django documents for this
    except FieldDoesNotExist:
        return False
    return True
