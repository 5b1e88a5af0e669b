"""Signals of the grades app."""

import os

from django.dispatch import Signal

PROBLEM_WEIGHTED_SCORE_CHANGED = Signal()
SUBSECTION_SCORE_CHANGED = Signal()

# Another release of the platform, for the tests.
globals().pop(os.environ.get("PLATFORM_WITHOUT"), None)
