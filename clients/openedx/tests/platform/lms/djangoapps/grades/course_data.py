"""What the grades app knows of a course; tests put the structures here that the platform would have collected."""

from typing import Any

from edx_django_utils.cache import RequestCache
from opaque_keys.edx.keys import CourseKey

COLLECTED: dict[CourseKey, Any] = {}
#: By the learner's id, where they are shown something else; an exception is raised.
OWN: dict[tuple[int, CourseKey], Any] = {}


class CourseData:
    """Reads a course's structure."""

    def __init__(self, user: Any, course: Any = None, course_key: CourseKey | None = None) -> None:
        self.user = user
        self.course_key = course_key or course.id

    @property
    def collected_structure(self) -> Any:
        """The structure that all learners' are made from."""
        return COLLECTED[self.course_key]

    @property
    def structure(self) -> Any:
        """What the learner is shown of it; kept until the end of the request, as are the platform's cohorts."""
        key = (self.user.id, self.course_key)
        kept = RequestCache("course_data")
        if not kept.get_cached_response(key).is_found:
            kept.set(key, OWN.get(key, self.collected_structure))
        structure = kept.get_cached_response(key).value
        if isinstance(structure, Exception):
            raise structure
        return structure
