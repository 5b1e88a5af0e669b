"""
What makes an assignment dirty: a score, a course structure, a launch, a resend.

Every change grows ``version_number`` in the transaction that stores what changed, and takes the row out of parking and
waiting, so that no version goes untried (rule 7 of the design).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from models.assignment import SENDABLE_BY_ID, Kind
from models.db.sql import Statement

#: Milliseconds; some 35 years: a leaf is due at once, however long it has been dirty.
_NO_CEILING = 1 << 40

_UNPARKED = "parked_at = NULL, parked_reason = NULL, parked_scope = NULL, waiting_since = NULL"


def _changed(changes: str) -> str:
    """The SET clause of a change by so many versions, of rows joined with ``given``; debounced, with a ceiling."""
    return f"""version_number = version_number + {changes}, composite = given.is_composite,
    entry_id = COALESCE(given.entry, entry_id),
    forced_version = CASE WHEN CAST(:force AS BOOLEAN) THEN version_number + {changes} ELSE forced_version END,
    pending_since = COALESCE(pending_since, :now),
    due_at = CASE WHEN pending_since IS NULL OR pending_since + given.ceiling > given.due THEN given.due
        ELSE pending_since + given.ceiling END,
    {_UNPARKED}"""


_CHANGE = Statement(
    f"""
    WITH given AS (SELECT * FROM {{given}}), locked AS MATERIALIZED (
        SELECT graded_assignment.id AS id FROM graded_assignment
        WHERE id IN (SELECT assignment_id FROM given) ORDER BY id {{for_update}})
    UPDATE graded_assignment SET {_changed("given.changes")}
    FROM given
    WHERE graded_assignment.id = given.assignment_id AND graded_assignment.id IN (SELECT id FROM locked)
    RETURNING id, composite, due_at, pending_since""",
    given="assignment_id BIGINT, is_composite BOOLEAN, entry VARCHAR, due BIGINT, ceiling BIGINT, changes BIGINT",
)

_CHANGE_BLOCKS = Statement(
    f"""
    WITH given AS (SELECT * FROM {{given}}), locked AS MATERIALIZED (
        SELECT graded_assignment.id AS id FROM graded_assignment
        WHERE course_id = :course_id AND usage_id IN (SELECT block FROM given) ORDER BY id {{for_update}})
    UPDATE graded_assignment SET {_changed("1")}
    FROM given
    WHERE graded_assignment.usage_id = given.block AND graded_assignment.id IN (SELECT id FROM locked)
    RETURNING id, composite, due_at, pending_since""",
    given="block VARCHAR, is_composite BOOLEAN, entry VARCHAR, due BIGINT, ceiling BIGINT",
)

_CHANGE_WAITING = Statement(
    f"""
    WITH given AS (SELECT * FROM {{given}}), locked AS MATERIALIZED (
        SELECT graded_assignment.id AS id FROM graded_assignment
        WHERE course_id = :course_id AND waiting_since IS NOT NULL ORDER BY id {{for_update}})
    UPDATE graded_assignment SET {_changed("1")}
    FROM given
    WHERE graded_assignment.id IN (SELECT id FROM locked)
    RETURNING id, composite, due_at, pending_since""",
    given="is_composite BOOLEAN, entry VARCHAR, due BIGINT, ceiling BIGINT",
)

#: Rule 5: a version that goes out whatever its score, and now.
_FORCED = f"""version_number = version_number + 1, forced_version = version_number + 1, due_at = :now, {_UNPARKED}"""

# A launch, a resend or a corrected consumer starts afresh: no attempts spent, no backoff. The hold stays: a request in
# doubt is no younger for it.
AFRESH_SET = "attempts = 0, not_before = 0"

FORCE_RESEND_SET = f"{_FORCED}, {AFRESH_SET}"
UNPARK_SET = f"version_number = version_number + 1, due_at = :now, {AFRESH_SET}, {_UNPARKED}"

_FORCE_RESEND = Statement(f"UPDATE graded_assignment SET {FORCE_RESEND_SET} WHERE id = :id RETURNING id")
_UNPARK = Statement(f"UPDATE graded_assignment SET {UNPARK_SET} WHERE id = :id RETURNING id")
_CLEAR_BACKOFF = Statement("""
    UPDATE graded_assignment SET attempts = 0, not_before = 0
    WHERE id = :id AND version_number > sent_version AND (not_before > :now OR attempts > 0) RETURNING id""")
_READ_DIRTY = Statement(f"SELECT id, composite, due_at FROM graded_assignment WHERE id = :id AND {SENDABLE_BY_ID}")
_RAISE_HOLD = Statement("""
    UPDATE graded_assignment SET hold_until = :until WHERE id = :id AND hold_until < :until RETURNING id""")


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


@dataclass(frozen=True, slots=True)
class Change:
    """
    Scores changed that touch this assignment, and make it one of that kind.

    *number*: how many, each of which makes a version. *entry_id*: of the last one.
    """

    assignment_id: int
    kind: Kind
    entry_id: str | None = None
    number: int = 1


@dataclass(frozen=True, slots=True)
class Dirty:
    """An assignment that a change made due at *due_at*. *first*: it was not pending before."""

    assignment_id: int
    kind: Kind
    due_at: int
    first: bool


async def change(changes: Iterable[Change], *, now: int, debounce: Debounce, force: bool = False) -> list[Dirty]:
    """Grow the versions of assignments, each named once. *force*: as in :class:`Cause`."""
    given = [
        {"assignment_id": one.assignment_id, "changes": one.number, **_timing(one.kind, one.entry_id, now, debounce)}
        for one in changes
    ]
    return _dirty(await _CHANGE.rows(given=given, now=now, force=force), now)


async def change_blocks(
    course_id: str, kinds: Mapping[str, Kind], *, now: int, debounce: Debounce, cause: Cause
) -> int:
    """
    A course's structure changed around these blocks.

    Args:
        kinds: By block, what its assignments are now.

    Returns:
        How many assignments became dirty.
    """
    given = [{"block": block, **_timing(kind, cause.entry_id, now, debounce)} for block, kind in kinds.items()]
    return len(await _CHANGE_BLOCKS.rows(given=given, course_id=course_id, now=now, force=cause.force))


async def change_waiting(course_id: str, *, now: int, debounce: Debounce, cause: Cause) -> int:
    """A structure came for a course: assignments that waited for one are due again. Returns how many they are."""
    given = [_timing("composite", cause.entry_id, now, debounce)]
    return len(await _CHANGE_WAITING.rows(given=given, course_id=course_id, now=now, force=cause.force))


def _timing(kind: Kind, entry_id: str | None, now: int, debounce: Debounce) -> dict[str, Any]:
    composite = kind == "composite"
    return {
        "is_composite": composite,
        "entry": entry_id,
        "due": now + debounce.delay_ms if composite else now,
        "ceiling": debounce.ceiling_ms if composite else _NO_CEILING,
    }


def _dirty(rows: Sequence[dict[str, Any]], now: int) -> list[Dirty]:
    return [
        Dirty(row["id"], "composite" if row["composite"] else "leaf", row["due_at"], row["pending_since"] == now)
        for row in rows
    ]


async def read_dirty(assignment_id: int) -> Dirty | None:
    """The assignment, if it is dirty and nothing but time holds it back."""
    row = await _READ_DIRTY.row(id=assignment_id)
    if row is None:
        return None
    return Dirty(row["id"], "composite" if row["composite"] else "leaf", row["due_at"], first=True)


async def force_resend(assignment_id: int, *, now: int) -> bool:
    """Have the newest score sent now, even if equal, without backoff. False if the row is gone."""
    return bool(await _FORCE_RESEND.rows(id=assignment_id, now=now))


async def unpark(assignment_id: int, *, now: int) -> None:
    """Let a parked row be sent again, afresh; an equal score is still skipped."""
    await _UNPARK.rows(id=assignment_id, now=now)


async def clear_backoff(assignment_id: int, *, now: int) -> None:
    """End a dirty row's backoff."""
    await _CLEAR_BACKOFF.rows(id=assignment_id, now=now)


async def raise_hold(assignment_id: int, *, until: int) -> None:
    """No attempt before then: a request in doubt may still land."""
    await _RAISE_HOLD.rows(id=assignment_id, until=until)
