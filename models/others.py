"""
What becomes of a campus's other grades while one is refused without a known reason: whether it is that grade's own.

Times are milliseconds since 1970.
"""

from typing import Literal

from models.db.sql import Statement
from models.delivery import UNEXPLAINED

#: Since the first of these refusals. ``taken``: the campus has taken others, and at this address too, or none of there
#: is refused likewise. ``here``: it has taken others, none of them at this address, where others are refused likewise.
#: ``all``: it has taken none, and refuses others likewise. ``untried``: it has taken none, nor refused one likewise.
Others = Literal["taken", "here", "all", "untried"]

_TAKEN = Statement(f"""
    SELECT refused.campus_id AS campus_id, outcome_service_id AS service_id, since,
        here.accepted_at > since AS taken_here,
        (SELECT MAX(accepted_at) FROM outcome_service WHERE outcome_service.campus_id = refused.campus_id) > since
            AS taken
    FROM (
        SELECT campus_id, outcome_service_id, (
            SELECT MIN(at) FROM delivery WHERE delivery.assignment_id = graded_assignment.id AND {UNEXPLAINED}
                AND at > COALESCE(sent_at, 0)) AS since
        FROM graded_assignment WHERE id = :id) AS refused
    JOIN outcome_service AS here ON here.id = refused.outcome_service_id""")

# Until such a grade is parked it waits for its next try.
_LIKEWISE = Statement(f"""
    SELECT 1 AS found FROM outcome_service CROSS JOIN graded_assignment
    WHERE outcome_service.campus_id = :campus_id
        AND (CAST(:service_id AS BIGINT) IS NULL OR outcome_service.id = :service_id)
        AND graded_assignment.outcome_service_id = outcome_service.id
        AND graded_assignment.id <> :id AND version_number > sent_version AND EXISTS (
            SELECT 1 FROM delivery
            WHERE delivery.assignment_id = graded_assignment.id AND {UNEXPLAINED} AND at >= :since)
    LIMIT 1""")


async def what_of_others(assignment_id: int) -> Others:
    """What became of the campus's other grades since it first refused this one so."""
    row = await _TAKEN.row(id=assignment_id)
    if row is None or row["since"] is None or row["taken_here"]:
        return "taken"
    service_id = row["service_id"] if row["taken"] else None
    where = {"id": assignment_id, "campus_id": row["campus_id"], "service_id": service_id, "since": row["since"]}
    likewise = await _LIKEWISE.row(**where) is not None
    if row["taken"]:
        return "here" if likewise else "taken"
    return "all" if likewise else "untried"
