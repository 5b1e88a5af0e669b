"""Imports the handler, which connects it."""

from importlib import import_module

from django.apps import AppConfig


class LtiProviderConfig(AppConfig):
    """The app of the platform."""

    name = "lms.djangoapps.lti_provider"

    def ready(self) -> None:
        """Runs once the apps are loaded."""
        import_module("lms.djangoapps.lti_provider.signals")
