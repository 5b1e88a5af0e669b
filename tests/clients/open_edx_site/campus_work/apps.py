"""Has the course at hand, as the platform has collected it."""

from django.apps import AppConfig


class CampusWorkConfig(AppConfig):
    """Comes after the platform's apps."""

    name = "campus_work"

    def ready(self) -> None:
        """Runs once the apps are loaded."""
        from lms.djangoapps.grades.course_data import COLLECTED  # noqa: PLC0415 - the platform is there only now

        from campus_work.collected import COURSE, OLD_COURSE, structure  # noqa: PLC0415

        COLLECTED.update({course: structure(course) for course in (COURSE, OLD_COURSE)})
