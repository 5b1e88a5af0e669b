"""The plugin's settings in the LMS, with their defaults."""

from types import ModuleType

#: Launch parameters that the platform passes on only where this setting of its own names them.
LAUNCH_PARAMETERS = ("resource_link_id", "resource_link_title")


def ask_for_launch_parameters(settings: ModuleType) -> None:
    """Add to the platform's ``LTI_CUSTOM_PARAMS`` what a launch event needs; what is there already stays."""
    asked = list(getattr(settings, "LTI_CUSTOM_PARAMS", None) or [])
    settings.LTI_CUSTOM_PARAMS = asked + [name for name in LAUNCH_PARAMETERS if name not in asked]


def plugin_settings(settings: ModuleType) -> None:
    """Set the defaults; a site's own settings come later and win."""
    settings.PASSBACKD_REDIS_URL = None
    settings.PASSBACKD_STREAM = "passback:events"
    settings.PASSBACKD_REPLACES_LTI_PROVIDER = False
    settings.PASSBACKD_CONSUMERS = []
    ask_for_launch_parameters(settings)
