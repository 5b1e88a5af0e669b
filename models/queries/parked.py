"""Parked assignments, by reason, scope, campus and course. Reads only."""

from dataclasses import dataclass
from typing import Any

from models.consumer import PROTOCOL, ProtocolName
from models.db.sql import Statement, all_of

#: Groups that are read, the largest first. Reasons are LMS messages, so each learner may have another.
MAX_GROUPS = 2_000


@dataclass(frozen=True, slots=True)
class ParkedGroup:
    """Assignments of one campus and course parked for the same reason. *since*: of the oldest, ms since 1970."""

    consumer: str
    consumer_key: str
    protocol: ProtocolName
    origin: str
    course_id: str
    #: ``learner``, ``course`` or ``campus``: what the reason is about.
    scope: str
    reason: str
    number: int
    since: int
    #: One of them.
    example: int
    campus_id: int


# Counted first and named then: names are long, and a campus may have thousands of parked grades.
_GROUPED = f"""
    SELECT consumer_name AS consumer, consumer_key, {PROTOCOL} AS protocol, origin, course_id,
        parked_scope AS scope, parked_reason AS reason, number, since, example, campus_id
    FROM (
        SELECT campus_id, course_id, parked_scope, parked_reason, COUNT(*) AS number, MIN(parked_at) AS since,
            MIN(id) AS example
        FROM graded_assignment
        WHERE parked_at IS NOT NULL AND disabled_at IS NULL AND {{}}
        GROUP BY 1, 2, 3, 4
    ) AS grouped
    JOIN campus ON campus.id = grouped.campus_id
    JOIN lti_consumer ON lti_consumer.id = campus.lti_consumer_id
    ORDER BY number DESC, since, example LIMIT {MAX_GROUPS}"""

_AT_CONSUMER = """campus_id IN (
    SELECT campus.id FROM campus JOIN lti_consumer ON lti_consumer.id = campus.lti_consumer_id
    WHERE consumer_key = :consumer_key)"""

_GROUP_OF = Statement(
    _GROUPED.format(
        """(campus_id, course_id, parked_scope, parked_reason) IN (
            SELECT campus_id, course_id, parked_scope, parked_reason FROM graded_assignment
            WHERE id = :id AND parked_at IS NOT NULL AND disabled_at IS NULL)"""
    )
)


async def read_parked(
    *,
    consumer_key: str | None = None,
    course_id: str | None = None,
    scope: str | None = None,
    campus_id: int | None = None,
) -> list[ParkedGroup]:
    """The groups, the largest first; of one consumer, course, scope or campus where these are given."""
    given: dict[str, Any] = {
        "consumer_key": consumer_key,
        "course_id": course_id,
        "scope": scope,
        "campus_id": campus_id,
    }
    rows = await parked_statement(**given).rows(**given)
    return [ParkedGroup(**row) for row in rows]


def parked_statement(
    *,
    consumer_key: str | None = None,
    course_id: str | None = None,
    scope: str | None = None,
    campus_id: int | None = None,
) -> Statement:
    """What :func:`read_parked` reads by."""
    assignments = {
        "course_id = :course_id": course_id,
        "parked_scope = :scope": scope,
        "campus_id = :campus_id": campus_id,
        _AT_CONSUMER: consumer_key,
    }
    return Statement(_GROUPED.format(all_of(assignments)))


async def group_of(assignment_id: int) -> ParkedGroup | None:
    """The group to which an assignment belongs; None if it is not parked."""
    row = await _GROUP_OF.row(id=assignment_id)
    return None if row is None else ParkedGroup(**row)
