"""
The claim: the right to send one assignment's grade until a lease ends, and the record of a request under way.

A campus gets at most as many claims as its limit less those that exist (:mod:`models.campus`). The campus rows are
locked first, so that two daemons never count at the same time; a claim skips a campus that another daemon has locked,
and the next dispatch tries it again. Times are milliseconds since 1970 by :mod:`models.db.clock`.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from tortoise.transactions import in_transaction

from models.assignment import DUE_BY_ID, Kind, row_kind
from models.campus import IN_FLIGHT, LIMIT, READING_LIMIT
from models.claimed_address import Address, ClaimedCampus, read_claimed_campuses
from models.clock_watch import CURRENT, hold_still
from models.db.sql import Statement
from models.due import PICKED, PICKED_SQLITE, SHARES, Share, as_given, look_at
from models.states import READY_AT
from models.value_class import value_class


@value_class()
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
    #: When the newest change was scored, milliseconds since 1970.
    changed_at: int | None = None
    #: The version's timestamp, by the campus's clock, seconds since 1970 (rule 10), and how often one was refused.
    stamp: int = 0
    overtaken: int = 0
    ordered_version: int = 0
    #: When the campus last accepted a score.
    sent_at: int | None = None
    #: What the LMS did not take of the request, separated by blanks.
    omitted: str = ""

    @property
    def ids(self) -> tuple[str, ...]:
        """What identifies the learner, and is redacted from the LMS's messages."""
        return tuple(filter(None, (self.lis_result_sourcedid, self.lti_user_id, self.user_id)))

    @property
    def must_go_out(self) -> bool:
        """Rule 5: an equal score is skipped only while nothing forces it."""
        return self.forced_version > self.sent_version

    @property
    def is_ordered(self) -> bool:
        """Rule 5: it replaces whatever the campus holds, and not only what is in doubt."""
        return self.ordered_version > self.sent_version


@dataclass(frozen=True, slots=True)
class Lease:
    """
    How a claim is made: rule 3 of the design.

    *now*: milliseconds since 1970. *began*: seconds by the claimer's monotonic clock. *ms*: milliseconds until all that
    a lost holder sent has landed. *second_ms*: how much longer where a second request may follow: with another secret,
    or to read the score. *steps*: those of the database's clock that the claimer knows; it claims nothing if there was
    another since.
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
    SELECT graded_assignment.id AS id, campus.id AS campus_id, campus.lti_consumer_id AS consumer_id, issuer
    FROM {given}
    JOIN graded_assignment ON graded_assignment.id = given.assignment_id
    JOIN campus ON campus.id = graded_assignment.campus_id
    JOIN lti_consumer ON lti_consumer.id = campus.lti_consumer_id
    ORDER BY campus.id {lock_free:campus}""",
    given="assignment_id BIGINT",
)


# Rule 10: made with the first claim of a version, and kept by the others.
_STAMPED_FROM = "COALESCE(changed_at, CAST(:now AS BIGINT)) / 1000 + chosen.clock_offset"
_STAMPS = f""", stamped_version = version_number, stamp = CASE WHEN stamped_version = version_number THEN stamp
                WHEN stamp >= {_STAMPED_FROM} THEN stamp + 1 ELSE {_STAMPED_FROM} END"""


def _claimed(wanted: str, due: str, limit: str, *, stamps: str = _STAMPS) -> str:
    """
    SQL that claims rows within the limit of each campus; a row that went to another campus since is left alone.

    Args:
        wanted: A query for ``id``, ``campus_id`` and ``place``, which counts the rows of a campus in their order.
        due: What must still hold once a row is locked.
        limit: How many claims the campus may have.
        stamps: SETs the timestamp of the version.
    """
    return f"""
        WITH given AS (SELECT * FROM {{given}}), wanted AS ({wanted}), here AS MATERIALIZED (
            SELECT campus.id AS id, {limit} - {IN_FLIGHT} AS free,
                CASE WHEN pending_secret IS NULL AND issuer IS NULL THEN 0 ELSE 1 END AS second_ones, clock_offset
            FROM campus JOIN lti_consumer ON lti_consumer.id = campus.lti_consumer_id
            WHERE campus.id IN (SELECT campus_id FROM wanted)
        ), chosen AS MATERIALIZED (
            SELECT wanted.id AS id, here.id AS here_id, second_ones, clock_offset, {{random}} AS token
            FROM wanted JOIN here ON here.id = wanted.campus_id
            WHERE wanted.place <= here.free AND {CURRENT} ORDER BY wanted.place LIMIT :most
        ), unlocked AS MATERIALIZED (
            SELECT graded_assignment.id AS id FROM chosen CROSS JOIN graded_assignment
            WHERE graded_assignment.id = chosen.id AND graded_assignment.campus_id = chosen.here_id
                AND {due} {{lock_free:graded_assignment}})
        UPDATE graded_assignment SET claim_token = chosen.token, claimed_at = :now,
            claimed_until = :until + chosen.second_ones * CAST(:second AS BIGINT), claimed_version = version_number,
            attempts = attempts + 1{stamps}
        FROM chosen
        WHERE graded_assignment.id = chosen.id AND graded_assignment.id IN (SELECT id FROM unlocked)
        RETURNING graded_assignment.id AS assignment_id, claim_token AS token, version_number AS version,
            attempts AS attempt, forced_version, sent_version, sent_score, user_id, course_id, usage_id, composite,
            lis_result_sourcedid, due_at, entry_id, lti_user_id, address_refusals, changed_at, stamp, overtaken,
            ordered_version, sent_at, omitted, outcome_service_id, campus_id"""


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
_CLAIM_FOR_READING = Statement(_claimed(_by_id(_FREE), _FREE, READING_LIMIT, stamps=""), given=_ROWS)
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


async def claim(
    assignment_ids: Iterable[int], lease: Lease, *, most: int, has_token: Callable[[int], bool] = lambda _: True
) -> list[Claim]:
    """
    Claim those of the assignments that are due and whose campus has a free slot: oldest first, at most *most* in all.

    *has_token*: whether there is an access token for a platform, by its consumer's id (rule 12).

    Rule 2: read scores after this, in a later statement.
    """
    return await _within_limit(_CLAIM, assignment_ids, lease, most, has_token)


async def claim_for_reading(assignment_id: int, lease: Lease) -> Claim | None:
    """Claim an assignment, due or not, to read its score from the campus; None if there is no slot, or it is sent."""
    claims = await _within_limit(_CLAIM_FOR_READING, [assignment_id], lease, 1, lambda _: True)
    return claims[0] if claims else None


async def _within_limit(
    statement: Statement,
    assignment_ids: Iterable[int],
    lease: Lease,
    most: int,
    has_token: Callable[[int], bool],
) -> list[Claim]:
    given = [{"assignment_id": assignment_id} for assignment_id in assignment_ids]
    if not given or most <= 0:
        return []
    async with in_transaction():
        await hold_still()
        locked = [
            {"assignment_id": row["id"], "campus_id": row["campus_id"]}
            for row in await _LOCK.rows(given=given)
            if row["issuer"] is None or has_token(row["consumer_id"])
        ]
        return await _claims(statement, lease, given=locked, most=most) if locked else []


async def claim_next(shares: Sequence[Share], lease: Lease, *, partitions: int) -> list[Claim]:
    """
    Claim the oldest due rows, within a transaction that has ended as many claims of the same campuses.

    *shares*: how many rows of which campuses. *partitions*: into how many parts ids are divided by their remainder.
    """
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
    campuses = await read_claimed_campuses(rows) if rows else {}
    return [_as_claim(row, campuses[row.pop("outcome_service_id"), row.pop("campus_id")], lease) for row in rows]


def _as_claim(row: dict[str, Any], campus: ClaimedCampus, lease: Lease) -> Claim:
    """*row*: with the names of :class:`Claim`."""
    kind = row_kind(row)
    del row["composite"]
    return Claim(
        **row,
        kind=kind,
        slow=campus.slow,
        tripped_at=campus.tripped_at,
        address=campus.address,
        claimed_at=lease.now,
        began=lease.began,
    )


async def superseded(claims: Iterable[Claim], *, now: int) -> set[int]:
    """Those of the claims' assignments whose newer change waits for its own time: sending now is not worth it."""
    given = [{"assignment_id": claim.assignment_id, "version": claim.version} for claim in claims]
    return {row["id"] for row in await _SUPERSEDED.rows(given=given, now=now)} if given else set()
