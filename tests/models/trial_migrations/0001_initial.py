"""The first step of this release."""  # noqa: N999

from importlib import import_module

Migration = import_module("models.migrations.0001_initial").Migration
