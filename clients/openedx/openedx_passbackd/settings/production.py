"""What a site's own settings may have overwritten."""

from types import ModuleType

from openedx_passbackd.settings.common import ask_for_launch_parameters


def plugin_settings(settings: ModuleType) -> None:
    """Ask for the launch parameters again: a list in the site's own settings replaces the one in common."""
    ask_for_launch_parameters(settings)
