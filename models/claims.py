"""
The claim: the right to send one assignment's grade until a lease ends, and the record of a request under way.

Who may claim is decided per campus: at most as many claims as its limit less those that exist
(:mod:`models.campus`). The campus rows are locked first, so that two daemons never count at the same time; a campus
that another daemon has locked is skipped, and the next dispatch comes back to it. Finishing is in
:mod:`models.finishing`. Times are milliseconds since 1970 by :mod:`models.db.clock`.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tortoise.transactions import in_transaction

from models.assignment import DUE_BY_ID, READY_AT
from models.campus import IN_FLIGHT, LIMIT, READING_LIMIT
from models.db.sql import Statement
from models.delivery import DeliveryRecord, write_deliveries

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from models.assignment import Kind


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

    @property
    def ids(self) -> tuple[str, ...]:
        """What leads to the learner, and is not to be kept in an LMS's message."""
        return tuple(filter(None, (self.lis_result_sourcedid, self.lti_user_id, self.user_id)))

    @property
    def must_go_out(self) -> bool:
        """Rule 5: an equal score is skipped only while nothing forces it."""
        return self.forced_version > self.sent_version


@dataclass(frozen=True, slots=True)
class Lease:
    """
    How a claim is made: rule 3 of the design.

    *began*: seconds by the claimer's monotonic clock. *ms*: until whatever a lost holder let go has landed.
    *second_ms*: how much longer where two secrets are tried.
    """

    now: int
    began: float
    ms: int
    second_ms: int
    max_per_campus: int


# In the order of campuses, as everybody locks them; skipped where another daemon is counting.
_LOCK = Statement(
    """
    SELECT graded_assignment.id AS id FROM {given}
    JOIN graded_assignment ON graded_assignment.id = given.assignment_id
    JOIN campus ON campus.id = graded_assignment.campus_id
    ORDER BY campus.id {lock_free:campus}""",
    given="assignment_id BIGINT",
)


def _claim(due: str, limit: str) -> Statement:
    """Claims of given rows, oldest first, within the limit of each campus and *most* in all."""
    return Statement(
        f"""
        WITH given AS (SELECT * FROM {{given}}), wanted AS (
            SELECT graded_assignment.id AS id, campus_id, given.token AS token, given.most AS most,
                ROW_NUMBER() OVER (PARTITION BY campus_id ORDER BY {READY_AT}, graded_assignment.id) AS place
            FROM given CROSS JOIN graded_assignment
            WHERE graded_assignment.id = given.assignment_id AND {due}
        ), here AS MATERIALIZED (
            SELECT campus.id AS id, {limit} - {IN_FLIGHT} AS free,
                CASE WHEN lti_consumer.pending_secret IS NULL THEN 0 ELSE 1 END AS secrets
            FROM campus JOIN lti_consumer ON lti_consumer.id = campus.lti_consumer_id
            WHERE campus.id IN (SELECT campus_id FROM wanted)
        ), chosen AS MATERIALIZED (
            SELECT wanted.id AS id, wanted.token AS token, here.secrets AS secrets
            FROM wanted JOIN here ON here.id = wanted.campus_id
            WHERE wanted.place <= here.free AND wanted.place <= wanted.most ORDER BY wanted.place LIMIT :most
        ), unlocked AS MATERIALIZED (
            SELECT graded_assignment.id AS id FROM chosen CROSS JOIN graded_assignment
            WHERE graded_assignment.id = chosen.id AND {due} {{lock_free:graded_assignment}})
        UPDATE graded_assignment SET claim_token = chosen.token, claimed_at = :now,
            claimed_until = :until + chosen.secrets * CAST(:second AS BIGINT), claimed_version = version_number,
            attempts = attempts + 1
        FROM chosen
        WHERE graded_assignment.id = chosen.id AND graded_assignment.id IN (SELECT id FROM unlocked)
        RETURNING graded_assignment.id AS id, claim_token, version_number, attempts, forced_version, sent_version,
            sent_score, user_id, course_id, usage_id, composite, lis_result_sourcedid, due_at, entry_id,
            lti_user_id""",
        given="assignment_id BIGINT, token BIGINT, most BIGINT",
    )


_CLAIM = _claim(DUE_BY_ID, LIMIT)
# Any row that nobody sends now, clean or not.
_CLAIM_FOR_READING = _claim("claimed_until IS NULL", READING_LIMIT)

_ADDRESSES = Statement(
    """
    SELECT graded_assignment.id AS id, outcome_service_id, lis_outcome_service_url, campus.id AS campus_id,
        campus.origin AS origin, consumer_name, consumer_key, consumer_secret, pending_secret, tripped_at, slow
    FROM {given} CROSS JOIN graded_assignment
    JOIN outcome_service ON outcome_service.id = graded_assignment.outcome_service_id
    JOIN campus ON campus.id = graded_assignment.campus_id
    JOIN lti_consumer ON lti_consumer.id = campus.lti_consumer_id
    WHERE graded_assignment.id = given.assignment_id""",
    given="assignment_id BIGINT",
)

_SUPERSEDED = Statement(
    """
    SELECT id FROM {given} CROSS JOIN graded_assignment
    WHERE graded_assignment.id = given.assignment_id AND version_number > given.version AND due_at > :now""",
    given="assignment_id BIGINT, version BIGINT",
)

# Rule 1. The lost holder's request may have left: its version is forced. Should the holder come back, it does not find
# its token, and so learns that it lost the claim.
_RESCUE = Statement("""
    UPDATE graded_assignment SET claimed_until = NULL, claim_token = -claim_token, forced_version = version_number
    WHERE id IN (SELECT id FROM graded_assignment
        WHERE claimed_until IS NOT NULL AND claimed_until <= :now ORDER BY id {lock_free:graded_assignment})
    RETURNING id, -claim_token AS token, claimed_at, attempts, claimed_version""")

_ORPHAN = Statement(
    """
    INSERT INTO orphaned_claim (campus_id, claimed_until)
    SELECT campus_id, claimed_until FROM {given} CROSS JOIN graded_assignment
    WHERE graded_assignment.id = given.assignment_id AND claimed_until > :now RETURNING id""",
    given="assignment_id BIGINT",
)
_PRUNE_ORPHANS = Statement("DELETE FROM orphaned_claim WHERE claimed_until <= :now RETURNING id")


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
        locked = {row["id"] for row in await _LOCK.rows(given=given)}
        wanted = [{"assignment_id": assignment_id, "most": most} for assignment_id in locked]
        return await claim_rows(wanted, lease, most=most, statement=statement)


async def claim_rows(
    wanted: Sequence[Mapping[str, int]], lease: Lease, *, most: int, statement: Statement = _CLAIM
) -> list[Claim]:
    """
    Claim rows within a transaction that either locks their campuses or has ended as many claims there.

    Args:
        wanted: ``assignment_id``, and ``most``: claims at its campus, at most.
        most: Claims in all.
    """
    if not wanted:
        return []
    given = [{**one, "token": secrets.randbits(62) + 1} for one in wanted]
    rows = await statement.rows(
        given=given,
        now=lease.now,
        until=lease.now + lease.ms,
        second=lease.second_ms,
        max_per_campus=lease.max_per_campus,
        most=most,
    )
    if not rows:
        return []
    addresses = {row["id"]: row for row in await _ADDRESSES.rows(given=[{"assignment_id": row["id"]} for row in rows])}
    return [_as_claim(row, addresses[row["id"]], lease) for row in rows]


def _as_claim(row: dict[str, Any], where: dict[str, Any], lease: Lease) -> Claim:
    return Claim(
        assignment_id=row["id"],
        token=row["claim_token"],
        version=row["version_number"],
        claimed_at=lease.now,
        began=lease.began,
        attempt=row["attempts"],
        forced_version=row["forced_version"],
        sent_version=row["sent_version"],
        sent_score=row["sent_score"],
        user_id=row["user_id"],
        course_id=row["course_id"],
        usage_id=row["usage_id"],
        kind="composite" if row["composite"] else "leaf",
        lis_result_sourcedid=row["lis_result_sourcedid"],
        due_at=row["due_at"],
        address=Address(
            outcome_service_id=where["outcome_service_id"],
            url=where["lis_outcome_service_url"],
            campus_id=where["campus_id"],
            origin=where["origin"],
            consumer_name=where["consumer_name"],
            consumer_key=where["consumer_key"],
            consumer_secret=where["consumer_secret"],
            pending_secret=where["pending_secret"],
        ),
        tripped_at=where["tripped_at"],
        slow=bool(where["slow"]),
        entry_id=row["entry_id"],
        lti_user_id=row["lti_user_id"],
    )


async def exists(assignment_id: int) -> bool:
    """Whether there is such an assignment."""
    return bool(await _ADDRESSES.rows(given=[{"assignment_id": assignment_id}]))


async def superseded(claims: Iterable[Claim], *, now: int) -> set[int]:
    """Those of the claims' assignments whose newer change waits for its own time: sending now is not worth it."""
    given = [{"assignment_id": claim.assignment_id, "version": claim.version} for claim in claims]
    return {row["id"] for row in await _SUPERSEDED.rows(given=given, now=now)} if given else set()


async def rescue(*, now: int) -> int:
    """Take back the claims whose lease has run out; each gets the delivery record ``unknown``. Returns how many."""
    async with in_transaction():
        rows = await _RESCUE.rows(now=now)
        await write_deliveries(
            DeliveryRecord(
                row["id"],
                row["token"],
                at=row["claimed_at"],
                attempt=row["attempts"],
                version=row["claimed_version"],
                result="unknown",
                description="the daemon that held this attempt did not come back",
            )
            for row in rows
        )
        return len(rows)


async def orphan_claims(assignment_ids: Iterable[int], *, now: int) -> None:
    """Keep counting the requests under way of rows that are deleted, or go to another campus, in this transaction."""
    given = [{"assignment_id": assignment_id} for assignment_id in assignment_ids]
    if given:
        await _ORPHAN.rows(given=given, now=now)


async def prune_orphans(*, now: int) -> None:
    """Forget orphaned claims whose lease has run out."""
    await _PRUNE_ORPHANS.rows(now=now)
