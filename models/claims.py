"""
The claim: the right to send one assignment's grade until a lease ends, and the record of a request under way.

A campus gets at most as many claims as its limit less those that exist (:mod:`models.campus`). The campus rows are
locked first, so that two daemons never count at the same time; a claim skips a campus that another daemon has locked,
and the next dispatch tries it again. Times are milliseconds since 1970 by :mod:`models.db.clock`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tortoise.transactions import in_transaction

from models.assignment import DUE_BY_ID, Kind, row_kind
from models.campus import IN_FLIGHT, LIMIT, READING_LIMIT
from models.clock_watch import CURRENT, hold_still
from models.db.sql import Statement
from models.due import PICKED, PICKED_SQLITE, SHARES, Share, as_given, look_at
from models.states import READY_AT


@dataclass(frozen=True, slots=True)
class Address:
    """Where an assignment's grade goes, and with which credentials."""

    outcome_service_id: int
    url: str
    campus_id: int
    #: Scheme, host and port.
    origin: str
    consumer_name: str
    consumer_key: str
    #: As :mod:`models.encryption` stores it.
    consumer_secret: str = field(repr=False)
    #: What the secret will be once the campus has changed its own, stored likewise; None if none is announced.
    pending_secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to send one assignment's grade until the lease ends."""

    assignment_id: int
    token: int
    version: int
    claimed_at: int
    #: Seconds by the claimer's monotonic clock, before the claim was issued.
    began: float
    #: Counts from 1 since the last acceptance.
    attempt: int
    forced_version: int
    sent_version: int
    sent_score: str | None
    user_id: str
    course_id: str
    usage_id: str
    kind: Kind
    lis_result_sourcedid: str
    #: What the delivery's lag counts from.
    due_at: int
    address: Address
    #: When the campus's breaker tripped, so that this is its probe; None while it is closed.
    tripped_at: int | None = None
    slow: bool = False
    #: The stream entry of the newest change; None before any.
    entry_id: str | None = None
    #: What the campus calls the learner, if its launch said.
    lti_user_id: str | None = None
    #: How often the row came back from parking since its last acceptance (:mod:`models.address`).
    address_refusals: int = 0

    @property
    def ids(self) -> tuple[str, ...]:
        """What identifies the learner, and is redacted from the LMS's messages."""
        return tuple(filter(None, (self.lis_result_sourcedid, self.lti_user_id, self.user_id)))

    @property
    def must_go_out(self) -> bool:
        """Rule 5: an equal score is skipped only while nothing forces it."""
        return self.forced_version > self.sent_version


@dataclass(frozen=True, slots=True)
class Lease:
    """
    How a claim is made: rule 3 of the design.

    *began*: seconds by the claimer's monotonic clock. *ms*: until all that a lost holder sent has landed.
    *second_ms*: how much longer where two secrets are tried. *steps*: those of the database's clock that the claimer
    knows; it claims nothing if there was another since.
    """

    now: int
    began: float
    ms: int
    second_ms: int
    max_per_campus: int
    steps: int = 0


# In the order of campuses, as all transactions lock them; skipped where another daemon is counting.
_LOCK = Statement(
    """
    SELECT graded_assignment.id AS id, campus.id AS campus_id FROM {given}
    JOIN graded_assignment ON graded_assignment.id = given.assignment_id
    JOIN campus ON campus.id = graded_assignment.campus_id
    ORDER BY campus.id {lock_free:campus}""",
    given="assignment_id BIGINT",
)


def _claimed(wanted: str, due: str, limit: str) -> str:
    """
    SQL that claims rows within the limit of each campus; a row that went to another campus since is left alone.

    Args:
        wanted: A query for ``id``, ``campus_id`` and ``place``, which counts the rows of a campus in their order.
        due: What must still hold once a row is locked.
    """
    return f"""
        WITH given AS (SELECT * FROM {{given}}), wanted AS ({wanted}), here AS MATERIALIZED (
            SELECT campus.id AS id, {limit} - {IN_FLIGHT} AS free,
                CASE WHEN lti_consumer.pending_secret IS NULL THEN 0 ELSE 1 END AS secrets
            FROM campus JOIN lti_consumer ON lti_consumer.id = campus.lti_consumer_id
            WHERE campus.id IN (SELECT campus_id FROM wanted)
        ), chosen AS MATERIALIZED (
            SELECT wanted.id AS id, here.id AS here_id, here.secrets AS secrets, {{random}} AS token
            FROM wanted JOIN here ON here.id = wanted.campus_id
            WHERE wanted.place <= here.free AND {CURRENT} ORDER BY wanted.place LIMIT :most
        ), unlocked AS MATERIALIZED (
            SELECT graded_assignment.id AS id FROM chosen CROSS JOIN graded_assignment
            WHERE graded_assignment.id = chosen.id AND graded_assignment.campus_id = chosen.here_id
                AND {due} {{lock_free:graded_assignment}})
        UPDATE graded_assignment SET claim_token = chosen.token, claimed_at = :now,
            claimed_until = :until + chosen.secrets * CAST(:second AS BIGINT), claimed_version = version_number,
            attempts = attempts + 1
        FROM chosen
        WHERE graded_assignment.id = chosen.id AND graded_assignment.id IN (SELECT id FROM unlocked)
        RETURNING graded_assignment.id AS assignment_id, claim_token AS token, version_number AS version,
            attempts AS attempt, forced_version, sent_version, sent_score, user_id, course_id, usage_id, composite,
            lis_result_sourcedid, due_at, entry_id, lti_user_id, address_refusals, outcome_service_id, campus_id,
            {_ADDRESS}"""


def _of_campus(column: str, tables: str = "campus") -> str:
    return f"(SELECT {column} FROM {tables} WHERE campus.id = graded_assignment.campus_id) AS {column}"


def _of_consumer(column: str) -> str:
    return _of_campus(column, "campus JOIN lti_consumer ON lti_consumer.id = campus.lti_consumer_id")


_ADDRESS = f"""(SELECT lis_outcome_service_url FROM outcome_service
                WHERE outcome_service.id = graded_assignment.outcome_service_id) AS url,
            {_of_campus("origin")}, {_of_campus("tripped_at")}, {_of_campus("slow")},
            {_of_consumer("consumer_name")}, {_of_consumer("consumer_key")}, {_of_consumer("consumer_secret")},
            {_of_consumer("pending_secret")}"""


def _by_id(due: str) -> str:
    return f"""SELECT graded_assignment.id AS id, given.campus_id AS campus_id,
                ROW_NUMBER() OVER (PARTITION BY given.campus_id ORDER BY {READY_AT}, graded_assignment.id) AS place
            FROM given CROSS JOIN graded_assignment
            WHERE graded_assignment.id = given.assignment_id AND graded_assignment.campus_id = given.campus_id
                AND {due}"""


def _next(picked: str) -> str:
    return f"""SELECT id, campus_id, ROW_NUMBER() OVER (PARTITION BY campus_id ORDER BY place) AS place
            FROM ({picked}) AS picked"""


_ROWS = "assignment_id BIGINT, campus_id BIGINT"
_CLAIM = Statement(_claimed(_by_id(DUE_BY_ID), DUE_BY_ID, LIMIT), given=_ROWS)
# Any row that is not claimed now, clean or not.
_FREE = "claimed_until IS NULL"
_CLAIM_FOR_READING = Statement(_claimed(_by_id(_FREE), _FREE, READING_LIMIT), given=_ROWS)
_CLAIM_NEXT = Statement(
    _claimed(_next(PICKED), DUE_BY_ID, LIMIT),
    sqlite=_claimed(_next(PICKED_SQLITE), DUE_BY_ID, LIMIT),
    given=SHARES,
)

_SUPERSEDED = Statement(
    """
    SELECT id FROM {given} CROSS JOIN graded_assignment
    WHERE graded_assignment.id = given.assignment_id AND version_number > given.version AND due_at > :now""",
    given="assignment_id BIGINT, version BIGINT",
)


async def claim(assignment_ids: Iterable[int], lease: Lease, *, most: int) -> list[Claim]:
    """
    Claim those of the assignments that are due and whose campus has a free slot: oldest first, *most* in all.

    Rule 2: read scores after this, in a later statement.
    """
    return await _within_limit(_CLAIM, assignment_ids, lease, most)


async def claim_for_reading(assignment_id: int, lease: Lease) -> Claim | None:
    """Claim an assignment, due or not, to read its score from the campus; None if there is no slot, or it is sent."""
    claims = await _within_limit(_CLAIM_FOR_READING, [assignment_id], lease, 1)
    return claims[0] if claims else None


async def _within_limit(statement: Statement, assignment_ids: Iterable[int], lease: Lease, most: int) -> list[Claim]:
    given = [{"assignment_id": assignment_id} for assignment_id in assignment_ids]
    if not given or most <= 0:
        return []
    async with in_transaction():
        await hold_still()
        locked = [{"assignment_id": row["id"], "campus_id": row["campus_id"]} for row in await _LOCK.rows(given=given)]
        return await _claims(statement, lease, given=locked, most=most) if locked else []


async def claim_next(shares: Sequence[Share], lease: Lease, *, partitions: int) -> list[Claim]:
    """Claim the oldest due rows, within a transaction that has ended as many claims of the same campuses."""
    most = sum(share.number for share in shares)
    look = look_at(shares, partitions)
    return await _claims(_CLAIM_NEXT, lease, given=as_given(shares), most=most, look=look, partitions=partitions)


async def _claims(statement: Statement, lease: Lease, **parameters: Any) -> list[Claim]:
    rows = await statement.rows(
        now=lease.now,
        until=lease.now + lease.ms,
        second=lease.second_ms,
        max_per_campus=lease.max_per_campus,
        steps=lease.steps,
        **parameters,
    )
    return [_as_claim(row, lease) for row in rows]


def _as_claim(row: dict[str, Any], lease: Lease) -> Claim:
    """Of a row with the names of :class:`Claim` and :class:`Address`."""
    address = Address(**{name: row.pop(name) for name in Address.__slots__})
    kind, slow = row_kind(row), bool(row.pop("slow"))
    del row["composite"]
    return Claim(**row, kind=kind, slow=slow, address=address, claimed_at=lease.now, began=lease.began)


async def superseded(claims: Iterable[Claim], *, now: int) -> set[int]:
    """Those of the claims' assignments whose newer change waits for its own time: sending now is not worth it."""
    given = [{"assignment_id": claim.assignment_id, "version": claim.version} for claim in claims]
    return {row["id"] for row in await _SUPERSEDED.rows(given=given, now=now)} if given else set()
