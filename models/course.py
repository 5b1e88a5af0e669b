"""The course tree, one row a course: it is replaced whole, and read whole from a cache."""

from __future__ import annotations

from tortoise import fields
from tortoise.models import Model


class CourseStructure(Model):
    """The newest ``course.structure`` of a course."""

    id = fields.BigIntField(primary_key=True)
    course_key = fields.CharField(max_length=255, unique=True)
    version = fields.BigIntField()
    # When it was published, microseconds since 1970, as the event says.
    modified_us = fields.BigIntField()
    # SHA-256 of the canonical blocks: tells a repeat from a conflict.
    digest = fields.CharField(max_length=64)
    # Canonical JSON: ``[[usage_id, parent or null, points_possible or null], ...]``, sorted by usage id.
    blocks = fields.TextField()

    class Meta:
        table = "course_structure"
        table_description = "Course trees"
