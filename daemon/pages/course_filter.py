"""Which grades of a course a page, a file or a form is about."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from daemon.pages.access import RefusedError
from daemon.pages.filters import named_word
from models.consumer import find_consumer
from models.db.sql import written_id
from models.queries.course_grades import GradeCount, GradePlace
from models.queries.filter import AssignmentFilter
from models.states import STATES

# Characters of the activity that an address says of a place.
_MAX_USAGE = 255


@dataclass(frozen=True, slots=True)
class CourseAsked:
    """The grades of a course, or only those of an activity, in a state or of a campus. *consumer*: the campus's key."""

    course: str
    usage: str | None = None
    state: str | None = None
    consumer: str | None = None

    @property
    def fields(self) -> dict[str, str]:
        """What an address or a form says of it."""
        named = {"course": self.course, "usage": self.usage, "state": self.state, "consumer": self.consumer}
        return {name: value for name, value in named.items() if value}

    @property
    def narrows(self) -> bool:
        """Whether it leaves grades of the course or the activity out."""
        return self.state is not None or self.consumer is not None

    def path(self, page: str = "/activities", *, after: GradePlace | None = None) -> str:
        """The address of a page of it. *after*: the place from which on it goes."""
        place = {} if after is None else {"after": f"{after.id}.{after.usage_id}"}
        return f"{page}?{urlencode(self.fields | place)}"

    def includes(self, count: GradeCount) -> bool:
        """Whether these are among the grades that are asked for."""
        return self.state in (None, count.state) and self.consumer in (None, count.consumer_key)

    async def filter(self) -> AssignmentFilter:
        """As a filter of assignments. Raises :class:`RefusedError` where there is no such campus."""
        wanted = AssignmentFilter(course_id=self.course, usage_id=self.usage, state=self.state)
        if self.consumer is None:
            return wanted
        consumer = await find_consumer(self.consumer)
        if consumer is None:
            # An unknown key is an error, not an empty list.
            raise RefusedError(404, f"There is no campus with the key {self.consumer[:255]!r}.")
        return replace(wanted, consumer_id=consumer.id)


def asked_of_course(given: Mapping[str, str]) -> CourseAsked | None:
    """What a query or a form asks for; None if it names no course. Raises :class:`RefusedError`."""
    course, usage, state, consumer = (named_word(given, name) for name in ("course", "usage", "state", "consumer"))
    if state not in (None, *STATES):
        raise RefusedError(400, f"A grade is {', '.join(STATES[:-1])} or {STATES[-1]}; there is no other state.")
    return None if course is None else CourseAsked(course, usage, state, consumer)


def named_course(given: Mapping[str, str]) -> CourseAsked:
    """As :func:`asked_of_course`, where a course has to be named. Raises :class:`RefusedError`."""
    asked = asked_of_course(given)
    if asked is None:
        raise RefusedError(400, "Say which course: open it from Courses.")
    return asked


def asked_place(given: Mapping[str, str]) -> GradePlace | None:
    """From which grade on a page goes; None: from the first one on. Raises :class:`RefusedError`."""
    word = given.get("after", "")
    if not word:
        return None
    number, dot, usage_id = word.partition(".")
    grade_id = written_id(number)
    if grade_id is None or not dot or "\0" in usage_id or len(usage_id) > _MAX_USAGE:
        raise RefusedError(400, "This address is not whole. Go back to the first page.")
    return GradePlace(grade_id, usage_id)
