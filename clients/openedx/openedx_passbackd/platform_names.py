"""
The platform's own names that the plugin needs, each resolved once the apps are loaded.

One that is not there is replaced by something that never happens, so that a changed platform still starts; it is
logged, and :mod:`openedx_passbackd.checks` reports it.
"""

import logging
from importlib import import_module
from typing import Any

from django.db.models.signals import post_save, pre_delete
from django.dispatch import Signal

log = logging.getLogger(__name__)

#: Names of the platform by the names that are used here.
PATHS = {
    "PROBLEM_WEIGHTED_SCORE_CHANGED": "lms.djangoapps.grades.signals.signals",
    "SUBSECTION_SCORE_CHANGED": "lms.djangoapps.grades.signals.signals",
    "LTI_PROVIDER_LAUNCH_SUCCESS": "openedx_events.learning.signals",
    "USER_RETIRE_LMS_MISC": "openedx.core.djangoapps.user_api.accounts.signals",
    "COURSE_PUBLISHED": "xmodule.modulestore.django",
    "GradedAssignment": "lms.djangoapps.lti_provider.models",
    "OutcomeService": "lms.djangoapps.lti_provider.models",
    "LtiUser": "lms.djangoapps.lti_provider.models",
    "StudentModule": "lms.djangoapps.courseware.models",
    "AnonymousUserId": "common.djangoapps.student.models",
    "CourseOverview": "openedx.core.djangoapps.content.course_overviews.models",
    "UserRetirementStatus": "openedx.core.djangoapps.user_api.models",
    "CourseData": "lms.djangoapps.grades.course_data",
    "RequestCache": "edx_django_utils.cache",
    "StudentItem": "submissions.models",
    "Score": "submissions.models",
}

__all__ = ["find", "missing", "post_save", "pre_delete"]

_found: dict[str, Any] = {}
_missing: dict[str, str] = {}


def _resolve(name: str) -> Any:
    try:
        return getattr(import_module(PATHS[name]), name)
    # RuntimeError: the model's app is not installed in this project.
    except (ImportError, AttributeError, RuntimeError) as error:
        _missing[name] = f"{PATHS[name]}.{name}: {error}"
        return None


def find(name: str) -> Any:
    """The platform's object of that name, or None where it has none."""
    if name not in _found:
        _found[name] = _resolve(name)
    return _found[name]


def missing() -> dict[str, str]:
    """Those names that were asked for and are not there, with the reason."""
    return dict(_missing)


class _NoModel:
    """A sender that nothing is ever sent by."""


def __getattr__(name: str) -> Any:
    """For the plugin machinery, which imports signals and senders by their path."""
    if name not in PATHS:
        raise AttributeError(name)
    if (found := find(name)) is not None:
        return found
    log.error("passbackd: the platform has no %s, so its events are missed", _missing[name])
    return Signal() if name.isupper() else _NoModel
