"""
Grades that count as delivered although passbackd did not send them: another system did, before it.

Such a row has a ``sent_score``, what the campus is taken to hold, and no ``sent_at``, since it acknowledged nothing to
us. Its record in the ledger has the result ``baseline``. Times are milliseconds since 1970.
"""

from collections.abc import Sequence
from typing import NamedTuple

import asyncpg
from tortoise.transactions import in_transaction

from models.changes import UNPARKED
from models.db.sql import CHUNK, Statement
from models.delivery import DeliveryRecord, write_deliveries
from models.queries.filter import AssignmentFilter

#: The ``claim_token`` of a record that no claim made; those of claims are at least 1.
_NO_CLAIM = 0
#: How often a transaction that a deadlock ended is tried again; intake locks rows in another order.
_MAX_RETRIES = 9

# A request for it may be on record, under way, or lost: then the campus may hold something else. A forced version says
# nothing of one: all that a daemon applies after a restart, while it catches up, is forced.
_TRIED = """(sent_score IS NOT NULL OR sent_at IS NOT NULL OR parked_at IS NOT NULL OR claimed_until IS NOT NULL
    OR hold_until > 0 OR EXISTS (SELECT 1 FROM delivery WHERE delivery.assignment_id = graded_assignment.id))"""

# The other system has sent again since passbackd did: of newer versions than passbackd sent before, none was tried.
_TRIED_SINCE = """(parked_at IS NOT NULL OR claimed_until IS NOT NULL OR hold_until > 0
    OR ordered_version > sent_version OR EXISTS (
        SELECT 1 FROM delivery WHERE delivery.assignment_id = graded_assignment.id
            AND delivery.version > sent_version))"""

_LOCK = Statement(
    """
    SELECT id FROM graded_assignment WHERE id IN (SELECT assignment_id FROM {given}) ORDER BY id {for_update}""",
    given="assignment_id BIGINT",
)

# The timestamp is lifted as by an acceptance (rule 11): what the other system sent before now has an earlier one.
_LIFTED = "CAST(:now AS BIGINT) / 1000 + campus.clock_offset"


def _taking_over(tried: str) -> Statement:
    return Statement(
        f"""
    UPDATE graded_assignment SET sent_version = version_number, sent_score = given.score, sent_at = NULL,
        pending_since = NULL,
        stamp = CASE WHEN stamp < {_LIFTED} THEN {_LIFTED} ELSE stamp END, attempts = 0, not_before = 0, {UNPARKED}
    FROM {{given}} CROSS JOIN campus CROSS JOIN lti_consumer
    WHERE graded_assignment.id = given.assignment_id AND version_number = given.version
        AND version_number > sent_version AND disabled_at IS NULL AND NOT {tried}
        AND campus.id = graded_assignment.campus_id AND lti_consumer.id = campus.lti_consumer_id
        AND paused_at IS NOT NULL
    RETURNING graded_assignment.id AS id, entry_id""",
        given="assignment_id BIGINT, version BIGINT, score VARCHAR",
    )


_TAKE_OVER = {False: _taking_over(_TRIED), True: _taking_over(_TRIED_SINCE)}


class Unsent(NamedTuple):
    """
    An assignment that may be taken over.

    *left*: why it is not: ``disabled``, ``settled`` (nothing is to be sent) or ``tried`` (an attempt is on record or
    under way, or in doubt); empty where only its scores decide.
    """

    id: int
    version: int
    user_id: str
    course_id: str
    usage_id: str
    left: str


class Running(NamedTuple):
    """A consumer that is not paused. *is_platform*: over LTI 1.3."""

    name: str
    key: str
    is_platform: bool


class TakenOver(NamedTuple):
    """What counts as delivered of an assignment's version. *score*: wire text."""

    assignment_id: int
    version: int
    score: str
    clamped: bool


async def not_paused(wanted: AssignmentFilter) -> list[Running]:
    """The consumers of wanted assignments that are not paused, by name; also without any, if they are asked for."""
    statement = Statement(f"""
        SELECT consumer_name AS name, consumer_key AS key, CASE WHEN issuer IS NULL THEN 0 ELSE 1 END AS is_platform
        FROM lti_consumer WHERE paused_at IS NULL AND (lti_consumer.id = CAST(:consumer_id AS BIGINT)
            OR lti_consumer.id IN (
                SELECT lti_consumer_id FROM campus WHERE campus.id IN (
                    SELECT campus_id FROM graded_assignment WHERE {wanted.condition})))
        ORDER BY 1""")
    return [
        Running(row["name"], row["key"], bool(row["is_platform"])) for row in await statement.rows(**wanted.parameters)
    ]


async def next_unsent(wanted: AssignmentFilter, *, after: int, again: bool = False, most: int = CHUNK) -> list[Unsent]:
    """
    The next wanted assignments above *after*, in the order of their ids; empty at the end.

    *again*: the other system has sent since passbackd did; what passbackd sent before is no attempt then.
    """
    statement = Statement(f"""
        SELECT id, version_number AS version, user_id, course_id, usage_id, CASE
            WHEN disabled_at IS NOT NULL THEN 'disabled' WHEN version_number <= sent_version THEN 'settled'
            WHEN {_TRIED_SINCE if again else _TRIED} THEN 'tried' ELSE '' END AS left_out
        FROM graded_assignment WHERE id > :after AND {wanted.condition} ORDER BY id LIMIT :most""")
    return [Unsent(*row.values()) for row in await statement.rows(**wanted.parameters, after=after, most=most)]


async def count(wanted: AssignmentFilter) -> int:
    """How many assignments are wanted."""
    statement = Statement(f"SELECT COUNT(*) AS number FROM graded_assignment WHERE {wanted.condition}")
    row = await statement.row(**wanted.parameters)
    return int(row["number"]) if row else 0


async def take_over(given: Sequence[TakenOver], *, now: int, again: bool = False) -> int:
    """
    Count versions as delivered, with their records, in one transaction. *again*: as in :func:`next_unsent`.

    Left alone is what changed since it was read: a newer version, an attempt, or a consumer that was resumed.

    Returns:
        How many were taken over.
    """
    for _ in range(_MAX_RETRIES):
        try:
            return await _take_over(given, now, again=again)
        except (asyncpg.DeadlockDetectedError, asyncpg.LockNotAvailableError):
            continue
    return await _take_over(given, now, again=again)


async def _take_over(given: Sequence[TakenOver], now: int, *, again: bool) -> int:
    by_id = {one.assignment_id: one for one in given}
    async with in_transaction():
        # Before the statement that looks for records of attempts: it is to see what the last holder of each row wrote.
        await _LOCK.rows(given=[{"assignment_id": id_} for id_ in by_id])
        rows = await _TAKE_OVER[again].rows(
            given=[{"assignment_id": one.assignment_id, "version": one.version, "score": one.score} for one in given],
            now=now,
        )
        await write_deliveries(_record(by_id[row["id"]], row["entry_id"], now) for row in rows)
    return len(rows)


def _record(one: TakenOver, entry_id: str | None, now: int) -> DeliveryRecord:
    return DeliveryRecord(
        one.assignment_id,
        _NO_CLAIM,
        at=now,
        attempt=0,
        version=one.version,
        result="baseline",
        entry_id=entry_id,
        score=one.score,
        clamped=one.clamped,
        description="taken over from before passbackd; not sent by it",
    )
