"""What the CMS says of its content. The platform defines its signals as members of a class, and then by name, too."""

from django.dispatch import Signal


class SignalHandler:
    course_published = Signal()


COURSE_PUBLISHED = SignalHandler.course_published
