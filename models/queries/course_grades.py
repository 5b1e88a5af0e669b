"""All grades of a course or one of its activities: how many are in each state, and each of them. Reads only."""

from collections.abc import Iterable
from dataclasses import dataclass

from models.consumer import ProtocolName
from models.db.sql import Statement
from models.queries.filter import AssignmentFilter
from models.queries.views import WITH_CAMPUS, columns_of
from models.states import STATE


@dataclass(frozen=True, slots=True)
class GradeCount:
    """How many grades of an activity are in a state at a campus."""

    usage_id: str
    consumer_key: str
    state: str
    number: int


@dataclass(frozen=True, slots=True)
class GradePlace:
    """A place in the list, which is by activity and the assignment's id."""

    id: int
    usage_id: str


@dataclass(frozen=True, slots=True)
class CourseGrade:
    """
    One learner's grade. Score and time are those that the campus acknowledged; milliseconds since 1970. What was
    another learner's before is left out.
    """

    id: int
    user_id: str
    lti_user_id: str | None
    course_id: str
    usage_id: str
    campus_id: int
    consumer: str
    consumer_key: str
    protocol: ProtocolName
    #: As in :data:`models.states.STATES`.
    state: str
    sent_score: str | None
    sent_at: int | None
    parked_at: int | None
    parked_scope: str | None
    parked_reason: str | None

    @property
    def place(self) -> GradePlace:
        """Where it is in the list."""
        return GradePlace(self.id, self.usage_id)


def counts_statement(usage_id: str | None) -> Statement:
    """The statement of :func:`read_counts`."""
    return Statement(f"""
        SELECT usage_id, consumer_key, state, SUM(number) AS number
        FROM (
            SELECT campus_id, usage_id, {STATE} AS state, COUNT(*) AS number FROM graded_assignment
            WHERE course_id = :course_id {"" if usage_id is None else "AND usage_id = :usage_id"} GROUP BY 1, 2, 3
        ) AS counted
        JOIN campus ON campus.id = counted.campus_id
        JOIN lti_consumer ON lti_consumer.id = campus.lti_consumer_id
        GROUP BY 1, 2, 3 ORDER BY 1, 2, 3""")


async def read_counts(course_id: str, usage_id: str | None, *, now: int) -> list[GradeCount]:
    """Of a course, or of one of its activities, by activity, campus and state. *now*: milliseconds since 1970."""
    rows = await counts_statement(usage_id).rows(course_id=course_id, usage_id=usage_id, now=now)
    return [GradeCount(**{**row, "number": int(row["number"])}) for row in rows]


_LIST = f"""
    SELECT {columns_of(CourseGrade)} FROM graded_assignment {WITH_CAMPUS}
    WHERE {{}} AND {{}} ORDER BY {{}} LIMIT :most"""

# By the activity too where it is given, so that both databases go by the index.
_OF_COURSE = "(usage_id, graded_assignment.id) > (:after_usage, :after)", "usage_id, graded_assignment.id"
_OF_ACTIVITY = "graded_assignment.id > :after", "graded_assignment.id"


def list_statement(wanted: AssignmentFilter) -> Statement:
    """The statement of :func:`read_course_grades`. Raises the same."""
    wanted.course()
    beyond, order = _OF_COURSE if wanted.usage_id is None else _OF_ACTIVITY
    return Statement(_LIST.format(wanted.condition, beyond, order))


async def read_course_grades(
    wanted: AssignmentFilter, *, after: GradePlace | None, now: int, most: int
) -> list[CourseGrade]:
    """
    The grades that come next, by activity and the assignment's id; disabled ones too.

    Args:
        after: The place of the one before; None: from the first one on.
        now: Milliseconds since 1970 by the database's clock.

    Raises:
        ValueError: No course is given.
    """
    place = after or GradePlace(0, "")
    rows = await list_statement(wanted).rows(
        **wanted.parameters, after=place.id, after_usage=place.usage_id, now=now, most=most
    )
    return [CourseGrade(**row) for row in rows]


_ACCEPTED = Statement(
    """
    SELECT campus_id, MAX(accepted_at) AS accepted_at FROM outcome_service
    WHERE campus_id IN (SELECT id FROM {given}) GROUP BY campus_id""",
    given="id BIGINT",
)


async def read_accepted(grades: Iterable[CourseGrade]) -> dict[int, int]:
    """When the campuses of these grades took a grade last, by the campus's id; milliseconds since 1970."""
    given = [{"id": campus_id} for campus_id in sorted({grade.campus_id for grade in grades})]
    rows = await _ACCEPTED.rows(given=given) if given else []
    return {row["campus_id"]: row["accepted_at"] for row in rows if row["accepted_at"] is not None}
