"""What the CMS says of its content."""

from django.dispatch import Signal

COURSE_PUBLISHED = Signal()
