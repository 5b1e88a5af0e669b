"""
The life of a graded assignment: its row, what makes it dirty, and who is woken for it.

What a sender does with it (the claim and its ends) is in :mod:`models.attempt`.

A row is *dirty* while ``version_number > sent_version``: the campus does not hold its newest score yet. Times are
milliseconds since 1970 by the database's clock (:mod:`models.db.clock`); the caller hands them in.

The promise rests on these statements alone. Wake-ups, queues and daemons may be lost, repeated or late.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from tortoise import fields
from tortoise.models import Model

from models.db.sql import Statement
from models.gate import OF_SERVICE, PASSABLE
from models.stream_position import MOST_ENTRY_ID

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from models.consumer import OutcomeService
    from models.gate import WaitingLine

Kind = Literal["leaf", "composite"]

#: How long a wake-up is taken to be under way before the sweep sends another one, in milliseconds.
WAKE_MS = 10_000

#: How many are woken at once for a campus whose gate is shut. One of them probes it; those before it may find that they
#: have nothing to send.
ROOM_WHEN_SHUT = 16


class GradedAssignment(Model):
    """One learner's grade for one block at one campus: what is to be sent, and what the campus acknowledged."""

    id = fields.BigIntField(primary_key=True)
    user_id = fields.CharField(max_length=255)
    course_key = fields.CharField(max_length=255)
    usage_key = fields.CharField(max_length=255)
    outcome_service: fields.ForeignKeyRelation[OutcomeService] = fields.ForeignKeyField(
        "models.OutcomeService", related_name="assignments", on_delete=fields.CASCADE
    )
    lis_result_sourcedid = fields.TextField()
    sourcedid_digest = fields.CharField(max_length=64)
    resource_link_id = fields.TextField(null=True)
    lti_user_id = fields.TextField(null=True)
    context_title = fields.TextField(null=True)
    resource_link_title = fields.TextField(null=True)
    # Microseconds since 1970: the newest launch or disabling that was applied.
    registered_us = fields.BigIntField()
    # The stream entry of the newest change, which leads from the tool's event to the ledger; null before any.
    entry_id = fields.CharField(max_length=MOST_ENTRY_ID, null=True)
    # What became of rows that this one replaced, for people.
    note = fields.TextField(default="")
    # Whether scores below the block make its grade (debounced), or the block's own score alone (at once).
    composite = fields.BooleanField()

    # What should be sent; grows by one with every change that touches the grade.
    version_number = fields.BigIntField(default=1)
    # What the campus acknowledged, or what was found to need no sending.
    sent_version = fields.BigIntField(default=0)
    # Wire text that the campus acknowledged last; null when it is not known to hold a grade of ours.
    sent_score = fields.CharField(max_length=32, null=True)
    sent_at = fields.BigIntField(null=True)
    # A version that must go out even if its score equals ``sent_score``.
    forced_version = fields.BigIntField(default=0)

    due_at = fields.BigIntField()
    # The first change that is not sent yet: where the debounce's ceiling counts from.
    pending_since = fields.BigIntField(null=True)
    # Backoff.
    not_before = fields.BigIntField(default=0)
    # No attempt before this: a request whose end nobody knows may still land. Only ever raised.
    hold_until = fields.BigIntField(default=0)

    claim_token = fields.BigIntField(null=True)
    claimed_at = fields.BigIntField(null=True)
    claimed_until = fields.BigIntField(null=True)
    claimed_version = fields.BigIntField(null=True)
    attempts = fields.IntField(default=0)

    parked_at = fields.BigIntField(null=True)
    parked_reason = fields.TextField(null=True)
    parked_scope = fields.CharField(max_length=16, null=True)
    disabled_at = fields.BigIntField(null=True)
    # Since when the grade waits for a course structure that holds its block.
    waiting_since = fields.BigIntField(null=True)

    # A wake-up is under way until then, or lost.
    wake_until = fields.BigIntField(null=True)

    outcome_service_id: int

    class Meta:
        table = "graded_assignment"
        table_description = "Graded assignments"
        unique_together = (("outcome_service", "sourcedid_digest"),)
        indexes = (("user_id", "course_key"), ("course_key", "usage_key"), ("sourcedid_digest",))


@dataclass(frozen=True, slots=True)
class Wake:
    """Somebody should look at this assignment at *due_at* (milliseconds since 1970). Names a version, never a score."""

    assignment_id: int
    version: int
    kind: Kind
    due_at: int


# What makes a row worth a sender's look; the partial index of the migrations has the same words.
RACING = """version_number > sent_version AND parked_at IS NULL AND disabled_at IS NULL AND waiting_since IS NULL"""

# The same of rows that are found by their ids: in words in which PostgreSQL does not see that index, which leads to all
# the rows that wait.
RACING_BY_ID = RACING.replace("sent_version", "sent_version + 0")

# Rule 1.
CLAIMABLE = f"""{RACING} AND due_at <= :now AND not_before <= :now AND hold_until <= :now
    AND (claimed_until IS NULL OR claimed_until <= :now)"""

CLAIMABLE_BY_ID = CLAIMABLE.replace(RACING, RACING_BY_ID)

_AS_WAKE = "id, version_number, composite, due_at"


def _replaced(text: str, names: Mapping[str, str]) -> str:
    for old, new in names.items():
        text = text.replace(old, new)
    return text


def _wake(row: dict[str, Any]) -> Wake:
    return Wake(row["id"], row["version_number"], "composite" if row["composite"] else "leaf", row["due_at"])


# --- Bumps: something changed that the campus should know. Any of them takes the row out of parking and waiting. ---

_REVIVED = "parked_at = NULL, parked_reason = NULL, parked_scope = NULL, waiting_since = NULL"

# Debounce with a ceiling, so that steady work is still sent.
_DEBOUNCED = """CASE WHEN pending_since IS NULL OR pending_since + :ceiling > :due THEN :due
    ELSE pending_since + :ceiling END"""

# A wake-up is wanted when none can be under way (the row was clean) or when the one under way would come too late.
_BUMP_SET = f"""version_number = version_number + 1, composite = :composite,
    entry_id = COALESCE(CAST(:entry_id AS VARCHAR), entry_id),
    forced_version = CASE WHEN CAST(:force AS BOOLEAN) THEN version_number + 1 ELSE forced_version END,
    pending_since = COALESCE(pending_since, :now), due_at = {_DEBOUNCED},
    wake_until = CASE WHEN sent_version >= version_number OR {_DEBOUNCED} < due_at THEN NULL ELSE wake_until END,
    {_REVIVED}"""

_GIVEN = {
    ":composite": "given.is_composite",
    ":entry_id": "given.entry",
    ":due": "given.due",
    ":ceiling": "given.ceiling",
    "version_number + 1": "version_number + given.changes",
}

_BUMP = Statement(
    f"""
    WITH given AS (SELECT * FROM {{given}}), locked AS MATERIALIZED (
        SELECT graded_assignment.id AS id FROM graded_assignment
        WHERE id IN (SELECT assignment_id FROM given) ORDER BY id {{for_update}})
    UPDATE graded_assignment SET {_replaced(_BUMP_SET, _GIVEN)}
    FROM given
    WHERE graded_assignment.id = given.assignment_id AND graded_assignment.id IN (SELECT id FROM locked)
    RETURNING id""",
    given="assignment_id BIGINT, is_composite BOOLEAN, entry VARCHAR, due BIGINT, ceiling BIGINT, changes BIGINT",
)

_BUMP_BLOCK = Statement(f"""
    UPDATE graded_assignment SET {_BUMP_SET} WHERE id IN (
        SELECT id FROM graded_assignment WHERE course_key = :course_key AND usage_key = :usage_key
        ORDER BY id {{for_update}})
    RETURNING id""")

_BUMP_WAITING = Statement(f"""
    UPDATE graded_assignment SET {_BUMP_SET} WHERE id IN (
        SELECT id FROM graded_assignment WHERE course_key = :course_key AND waiting_since IS NOT NULL
        ORDER BY id {{for_update}})
    RETURNING id""")

# Rule 5: a version that goes out whatever its score, and now.
_REDO_SET = f"""version_number = version_number + 1, forced_version = version_number + 1, due_at = :now,
    wake_until = CASE WHEN sent_version >= version_number OR :now < due_at THEN NULL ELSE wake_until END,
    {_REVIVED}"""

_REDO = Statement(f"UPDATE graded_assignment SET {_REDO_SET} WHERE id = :id RETURNING id")

# A launch, a resend or a mended consumer starts afresh: no attempts spent, no backoff. The hold stays: a request whose
# end nobody knows is no younger for it.
REDO_AFRESH_SET = f"{_REDO_SET}, attempts = 0, not_before = 0"

_REDO_AFRESH = Statement(f"UPDATE graded_assignment SET {REDO_AFRESH_SET} WHERE id = :id RETURNING id")

REVIVE_SET = f"""version_number = version_number + 1, due_at = :now, attempts = 0, not_before = 0, wake_until = NULL,
    {_REVIVED}"""

_REVIVE = Statement(f"UPDATE graded_assignment SET {REVIVE_SET} WHERE id = :id RETURNING id")

_HURRY = Statement("""
    UPDATE graded_assignment SET attempts = 0, not_before = 0, wake_until = NULL
    WHERE id = :id AND version_number > sent_version AND (not_before > :now OR attempts > 0) RETURNING id""")


#: Milliseconds; some 35 years: a leaf is due at once, however long it has been dirty.
_NO_CEILING = 1 << 40


@dataclass(frozen=True, slots=True)
class Debounce:
    """How long a composite's grade waits: *delay* after a change, never longer than *ceiling* after the first."""

    delay_ms: int
    ceiling_ms: int


@dataclass(frozen=True, slots=True)
class Cause:
    """
    What made a row dirty.

    *entry_id*: the stream entry that said so. *force*: whether the grade must go out even if it equals what the campus
    acknowledged, since the database may have been restored and not know what the campus acknowledged after that.
    """

    entry_id: str | None = None
    force: bool = False


_NO_CAUSE = Cause()


@dataclass(frozen=True, slots=True)
class Bump:
    """
    Scores changed that touch this assignment, and make it one of that kind.

    *changes*: how many, each of which makes a version. *entry_id*: of the last one.
    """

    assignment_id: int
    kind: Kind
    entry_id: str | None = None
    changes: int = 1


async def bump_many(bumps: Iterable[Bump], *, now: int, debounce: Debounce, force: bool = False) -> None:
    """Each assignment may stand there once. *force*: as in :class:`Cause`."""
    given = []
    for one in bumps:
        timing = _timing(one.kind, now, debounce)
        given.append(
            {
                "assignment_id": one.assignment_id,
                "is_composite": timing["composite"],
                "entry": one.entry_id,
                "due": timing["due"],
                "ceiling": timing["ceiling"],
                "changes": one.changes,
            }
        )
    await _BUMP.rows(given=given, now=now, force=force)


async def bump(assignment_id: int, *, kind: Kind, now: int, debounce: Debounce, cause: Cause = _NO_CAUSE) -> None:
    """One bump, as :func:`bump_many`."""
    await bump_many([Bump(assignment_id, kind, cause.entry_id)], now=now, debounce=debounce, force=cause.force)


async def bump_block(
    course_key: str, usage_key: str, *, kind: Kind, now: int, debounce: Debounce, cause: Cause = _NO_CAUSE
) -> int:
    """The course's structure changed around this block. Returns how many assignments it touches."""
    where = {"course_key": course_key, "usage_key": usage_key}
    return len(await _BUMP_BLOCK.rows(**where, **_timing(kind, now, debounce), **_because(cause)))


async def bump_waiting(course_key: str, *, now: int, debounce: Debounce, cause: Cause = _NO_CAUSE) -> int:
    """A structure came for a course: those that waited for one look again. Returns how many they are."""
    timing = _timing("composite", now, debounce)
    return len(await _BUMP_WAITING.rows(course_key=course_key, **timing, **_because(cause)))


def _because(cause: Cause) -> dict[str, Any]:
    return {"entry_id": cause.entry_id, "force": cause.force}


def _timing(kind: Kind, now: int, debounce: Debounce) -> dict[str, Any]:
    if kind == "leaf":
        return {"composite": False, "now": now, "due": now, "ceiling": _NO_CEILING}
    return {"composite": True, "now": now, "due": now + debounce.delay_ms, "ceiling": debounce.ceiling_ms}


async def redo(assignment_id: int, *, now: int, afresh: bool = False) -> bool:
    """Have the newest score sent again now, even if equal. *afresh*: without the backoff. False if the row is gone."""
    statement = _REDO_AFRESH if afresh else _REDO
    return bool(await statement.rows(id=assignment_id, now=now))


async def revive(assignment_id: int, *, now: int) -> None:
    """Take a parked row back into the race, afresh; an equal score is still skipped."""
    await _REVIVE.rows(id=assignment_id, now=now)


async def hurry(assignment_id: int, *, now: int) -> None:
    """End a dirty row's backoff."""
    await _HURRY.rows(id=assignment_id, now=now)


# --- Wake-ups: at most one under way, and perishable. ---

# An UPDATE of given rows that nobody else has locked, so that it never waits and is in nobody's way, whatever the
# order of its rows.
# Materialized: a subquery that PostgreSQL runs again would lock more rows than it was asked for.
FREE = """
    WITH given AS (SELECT * FROM {{given}}), free AS MATERIALIZED (
        SELECT graded_assignment.id AS id FROM given CROSS JOIN graded_assignment
        WHERE graded_assignment.id = given.assignment_id AND {condition} {{skip_locked}})
    UPDATE graded_assignment"""
ARE_FREE = "WHERE graded_assignment.id = given.assignment_id AND graded_assignment.id IN (SELECT id FROM free)"

_WAKE_BUMPED = Statement(
    f"""
    UPDATE graded_assignment SET wake_until = CASE WHEN due_at > :now THEN due_at ELSE :now END + CAST(:ttl AS BIGINT)
    WHERE id IN (SELECT assignment_id FROM {{given}}) AND {RACING_BY_ID} AND wake_until IS NULL
        AND claimed_until IS NULL AND not_before <= :now AND hold_until <= :now
    RETURNING {_AS_WAKE}""",
    given="assignment_id BIGINT",
)

_WAKE_CLAIMABLE = Statement(f"""
    UPDATE graded_assignment SET wake_until = CAST(:now AS BIGINT) + :ttl
    WHERE id = :id AND {CLAIMABLE_BY_ID} AND (wake_until IS NULL OR wake_until <= :now)
    RETURNING {_AS_WAKE}""")

# Whether it was tried since it fell due; an attempt that was given back leaves its wait behind.
RETRIED = "CASE WHEN attempts > 0 OR not_before > due_at THEN 1 ELSE 0 END"

# Whoever has waited longest since he could go comes first. Behind a shut gate it is whoever was not tried since: of
# these the oldest and the newest in turn, since the oldest may all be of one course that is broken.
_READY = "CASE WHEN not_before > due_at THEN not_before ELSE due_at END"
_FIRST = f"""CASE WHEN gate.shut_at IS NULL OR not_before <= gate.shut_at THEN 0 ELSE not_before END,
    CASE WHEN gate.shut_at IS NOT NULL AND gate.failed_probes % 2 = 1 THEN -due_at ELSE {_READY} END"""

_ROOM = "COALESCE(line.room, CAST(:room AS BIGINT))"

# Campuses take turns, and at each of them fresh and retried work, so that the many grades that wait for a slow campus
# keep nobody else's from their turn. A campus to which nothing may go now is passed over, as is a line that is full;
# a shut gate has room for a few, since the first of them may have nothing to send. SQLite looks the given lines up by
# an index only if it knows a type.
_RANKED = Statement(
    f"""
    WITH line AS MATERIALIZED (SELECT CAST(consumer_id AS BIGINT) AS consumer_id, origin, retried, room FROM {{given}})
    SELECT id FROM (
        SELECT graded_assignment.id AS id, {_READY} AS ready,
            CASE WHEN gate.shut_at IS NULL OR {_ROOM} < {ROOM_WHEN_SHUT} THEN {_ROOM} ELSE {ROOM_WHEN_SHUT} END AS room,
            ROW_NUMBER() OVER (
                PARTITION BY outcome_service.lti_consumer_id, outcome_service.origin,
                    CASE WHEN gate.shut_at IS NULL THEN {RETRIED} ELSE 0 END
                ORDER BY {_FIRST}) AS turn
        FROM graded_assignment
        JOIN outcome_service ON outcome_service.id = graded_assignment.outcome_service_id
        JOIN lti_consumer ON lti_consumer.id = outcome_service.lti_consumer_id {OF_SERVICE}
        LEFT JOIN line
            ON line.consumer_id = outcome_service.lti_consumer_id AND line.origin = outcome_service.origin
                AND line.retried = {RETRIED}
        WHERE {CLAIMABLE} AND (wake_until IS NULL OR wake_until <= :now) AND {PASSABLE} AND {_ROOM} > 0
    ) AS ranked
    WHERE ranked.turn <= ranked.room ORDER BY ranked.turn, ranked.ready LIMIT :most""",
    given="consumer_id BIGINT, origin VARCHAR, retried INT, room BIGINT",
)

_TAKE = Statement(
    f"""
    {FREE.format(condition=f"{CLAIMABLE_BY_ID} AND (wake_until IS NULL OR wake_until <= :now)")}
    SET wake_until = CAST(:now AS BIGINT) + :ttl FROM given {ARE_FREE} RETURNING {_AS_WAKE}""",
    given="assignment_id BIGINT",
)

_FORGET_WAKE = Statement("UPDATE graded_assignment SET wake_until = NULL WHERE id = :id RETURNING id")


async def wake_bumped_many(assignment_ids: Iterable[int], *, now: int) -> list[Wake]:
    """The wake-ups that bumps call for, if any; to be sent after the commit. The rows are the caller's to lock."""
    given = [{"assignment_id": assignment_id} for assignment_id in assignment_ids]
    return [_wake(row) for row in await _WAKE_BUMPED.rows(given=given, now=now, ttl=WAKE_MS)]


async def wake_bumped(assignment_id: int, *, now: int) -> Wake | None:
    """That of one, as :func:`wake_bumped_many`."""
    return next(iter(await wake_bumped_many([assignment_id], now=now)), None)


async def sweep(
    *, now: int, most: int, room: int | None = None, rooms: Mapping[WaitingLine, int] | None = None
) -> list[Wake]:
    """
    Take the claimable rows whose wake-up is missing or has lapsed: of each campus those due longest.

    Args:
        most: Rows in all.
        room: Rows of each campus, of fresh and of retried ones each; *most* if not given.
        rooms: The lines that have another room: how many may come for each; 0 leaves a line alone.
    """
    given = [
        {**line.campus._asdict(), "retried": int(line.retried), "room": number}
        for line, number in (rooms or {}).items()
    ]
    ranked = await _RANKED.rows(given=given, now=now, most=most, room=most if room is None else room)
    if not ranked:
        return []
    taken = await _TAKE.rows(given=[{"assignment_id": row["id"]} for row in ranked], now=now, ttl=WAKE_MS)
    wakes = {row["id"]: _wake(row) for row in taken}
    return [wakes[row["id"]] for row in ranked if row["id"] in wakes]


async def forget_wake(assignment_id: int) -> None:
    """A wake-up came and ended without a claim: the sweep may send another."""
    await _FORGET_WAKE.rows(id=assignment_id)


async def wake_claimable(assignment_id: int, *, now: int) -> Wake | None:
    """The wake-up that a row needs after an attempt: only if it is claimable now."""
    row = await _WAKE_CLAIMABLE.row(id=assignment_id, now=now, ttl=WAKE_MS)
    return None if row is None else _wake(row)
