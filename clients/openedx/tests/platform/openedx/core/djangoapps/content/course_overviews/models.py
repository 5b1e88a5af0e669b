"""What the LMS has copied of each course."""

from django.db import models
from opaque_keys.edx.django.models import CourseKeyField


class CourseOverview(models.Model):
    """A course, with the time of its newest copy."""

    id = CourseKeyField(db_index=True, primary_key=True, max_length=255)
    modified = models.DateTimeField()
