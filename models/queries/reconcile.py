"""
Assignments whose grade the campus acknowledged, so that it can be asked whether it still holds it.

Times are milliseconds since 1970 by :mod:`models.db.clock`.
"""

from dataclasses import dataclass
from typing import Any

from models.changes import FORCE_RESEND_SET
from models.db.sql import Statement

#: Assignments that are read at once.
CHUNK = 50

_SETTLED = "disabled_at IS NULL AND sent_version >= version_number AND sent_score IS NOT NULL"

# What is not settled is on its way, parked, or was never there.
_LEFT_OUT = """CASE
    WHEN disabled_at IS NOT NULL THEN 'switched off'
    WHEN parked_at IS NOT NULL THEN 'parked'
    WHEN sent_version < version_number THEN 'on its way'
    ELSE 'nothing to send' END"""

_OF_CAMPUS = """
    FROM graded_assignment
    JOIN campus ON campus.id = graded_assignment.campus_id
    JOIN lti_consumer ON lti_consumer.id = campus.lti_consumer_id"""

_STILL = Statement(f"SELECT id FROM graded_assignment WHERE id = :id AND version_number = :version AND {_SETTLED}")

_REDO = Statement(f"""
    UPDATE graded_assignment SET {FORCE_RESEND_SET}
    WHERE id = :id AND version_number = :version AND {_SETTLED} RETURNING id""")

_ONCE_SENT = Statement("SELECT DISTINCT score FROM delivery WHERE assignment_id = :id AND score IS NOT NULL")


@dataclass(frozen=True, slots=True)
class Selection:
    """Which assignments; what is None selects nothing out."""

    consumer_id: int | None = None
    course_id: str | None = None

    @property
    def condition(self) -> str:
        """As SQL; its parameters are :attr:`parameters`."""
        parts = {
            "campus.lti_consumer_id = :consumer_id": self.consumer_id,
            "course_id = :course_id": self.course_id,
        }
        return " AND ".join(["1 = 1", *(part for part, value in parts.items() if value is not None)])

    @property
    def parameters(self) -> dict[str, Any]:
        return {"consumer_id": self.consumer_id, "course_id": self.course_id}


@dataclass(frozen=True, slots=True)
class Settled:
    """One assignment, and the score (wire text) that its campus acknowledged."""

    id: int
    version: int
    sent_score: str
    sent_at: int | None
    user_id: str
    course_id: str
    usage_id: str
    lis_result_sourcedid: str


@dataclass(slots=True)
class CampusCensus:
    """How many of a campus's assignments are settled, and how many are not, by why."""

    campus_id: int
    origin: str
    consumer: str
    settled: int
    left_out: dict[str, int]


async def census(selection: Selection) -> list[CampusCensus]:
    """Of every campus that the selection touches, by name."""
    statement = Statement(f"""
        SELECT campus.id AS campus_id, origin, consumer_name AS consumer,
            CASE WHEN {_SETTLED} THEN '' ELSE {_LEFT_OUT} END AS why, COUNT(*) AS number
        {_OF_CAMPUS} WHERE {selection.condition}
        GROUP BY 1, 2, 3, 4 ORDER BY 3, 2, 4""")
    found: dict[int, CampusCensus] = {}
    for row in await statement.rows(**selection.parameters):
        campus = CampusCensus(row["campus_id"], row["origin"], row["consumer"], 0, {})
        counted = found.setdefault(campus.campus_id, campus)
        if row["why"]:
            counted.left_out[row["why"]] = int(row["number"])
        else:
            counted.settled = int(row["number"])
    return list(found.values())


async def next_settled(campus_id: int, selection: Selection, *, after: int) -> list[Settled]:
    """The next of a campus's settled assignments with an id above *after*, in order; empty at the end."""
    statement = Statement(f"""
        SELECT graded_assignment.id AS id, version_number AS version, sent_score, sent_at, user_id, course_id,
            usage_id, lis_result_sourcedid
        {_OF_CAMPUS}
        WHERE campus.id = :here AND graded_assignment.id > :after AND {_SETTLED}
            AND {selection.condition}
        ORDER BY 1 LIMIT {CHUNK}""")
    rows = await statement.rows(**selection.parameters, here=campus_id, after=after)
    return [Settled(**row) for row in rows]


async def once_sent(assignment_id: int) -> list[str]:
    """The scores (wire text) of every attempt that the ledger remembers."""
    return [row["score"] for row in await _ONCE_SENT.rows(id=assignment_id)]


async def is_still(settled: Settled) -> bool:
    """Whether nothing has changed since it was read."""
    return bool(await _STILL.rows(id=settled.id, version=settled.version))


async def redo_if_still(settled: Settled, *, now: int) -> bool:
    """Have its newest score sent again, even if equal, unless it has changed since it was read: then it goes anyway."""
    return bool(await _REDO.rows(id=settled.id, version=settled.version, now=now))
