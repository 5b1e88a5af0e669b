"""Connects the receivers of plugins, as the platform does once its apps are ready."""

import os

from django.apps import AppConfig
from edx_django_utils.plugins import connect_plugin_receivers


class PluginsConfig(AppConfig):
    """The app that the platform has for it."""

    name = "openedx.core.djangoapps.plugins"

    def ready(self) -> None:
        """Runs once the apps are loaded."""
        connect_plugin_receivers(os.environ.get("PLATFORM_PROJECT", "lms.djangoapp"))
