"""The plugin's settings in the CMS, which only marks the courses that are published."""

from types import ModuleType


def plugin_settings(settings: ModuleType) -> None:
    """Set the defaults; a site's own settings come later and win."""
    settings.PASSBACKD_REDIS_URL = None
    settings.PASSBACKD_STREAM = "passback:events"
