"""``manage.py lms resend_lti_scores COURSE…``: has the worker send all grades of these courses."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from lms.djangoapps.lti_provider.models import GradedAssignment
from opaque_keys.edx.keys import CourseKey

from campus_work.passing import broker, enqueue


class Command(BaseCommand):
    """As the platform's own, past the signals."""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("courses", nargs="+")

    def handle(self, *args: Any, **options: Any) -> None:
        client = broker()
        for course in options["courses"]:
            for row in GradedAssignment.objects.filter(course_key=CourseKey.from_string(course)):
                enqueue(client, "send_composite_outcome", (row.user_id, course, row.id, row.version_number), 0)
