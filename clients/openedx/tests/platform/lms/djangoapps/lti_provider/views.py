"""A launch: stores where its grade goes, and says so, all in one transaction."""

from typing import Any

from django.conf import settings
from django.db import transaction
from openedx_events.learning import signals
from openedx_events.learning.data import LtiProviderLaunchData, LtiProviderLaunchParamsData, UserData, UserPersonalData

from lms.djangoapps.lti_provider.models import GradedAssignment, LtiConsumer, LtiUser, OutcomeService

OPTIONAL = ("context_title", "lis_result_sourcedid", "lis_outcome_service_url", "tool_consumer_instance_guid")


@transaction.atomic
def lti_launch(user: Any, consumer: LtiConsumer, course_key: Any, usage_key: Any, params: dict[str, str]) -> None:
    """A launch whose signature was verified; *params* are those that the campus posted."""
    LtiUser.objects.get_or_create(lti_consumer=consumer, lti_user_id=params["user_id"], defaults={"edx_user": user})
    if params.get("lis_result_sourcedid"):
        service, _ = OutcomeService.objects.get_or_create(
            lis_outcome_service_url=params["lis_outcome_service_url"], lti_consumer=consumer
        )
        GradedAssignment.objects.get_or_create(
            lis_result_sourcedid=params["lis_result_sourcedid"],
            outcome_service=service,
            defaults={"user": user, "course_key": course_key, "usage_key": usage_key},
        )
    passed_on = (*OPTIONAL, *settings.LTI_CUSTOM_PARAMS)
    if not hasattr(signals, "LTI_PROVIDER_LAUNCH_SUCCESS"):
        return
    signals.LTI_PROVIDER_LAUNCH_SUCCESS.send_event(
        launch_data=LtiProviderLaunchData(
            user=UserData(id=user.id, is_active=True, pii=UserPersonalData(username="u", email="e", name="n")),
            course_key=course_key,
            usage_key=usage_key,
            launch_params=LtiProviderLaunchParamsData(
                roles="Learner",
                context_id=params.get("context_id", ""),
                user_id=params["user_id"],
                extra_params={name: params[name] for name in passed_on if name in params},
            ),
        )
    )
