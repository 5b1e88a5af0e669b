"""The Django app that the platform's plugin machinery finds by its entry points."""

from django.apps import AppConfig
from django.core import checks


def _receiver(function: str, signal: str, sender: str | None = None) -> dict[str, str]:
    """An entry of ``signals_config``; the names are those of :mod:`openedx_passbackd.platform_names`."""
    receiver = {"receiver_func_name": function, "signal_path": f"openedx_passbackd.platform_names.{signal}"}
    if sender:
        receiver["sender_path"] = f"openedx_passbackd.platform_names.{sender}"
    return receiver


class PassbackdConfig(AppConfig):
    """Connects the receivers, and takes the platform's own handler out where it is asked to."""

    name = "openedx_passbackd"
    verbose_name = "passbackd"

    plugin_app = {  # noqa: RUF012 - the plugin machinery reads this attribute
        "settings_config": {
            "lms.djangoapp": {
                "common": {"relative_path": "settings.common"},
                "production": {"relative_path": "settings.production"},
            },
            "cms.djangoapp": {"common": {"relative_path": "settings.cms"}},
        },
        "signals_config": {
            "lms.djangoapp": {
                "relative_path": "receivers",
                "receivers": [
                    _receiver("score_changed", "PROBLEM_WEIGHTED_SCORE_CHANGED"),
                    _receiver("others_as_before", "PROBLEM_WEIGHTED_SCORE_CHANGED"),
                    _receiver("learner_tree_changed", "SUBSECTION_SCORE_CHANGED"),
                    _receiver("launched", "LTI_PROVIDER_LAUNCH_SUCCESS"),
                    _receiver("assignment_created", "post_save", sender="GradedAssignment"),
                    _receiver("assignment_deleted", "pre_delete", sender="GradedAssignment"),
                    _receiver("retired", "USER_RETIRE_LMS_MISC"),
                ],
            },
            "cms.djangoapp": {
                "relative_path": "receivers",
                "receivers": [_receiver("course_published", "COURSE_PUBLISHED")],
            },
        },
    }

    def ready(self) -> None:
        """Runs once the platform's apps are loaded."""
        # Both import models, which are there only now.
        from openedx_passbackd import handover  # noqa: PLC0415
        from openedx_passbackd.checks import check_platform  # noqa: PLC0415

        checks.register(check_platform)
        handover.take_over()
