"""What ``status``, ``/statusz`` and the gauges show. Reads only. Times are milliseconds since 1970."""

from dataclasses import dataclass, field
from typing import NamedTuple

from models.db.sql import Statement
from models.states import CAMPUS_STATE, STATE, STATES, CampusState

#: Milliseconds of delivery records that the rates of a campus are computed from.
MINUTE_MS, RATE_MS = 60_000, 600_000
#: Delivery records that are read for it, at most: of more, the newest give the rate of a shorter time.
RATE_LINES = 10_000

_BY_CAMPUS = Statement(f"""
    SELECT campus.id AS campus_id, lti_consumer.consumer_name AS consumer, campus.origin AS origin,
        states.state AS state, {CAMPUS_STATE} AS campus_state, last_error, last_error_at, number, oldest,
        parked_since, newest
    FROM (
        SELECT campus_id, {STATE} AS state, COUNT(*) AS number, MIN(due_at) AS oldest,
            MIN(parked_at) AS parked_since, MAX(sent_at) AS newest
        FROM graded_assignment GROUP BY 1, 2
    ) AS states
    JOIN campus ON campus.id = states.campus_id
    JOIN lti_consumer ON lti_consumer.id = campus.lti_consumer_id ORDER BY 2, 3""")

# By the index on `at`.
_RECENT = Statement("""
    SELECT consumer_name AS consumer, origin, COUNT(*) AS lines, MIN(recent.at) AS oldest,
        SUM(CASE WHEN recent.result = 'accepted' THEN 1 ELSE 0 END) AS accepted,
        SUM(CASE WHEN recent.result = 'accepted' AND recent.at > :minute THEN 1 ELSE 0 END) AS lately
    FROM (
        SELECT assignment_id, at, result FROM delivery WHERE at > :since AND at <= :now ORDER BY at DESC LIMIT :most
    ) AS recent
    JOIN graded_assignment ON graded_assignment.id = recent.assignment_id
    JOIN campus ON campus.id = graded_assignment.campus_id
    JOIN lti_consumer ON lti_consumer.id = campus.lti_consumer_id GROUP BY 1, 2""")

_CONSUMERS = Statement("""
    SELECT consumer_name AS consumer, CASE WHEN paused_at IS NULL THEN 0 ELSE 1 END AS paused
    FROM lti_consumer
    WHERE NOT EXISTS (
        SELECT 1 FROM outcome_service
        JOIN graded_assignment ON graded_assignment.outcome_service_id = outcome_service.id
        WHERE outcome_service.lti_consumer_id = lti_consumer.id)
    ORDER BY 1""")

_APPLIED = Statement("SELECT position FROM intake WHERE id = 1")

_QUARANTINED = Statement("SELECT COUNT(*) AS events FROM quarantined_event")

_KNOWN = Statement("""
    SELECT consumer_name AS name, consumer_key AS key,
        (SELECT COUNT(*) FROM campus WHERE campus.lti_consumer_id = lti_consumer.id) AS origins
    FROM lti_consumer""")

_CAMPUSES = Statement("""
    SELECT consumer_name AS consumer, origin, consumer_key FROM campus
    JOIN lti_consumer ON lti_consumer.id = campus.lti_consumer_id
    WHERE paused_at IS NULL
        AND EXISTS (SELECT 1 FROM graded_assignment WHERE campus_id = campus.id AND disabled_at IS NULL)
    ORDER BY 1, 2""")


@dataclass(slots=True)
class CampusStatus:
    """One consumer at one origin. *in_use*: any of its assignments is not disabled. *campus_id*: its row's."""

    consumer: str
    origin: str
    state: CampusState = "up"
    due: int = 0
    parked: int = 0
    oldest_due: int | None = None
    last_success: int | None = None
    last_error: str | None = None
    last_error_at: int | None = None
    oldest_parked: int | None = None
    in_use: bool = False
    numbers: dict[str, int] = field(default_factory=lambda: dict.fromkeys(STATES, 0))
    campus_id: int | None = None

    @property
    def succeeded_since(self) -> bool:
        """Whether a grade was accepted after the last error."""
        return (self.last_success or -1) >= (self.last_error_at or 0)


@dataclass(frozen=True, slots=True)
class Status:
    """*assignments*: how many are in each state. *at*: when it was read."""

    assignments: dict[str, int]
    campuses: list[CampusStatus]
    quarantined: int
    at: int = 0

    @property
    def oldest_due(self) -> int | None:
        """When the longest due grade became due."""
        return min((campus.oldest_due for campus in self.campuses if campus.oldest_due is not None), default=None)

    @property
    def oldest_parked(self) -> int | None:
        """When the longest parked grade was parked."""
        return min((campus.oldest_parked for campus in self.campuses if campus.oldest_parked is not None), default=None)


class Rate(NamedTuple):
    """Grades a minute that were accepted, in the last minute and over the last ten."""

    last_minute: float = 0.0
    ten_minutes: float = 0.0


class IdleConsumer(NamedTuple):
    """A consumer that has no assignment."""

    name: str
    paused: bool

    @property
    def state(self) -> CampusState:
        return "paused" if self.paused else "up"


class KnownConsumer(NamedTuple):
    """A consumer, and from how many origins it was launched."""

    name: str
    key: str
    origins: int


class KnownCampus(NamedTuple):
    """A consumer at one origin."""

    consumer: str
    origin: str
    consumer_key: str


async def read_status(*, now: int) -> Status:
    """The state of all assignments. *now*: by the database's clock."""
    (counted,) = await _QUARANTINED.rows()
    assignments: dict[str, int] = dict.fromkeys(STATES, 0)
    campuses: dict[tuple[str, str], CampusStatus] = {}
    for row in await _BY_CAMPUS.rows(now=now):
        key = (row["consumer"], row["origin"])
        campus = campuses.setdefault(key, CampusStatus(*key, row["campus_state"], campus_id=row["campus_id"]))
        campus.last_error, campus.last_error_at = row["last_error"], row["last_error_at"]
        number = int(row["number"])
        assignments[row["state"]] += number
        campus.numbers[row["state"]] = number
        campus.in_use |= row["state"] != "disabled"
        if row["state"] == "due":
            campus.due, campus.oldest_due = number, row["oldest"]
        elif row["state"] == "parked":
            campus.parked, campus.oldest_parked = number, row["parked_since"]
        if row["newest"] is not None:
            campus.last_success = max(campus.last_success or 0, row["newest"])
    return Status(assignments, list(campuses.values()), int(counted["events"]), now)


async def read_rates(*, now: int) -> dict[tuple[str, str], Rate]:
    """
    What each campus has accepted lately, by consumer and origin; without campuses that got nothing.

    Args:
        now: By the database's clock.
    """
    rows = await _RECENT.rows(now=now, since=now - RATE_MS, minute=now - MINUTE_MS, most=RATE_LINES)
    whole = sum(int(row["lines"]) for row in rows) < RATE_LINES
    span = RATE_MS if whole else max(1, now - min(row["oldest"] for row in rows))
    return {
        (row["consumer"], row["origin"]): Rate(
            round(int(row["lately"]) * 60_000 / min(span, MINUTE_MS), 3), round(int(row["accepted"]) * 60_000 / span, 3)
        )
        for row in rows
    }


async def read_applied() -> str | None:
    """The id of the stream's last entry that was applied; None before the first daemon."""
    row = await _APPLIED.row()
    return None if row is None else str(row["position"])


async def read_idle_consumers() -> list[IdleConsumer]:
    """The consumers that have no assignment, by name; :func:`read_status` has no campus of theirs."""
    return [IdleConsumer(row["consumer"], bool(row["paused"])) for row in await _CONSUMERS.rows()]


async def read_consumers() -> list[KnownConsumer]:
    """Every consumer."""
    return [KnownConsumer(**row) for row in await _KNOWN.rows()]


async def read_campuses() -> list[KnownCampus]:
    """The campuses that are not paused and have an assignment that is not disabled, by name and origin."""
    return [KnownCampus(**row) for row in await _CAMPUSES.rows()]
