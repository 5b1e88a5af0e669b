"""How each campus that is in use fares, and why. Reads only. Times are milliseconds since 1970."""

from dataclasses import dataclass

from models.assignment import SENDABLE
from models.consumer import PROTOCOL, ProtocolName
from models.db.sql import Statement
from models.states import CAMPUS_STATE, READY_AT, CampusState


@dataclass(frozen=True, slots=True)
class CampusHealth:
    """
    A consumer at one origin. *failing*: whether its last request failed, so that none has succeeded since.

    *dirty*: grades to be sent, parked ones left out. *due_since*: since when the longest due of them could have gone
    out; None if none is due. *last_success*: when it last accepted a grade. *parked*: grades that are parked for the
    campus's sake, since *parked_since*, for *reasons* different reasons, of which *reason* is one.
    """

    consumer: str
    consumer_key: str
    protocol: ProtocolName
    origin: str
    state: CampusState
    failing: bool
    paused_at: int | None
    tripped_at: int | None
    last_error: str | None
    last_error_at: int | None
    dirty: int
    due_since: int | None
    last_success: int | None
    parked: int
    parked_since: int | None
    reasons: int
    reason: str | None


_PARKED = "parked_at IS NOT NULL AND parked_scope = 'campus'"

_READ = Statement(f"""
    SELECT consumer_name AS consumer, consumer_key, {PROTOCOL} AS protocol, origin, {CAMPUS_STATE} AS state,
        CASE WHEN last_failed_assignment IS NULL THEN 0 ELSE 1 END AS failing, paused_at, tripped_at, last_error,
        last_error_at, dirty, due_since, last_success, parked, parked_since, reasons, reason
    FROM (
        SELECT campus_id,
            SUM(CASE WHEN version_number > sent_version AND parked_at IS NULL THEN 1 ELSE 0 END) AS dirty,
            MIN(CASE WHEN {SENDABLE} AND {READY_AT} <= :now THEN {READY_AT} END) AS due_since,
            MAX(sent_at) AS last_success, SUM(CASE WHEN {_PARKED} THEN 1 ELSE 0 END) AS parked,
            MIN(CASE WHEN {_PARKED} THEN parked_at END) AS parked_since,
            COUNT(DISTINCT CASE WHEN {_PARKED} THEN parked_reason END) AS reasons,
            MIN(CASE WHEN {_PARKED} THEN parked_reason END) AS reason
        FROM graded_assignment WHERE disabled_at IS NULL GROUP BY 1
    ) AS grades
    JOIN campus ON campus.id = grades.campus_id
    JOIN lti_consumer ON lti_consumer.id = campus.lti_consumer_id ORDER BY 1, 3""")


async def read_campus_health(*, now: int) -> list[CampusHealth]:
    """Of each campus that has an assignment that is not disabled, by name and origin. *now*: the database's clock."""
    found = []
    for row in await _READ.rows(now=now):
        row["failing"] = bool(row["failing"])
        row.update({name: int(row[name]) for name in ("dirty", "parked", "reasons")})
        found.append(CampusHealth(**row))
    return found
