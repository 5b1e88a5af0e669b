"""Where other apps delete what they hold of a learner."""

from django.dispatch import Signal

USER_RETIRE_LMS_MISC = Signal()
