"""
Takes the platform's own handler of scores out, and does its work where a campus is still served by it.

The handler is connected when its module is imported, without a uid; once it was imported here, a later import connects
nothing, so that the order of the installed apps does not matter.
"""

import logging
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db.models import F
from opaque_keys.edx.keys import CourseKey, UsageKey

from openedx_passbackd import counters
from openedx_passbackd.platform_names import find

log = logging.getLogger(__name__)

LTI_PROVIDER = "lms.djangoapps.lti_provider"


class _State:
    """Whether this process has taken the handler out."""

    taken_over = False


def is_wanted() -> bool:
    """Whether the site wants passbackd in place of the platform's handler."""
    return bool(getattr(settings, "PASSBACKD_REPLACES_LTI_PROVIDER", False))


def taken_over() -> bool:
    """Whether the platform's handler is out."""
    return _State.taken_over


def take_over() -> None:
    """Disconnect the platform's handler, if the settings say so; an error is logged where it was not connected."""
    _State.taken_over = False
    if not is_wanted() or not apps.is_installed(LTI_PROVIDER):
        return
    try:
        _State.taken_over = _disconnect()
    except Exception:
        log.exception("passbackd: the platform's handler of scores was not found")
    if not _State.taken_over:
        counters.count("take_over.failed")
        log.error(
            "passbackd: the platform's handler of scores is not where it was expected: grades may be sent twice, by it "
            "and by passbackd. Set PASSBACKD_REPLACES_LTI_PROVIDER = False until the plugin supports this release."
        )


def _disconnect() -> bool:
    from lms.djangoapps.lti_provider.signals import score_changed_handler  # noqa: PLC0415 - the platform's

    return bool(find("PROBLEM_WEIGHTED_SCORE_CHANGED").disconnect(score_changed_handler))


def is_passbackds(consumer_key: str) -> bool:
    """Whether passbackd serves that campus; an empty ``PASSBACKD_CONSUMERS`` names all."""
    consumers = settings.PASSBACKD_CONSUMERS
    return not consumers or consumer_key in consumers


def send_as_before(user_id: int, course_key: CourseKey, usage_key: UsageKey, scores: dict[str, Any]) -> None:
    """
    Enqueue the platform's own tasks for the assignments of campuses that passbackd does not serve yet.

    *scores* are the signal's ``course_id``, ``weighted_earned`` and ``weighted_possible``.
    """
    from lms.djangoapps.lti_provider.outcomes import get_assignments_for_problem  # noqa: PLC0415 - the platform's
    from lms.djangoapps.lti_provider.tasks import (  # noqa: PLC0415 - the platform's
        send_composite_outcome,
        send_leaf_outcome,
    )
    from xmodule.modulestore.django import modulestore  # noqa: PLC0415 - the platform's

    for assignment in get_assignments_for_problem(modulestore().get_item(usage_key), user_id, course_key):
        if is_passbackds(assignment.outcome_service.lti_consumer.consumer_key):
            # A task that waits since before the cut-over leaves itself out where the version is another one by then.
            continue
        type(assignment).objects.filter(pk=assignment.pk).update(version_number=F("version_number") + 1)
        assignment.refresh_from_db(fields=["version_number"])
        if assignment.usage_key == usage_key:
            send_leaf_outcome.delay(assignment.id, scores["weighted_earned"], scores["weighted_possible"])
        else:
            send_composite_outcome.apply_async(
                (user_id, scores["course_id"], assignment.id, assignment.version_number),
                countdown=settings.LTI_AGGREGATE_SCORE_PASSBACK_DELAY,
            )
