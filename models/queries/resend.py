"""Grades that are to be sent once more because somebody says so: which, and marking them, a chunk at a time."""

from dataclasses import dataclass
from typing import Any

from models.assignment import STATE
from models.changes import FORCE_RESEND_SET, UNPARK_SET
from models.db.sql import Statement

#: Assignments a transaction: few enough that nobody waits for their locks.
CHUNK = 500
#: Assignments that are shown one by one.
MAX_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Selection:
    """
    Which assignments; what is None or False selects nothing out. All that is given must hold.

    *since_ms*: those whose grade was acknowledged, or parked, from then on; milliseconds since 1970.
    """

    assignment_id: int | None = None
    user_id: str | None = None
    course_id: str | None = None
    consumer_id: int | None = None
    parked: bool = False
    since_ms: int | None = None

    @property
    def condition(self) -> str:
        """As SQL over ``graded_assignment``; its parameters are :attr:`parameters`."""
        parts = {
            "graded_assignment.id = :assignment_id": self.assignment_id is not None,
            "user_id = :user_id": self.user_id is not None,
            "course_id = :course_id": self.course_id is not None,
            """outcome_service_id IN (SELECT id FROM outcome_service WHERE lti_consumer_id = :consumer_id)""": (
                self.consumer_id is not None
            ),
            "parked_at IS NOT NULL": self.parked,
            "(sent_at >= :since_ms OR parked_at >= :since_ms)": self.since_ms is not None,
        }
        return " AND ".join(["1 = 1", *(part for part, wanted in parts.items() if wanted)])

    @property
    def parameters(self) -> dict[str, Any]:
        return {
            "assignment_id": self.assignment_id,
            "user_id": self.user_id,
            "course_id": self.course_id,
            "consumer_id": self.consumer_id,
            "since_ms": self.since_ms,
        }


@dataclass(frozen=True, slots=True)
class Matched:
    """What a selection finds: how many of each campus, a few of them, and how many are disabled and so left out."""

    campuses: list[dict[str, Any]]
    first: list[dict[str, Any]]
    disabled: int

    @property
    def number(self) -> int:
        return sum(campus["number"] for campus in self.campuses)


async def match(selection: Selection, *, now: int) -> Matched:
    """
    Look, and change nothing.

    Returns:
        ``campuses``: ``consumer``, ``origin`` and ``number`` each. ``first``: up to :data:`MAX_SHOWN` of ``id``,
        ``user_id``, ``course_id``, ``usage_id``, ``consumer``, ``state``, ``sent_score``, ``parked_reason``.
    """
    where = selection.condition
    counted = Statement(f"""
        SELECT consumer_name AS consumer, origin, number FROM (
            SELECT campus_id, COUNT(*) AS number FROM graded_assignment
            WHERE disabled_at IS NULL AND {where} GROUP BY 1) AS matched
        JOIN campus ON campus.id = matched.campus_id
        JOIN lti_consumer ON lti_consumer.id = campus.lti_consumer_id ORDER BY 1, 2""")
    first = Statement(f"""
        SELECT graded_assignment.id AS id, user_id, course_id, usage_id, consumer_name AS consumer, {STATE} AS state,
            sent_score, parked_reason
        FROM graded_assignment
        JOIN outcome_service ON outcome_service.id = graded_assignment.outcome_service_id
        JOIN lti_consumer ON lti_consumer.id = outcome_service.lti_consumer_id
        WHERE disabled_at IS NULL AND {where} ORDER BY graded_assignment.id LIMIT {MAX_SHOWN}""")
    disabled = Statement(f"""
        SELECT COUNT(*) AS number FROM graded_assignment WHERE disabled_at IS NOT NULL AND {where}""")
    left_out = await disabled.row(**selection.parameters)
    return Matched(
        [{**row, "number": int(row["number"])} for row in await counted.rows(**selection.parameters)],
        await first.rows(**selection.parameters, now=now),
        int(left_out["number"]) if left_out else 0,
    )


async def next_chunk(selection: Selection, *, after: int, most: int = CHUNK) -> list[int]:
    """The ids of the next assignments above *after*, in order; empty at the end."""
    statement = Statement(f"""
        SELECT id FROM graded_assignment WHERE id > :after AND disabled_at IS NULL AND {selection.condition}
        ORDER BY id LIMIT :most""")
    return [row["id"] for row in await statement.rows(**selection.parameters, after=after, most=most)]


async def mark(selection: Selection, *, first: int, last: int, now: int, force: bool) -> int:
    """
    Have the selected assignments with ids from *first* to *last* sent now, afresh; one transaction.

    The hold of an attempt in doubt stays: a request whose end nobody knows is no younger for it.

    Args:
        now: Milliseconds since 1970.
        force: Also where the campus acknowledged exactly this score already.

    Returns:
        How many were marked.
    """
    statement = Statement(f"""
        UPDATE graded_assignment SET {FORCE_RESEND_SET if force else UNPARK_SET} WHERE id IN (
            SELECT id FROM graded_assignment
            WHERE id >= :first AND id <= :last AND disabled_at IS NULL AND {selection.condition}
            ORDER BY id {{for_update}})
        RETURNING id""")
    return len(await statement.rows(**selection.parameters, first=first, last=last, now=now))
