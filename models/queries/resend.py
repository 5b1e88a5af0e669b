"""Grades that the operator has sent again: finding them, and marking them a chunk at a time."""

from dataclasses import dataclass
from typing import Any, NamedTuple

from models.changes import ORDER_RESEND_SET, UNPARK_SET
from models.db.sql import CHUNK, Statement
from models.queries.filter import AssignmentFilter
from models.states import CAMPUS_STATE, STATE, CampusState

#: Assignments that are shown one by one.
MAX_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Matched:
    """
    What a filter finds.

    *campuses*: how many of each consumer and origin. *states*: those of these campuses. *first*: ``id``, ``user_id``,
    ``course_id``, ``usage_id``, ``consumer``, ``state``, ``sent_score`` and ``parked_reason`` of up to
    :data:`MAX_SHOWN`. *disabled*: how many are left out because they are disabled.
    """

    campuses: dict[tuple[str, str], int]
    states: dict[tuple[str, str], CampusState]
    first: list[dict[str, Any]]
    disabled: int

    @property
    def number(self) -> int:
        return sum(self.campuses.values())


class Candidate(NamedTuple):
    """
    An assignment that a resend would mark.

    *must_go_out*: also if its score is equal, for an earlier reason. *acknowledged*: whether a score of it ever
    was, or was taken over.
    """

    id: int
    user_id: str
    course_id: str
    usage_id: str
    sent_score: str | None
    must_go_out: bool
    acknowledged: bool = True


async def match(wanted: AssignmentFilter, *, now: int) -> Matched:
    """Find assignments and change nothing. *now*: milliseconds since 1970."""
    where = wanted.condition
    counted = Statement(f"""
        SELECT consumer_name AS consumer, origin, {CAMPUS_STATE} AS campus_state, enabled, disabled FROM (
            SELECT campus_id, SUM(CASE WHEN disabled_at IS NULL THEN 1 ELSE 0 END) AS enabled,
                SUM(CASE WHEN disabled_at IS NULL THEN 0 ELSE 1 END) AS disabled
            FROM graded_assignment WHERE {where} GROUP BY 1) AS matched
        JOIN campus ON campus.id = matched.campus_id
        JOIN lti_consumer ON lti_consumer.id = campus.lti_consumer_id ORDER BY 1, 2""")
    first = Statement(f"""
        SELECT graded_assignment.id AS id, user_id, course_id, usage_id, consumer_name AS consumer, {STATE} AS state,
            sent_score, parked_reason
        FROM graded_assignment
        JOIN outcome_service ON outcome_service.id = graded_assignment.outcome_service_id
        JOIN lti_consumer ON lti_consumer.id = outcome_service.lti_consumer_id
        WHERE disabled_at IS NULL AND {where} ORDER BY graded_assignment.id LIMIT {MAX_SHOWN}""")
    rows = await counted.rows(**wanted.parameters, now=now)
    return Matched(
        {(row["consumer"], row["origin"]): int(row["enabled"]) for row in rows if row["enabled"]},
        {(row["consumer"], row["origin"]): row["campus_state"] for row in rows if row["enabled"]},
        await first.rows(**wanted.parameters, now=now),
        sum(int(row["disabled"]) for row in rows),
    )


async def next_chunk(wanted: AssignmentFilter, *, after: int, now: int, most: int = CHUNK) -> list[int]:
    """The ids of the next assignments above *after*, in order; empty at the end. *now*: milliseconds since 1970."""
    statement = Statement(f"""
        SELECT id FROM graded_assignment WHERE id > :after AND disabled_at IS NULL AND {wanted.condition}
        ORDER BY id LIMIT :most""")
    return [row["id"] for row in await statement.rows(**wanted.parameters, after=after, now=now, most=most)]


async def next_candidates(wanted: AssignmentFilter, *, after: int, most: int = CHUNK) -> list[Candidate]:
    """The next assignments above *after*, in the order of their ids; empty at the end."""
    statement = Statement(f"""
        SELECT id, user_id, course_id, usage_id, sent_score,
            CASE WHEN forced_version > sent_version THEN 1 ELSE 0 END AS must_go_out,
            CASE WHEN sent_at IS NULL AND sent_score IS NULL THEN 0 ELSE 1 END AS acknowledged
        FROM graded_assignment WHERE id > :after AND disabled_at IS NULL AND {wanted.condition}
        ORDER BY id LIMIT :most""")
    rows = await statement.rows(**wanted.parameters, after=after, most=most)
    flags = ("must_go_out", "acknowledged")
    return [Candidate(**row | {name: bool(row[name]) for name in flags}) for row in rows]


async def mark(wanted: AssignmentFilter, *, first: int, last: int, now: int, force: bool) -> int:
    """
    Have the wanted assignments with ids from *first* to *last* sent now, without backoff, in one transaction.

    The hold of an attempt in doubt stays: its request may still land. *force*: also where the campus acknowledged
    exactly this score already. *now*: milliseconds since 1970.

    Returns:
        How many were marked.
    """
    statement = Statement(f"""
        UPDATE graded_assignment SET {ORDER_RESEND_SET if force else UNPARK_SET} WHERE id IN (
            SELECT id FROM graded_assignment
            WHERE id >= :first AND id <= :last AND disabled_at IS NULL AND {wanted.condition}
            ORDER BY id {{for_update}})
        RETURNING id""")
    return len(await statement.rows(**wanted.parameters, first=first, last=last, now=now))
