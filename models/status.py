"""The state of everything at a glance: what ``status``, ``/statusz`` and the gauges show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from models.gate import OF_SERVICE
from models.gate import STATE as GATE_STATE
from models.statement import Statement

if TYPE_CHECKING:
    from models.gate import State as GateState

STATES = ("clean", "due", "waiting", "claimed", "parked", "disabled")

# One state a row. `due`: dirty and sendable now. `waiting`: dirty, but later, or until a course structure comes.
STATE = """CASE
    WHEN disabled_at IS NOT NULL THEN 'disabled'
    WHEN parked_at IS NOT NULL THEN 'parked'
    WHEN version_number <= sent_version THEN 'clean'
    WHEN claimed_until > :now THEN 'claimed'
    WHEN waiting_since IS NOT NULL OR due_at > :now OR not_before > :now OR hold_until > :now THEN 'waiting'
    ELSE 'due' END"""

_BY_CAMPUS = Statement(f"""
    SELECT lti_consumer.consumer_name AS consumer, outcome_service.origin AS origin, states.state AS state,
        {GATE_STATE} AS gate, COALESCE(gate.reason, '') AS reason,
        SUM(states.number) AS number, MIN(states.oldest) AS oldest, MAX(states.newest) AS newest
    FROM (
        SELECT outcome_service_id, {STATE} AS state, COUNT(*) AS number, MIN(due_at) AS oldest, MAX(sent_at) AS newest
        FROM graded_assignment GROUP BY 1, 2
    ) AS states
    JOIN outcome_service ON outcome_service.id = states.outcome_service_id
    JOIN lti_consumer ON lti_consumer.id = outcome_service.lti_consumer_id {OF_SERVICE}
    GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2""")

_LAST_ERRORS = Statement("""
    SELECT consumer_name AS consumer, origin, last_error FROM outcome_service
    JOIN lti_consumer ON lti_consumer.id = outcome_service.lti_consumer_id
    WHERE last_error_at IS NOT NULL ORDER BY last_error_at""")

_QUARANTINED = Statement("SELECT COUNT(*) AS number FROM quarantined_event")


@dataclass(slots=True)
class CampusStatus:
    """One consumer at one origin. Times are milliseconds since 1970."""

    consumer: str
    origin: str
    gate: GateState = "open"
    #: Why the gate is not open, in the campus's words.
    gate_reason: str = ""
    due: int = 0
    parked: int = 0
    oldest_due: int | None = None
    last_success: int | None = None
    last_error: str | None = None


@dataclass(frozen=True, slots=True)
class Status:
    """*assignments*: how many are in each state. Times are milliseconds since 1970."""

    assignments: dict[str, int]
    campuses: list[CampusStatus]
    quarantined: int

    @property
    def oldest_due(self) -> int | None:
        """When the longest due grade became due."""
        return min((campus.oldest_due for campus in self.campuses if campus.oldest_due is not None), default=None)


async def read_status(*, now: int) -> Status:
    """Read the state of all assignments. *now*: milliseconds since 1970 by the database's clock."""
    assignments = dict.fromkeys(STATES, 0)
    campuses: dict[tuple[str, str], CampusStatus] = {}
    for row in await _BY_CAMPUS.rows(now=now):
        key = (row["consumer"], row["origin"])
        campus = campuses.setdefault(key, CampusStatus(*key, row["gate"], row["reason"]))
        number = int(row["number"])
        assignments[row["state"]] += number
        if row["state"] == "due":
            campus.due, campus.oldest_due = number, row["oldest"]
        elif row["state"] == "parked":
            campus.parked = number
        if row["newest"] is not None:
            campus.last_success = max(campus.last_success or 0, row["newest"])
    for row in await _LAST_ERRORS.rows():
        if (row["consumer"], row["origin"]) in campuses:
            campuses[row["consumer"], row["origin"]].last_error = row["last_error"]
    for campus in campuses.values():
        if campus.gate in ("shut", "probing"):
            # Why nothing goes there now: the last error may be of one grade only.
            campus.last_error = campus.gate_reason or campus.last_error
    quarantined = await _QUARANTINED.row()
    return Status(assignments, list(campuses.values()), quarantined["number"] if quarantined else 0)
