"""
Assignments whose grade the campus acknowledged, so that it can be asked whether it still holds it.

Times are milliseconds since 1970 by :mod:`models.db.clock`.
"""

from dataclasses import dataclass

from tortoise.transactions import in_transaction

from models.changes import FORCE_RESEND_SET
from models.clock_watch import CURRENT
from models.db.clock import Clock
from models.db.sql import Statement
from models.delivery import Delivery
from models.queries.filter import AssignmentFilter
from models.shown_score import remember

#: Assignments that one read returns.
PAGE = 50
#: Milliseconds for which senders leave a slot to readings; longer than between two of these.
RESERVE_MS = 15_000

_ACKNOWLEDGED = "disabled_at IS NULL AND sent_version >= version_number AND sent_score IS NOT NULL"

_LEFT_OUT = """CASE
    WHEN disabled_at IS NOT NULL THEN 'switched off'
    WHEN parked_at IS NOT NULL THEN 'parked'
    WHEN sent_version < version_number THEN 'on its way'
    ELSE 'nothing to send' END"""

_UNCHANGED = Statement(
    f"SELECT id FROM graded_assignment WHERE id = :id AND version_number = :version AND {_ACKNOWLEDGED}"
)

_FORCE = Statement(f"""
    UPDATE graded_assignment SET {FORCE_RESEND_SET}
    WHERE id = :id AND version_number = :version AND {_ACKNOWLEDGED} AND {CURRENT} RETURNING id""")

# Of the same learner and block, at the same site or of the same consumer.
_SENT_BESIDE = Statement("""
    WITH beside AS (
        SELECT other.id AS id, other.sent_score AS sent_score FROM graded_assignment AS own
        JOIN campus AS here ON here.id = own.campus_id
        JOIN graded_assignment AS other ON other.user_id = own.user_id AND other.course_id = own.course_id
            AND other.usage_id = own.usage_id AND other.id <> own.id
        JOIN campus AS there ON there.id = other.campus_id
            AND (there.origin = here.origin OR there.lti_consumer_id = here.lti_consumer_id)
        WHERE own.id = :id)
    SELECT delivery.score AS score FROM beside JOIN delivery ON delivery.assignment_id = beside.id
    WHERE delivery.score IS NOT NULL UNION SELECT sent_score FROM beside WHERE sent_score IS NOT NULL""")

_RESERVE = Statement(f"UPDATE campus SET reading_until = :until WHERE id = :id AND {CURRENT} RETURNING id")

# Of the cell in which the assignment is now, and before the campus acknowledged the same score once more.
_BEFORE = """CASE WHEN shown_score.sent_score = graded_assignment.sent_score
    AND shown_score.outcome_service_id = graded_assignment.outcome_service_id
    AND shown_score.sourcedid_digest = graded_assignment.sourcedid_digest
    AND shown_score.version < version_number THEN shown ELSE NULL END"""


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """
    One assignment, and the score (wire text) that its campus acknowledged.

    *shown_before*: what the campus showed before it acknowledged that score once more, since it was sent again; None if
    it was not, or if that is not known. *remembered*: whether anything is stored of what it showed.
    """

    id: int
    version: int
    sent_score: str
    sent_at: int | None
    user_id: str
    course_id: str
    usage_id: str
    shown_before: str | None = None
    remembered: bool = False


@dataclass(slots=True)
class CampusCensus:
    """How many of a campus's grades it has acknowledged, and how many of the others are *left_out*, by why."""

    campus_id: int
    origin: str
    consumer: str
    acknowledged: int
    left_out: dict[str, int]


async def census(wanted: AssignmentFilter) -> list[CampusCensus]:
    """Of every campus that has a wanted assignment, by name."""
    statement = Statement(f"""
        SELECT campus.id AS campus_id, origin, consumer_name AS consumer,
            CASE WHEN {_ACKNOWLEDGED} THEN '' ELSE {_LEFT_OUT} END AS why, COUNT(*) AS number
        FROM graded_assignment
        JOIN campus ON campus.id = graded_assignment.campus_id
        JOIN lti_consumer ON lti_consumer.id = campus.lti_consumer_id
        WHERE {wanted.condition}
        GROUP BY 1, 2, 3, 4 ORDER BY 3, 2, 4""")
    found: dict[int, CampusCensus] = {}
    for row in await statement.rows(**wanted.parameters):
        campus = CampusCensus(row["campus_id"], row["origin"], row["consumer"], 0, {})
        counted = found.setdefault(campus.campus_id, campus)
        if row["why"]:
            counted.left_out[row["why"]] = int(row["number"])
        else:
            counted.acknowledged = int(row["number"])
    return list(found.values())


async def next_acknowledged(campus_id: int, wanted: AssignmentFilter, *, after: int) -> list[Acknowledged]:
    """The next of a campus's acknowledged assignments with an id above *after*, in order; empty at the end."""
    statement = Statement(f"""
        SELECT graded_assignment.id AS id, version_number AS version, graded_assignment.sent_score AS sent_score,
            sent_at, user_id, course_id, usage_id, {_BEFORE} AS shown_before,
            CASE WHEN shown_score.id IS NULL THEN 0 ELSE 1 END AS remembered
        FROM (
            SELECT * FROM graded_assignment
            WHERE campus_id = :campus_id AND id > :after AND {_ACKNOWLEDGED} AND {wanted.condition}
            ORDER BY id LIMIT {PAGE}
        ) AS graded_assignment
        LEFT JOIN shown_score ON shown_score.assignment_id = graded_assignment.id ORDER BY 1""")
    rows = await statement.rows(**wanted.parameters, campus_id=campus_id, after=after)
    return [Acknowledged(**{**row, "remembered": bool(row["remembered"])}) for row in rows]


async def reserve_for_reading(campus_id: int, clock: Clock) -> None:
    """
    Have senders leave one slot of that campus to readings for :data:`RESERVE_MS`.

    Not while *clock* does not know of a step of the database's.
    """
    await _RESERVE.rows(id=campus_id, until=clock.now() + RESERVE_MS, steps=clock.steps)


async def sent_beside(assignment_id: int) -> list[str]:
    """
    The scores (wire text) on record of the learner's other assignments of the same block at the same campus.

    They may be in the same cell there, as those of a link over LTI 1.1 and over LTI 1.3 that no launch said to be one.
    """
    return [row["score"] for row in await _SENT_BESIDE.rows(id=assignment_id) if row["score"]]


async def once_sent(assignment_id: int) -> list[str]:
    """The scores (wire text) of every attempt on record; none of those that took a score back."""
    records = Delivery.filter(assignment_id=assignment_id, score__isnull=False)
    return [score for (score,) in await records.distinct().values_list("score") if score]


async def is_unchanged(read: Acknowledged) -> bool:
    """Whether nothing has changed since it was read."""
    return bool(await _UNCHANGED.rows(id=read.id, version=read.version))


async def force_if_unchanged(read: Acknowledged, shown: str, clock: Clock) -> bool:
    """
    Have its newest score sent again, even if equal, and remember that the campus showed *shown*.

    Not if it has changed since it was read: then it goes anyway. Nor while *clock* does not know of a step of the
    database's: then the time would be none.
    """
    async with in_transaction():
        forced = await _FORCE.rows(id=read.id, version=read.version, now=clock.now(), steps=clock.steps)
        if forced:
            await remember(read.id, read.version, shown)
    return bool(forced)
