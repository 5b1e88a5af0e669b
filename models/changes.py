"""
What makes an assignment dirty: a score, a course structure, a launch, a resend.

Every change grows ``version_number`` in the transaction that stores its cause, and takes the row out of parking and
waiting, so that every version is tried (rule 7 of the design).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from models.assignment import SENDABLE_BY_ID, Kind, row_kind
from models.db.sql import Statement
from models.debounce import Debounce

#: Milliseconds; some 35 years: a leaf is due at once, however long it has been dirty.
_NO_CEILING = 1 << 40

#: Out of parking, and out of waiting for a structure.
UNPARKED = "parked_at = NULL, parked_reason = NULL, parked_scope = NULL, returns_at = NULL, waiting_since = NULL"


def _changing(rows: str, *, joined: str = "TRUE", given: Sequence[str] = (), changes: str = "1") -> Statement:
    """
    The change of rows, which are locked in the order of their ids; debounced, with a ceiling.

    Args:
        rows: Which ones.
        joined: How each is found in ``given``.
        given: What ``given`` has beside the kind and the times.
        changes: How many versions each grows by.
    """
    return Statement(
        f"""
        WITH given AS (SELECT * FROM {{given}}), locked AS MATERIALIZED (
            SELECT graded_assignment.id AS id FROM graded_assignment WHERE {rows} ORDER BY id {{for_update}})
        UPDATE graded_assignment SET version_number = version_number + {changes}, composite = given.is_composite,
            entry_id = COALESCE(given.entry, entry_id),
            changed_at = CASE WHEN given.scored < :now THEN given.scored ELSE :now END,
            forced_version = CASE WHEN CAST(:force AS BOOLEAN) THEN version_number + {changes} ELSE forced_version END,
            ordered_version = CASE WHEN CAST(:force AS BOOLEAN) THEN version_number + {changes}
                ELSE ordered_version END,
            pending_since = COALESCE(pending_since, :now),
            due_at = CASE WHEN pending_since IS NULL OR pending_since + given.ceiling > given.due THEN given.due
                ELSE pending_since + given.ceiling END,
            {UNPARKED}
        FROM given WHERE {joined} AND graded_assignment.id IN (SELECT id FROM locked)
        RETURNING id, composite, due_at, pending_since""",
        given=", ".join(
            [*given, "is_composite BOOLEAN", "entry VARCHAR", "scored BIGINT", "due BIGINT", "ceiling BIGINT"]
        ),
    )


_CHANGE = _changing(
    "id IN (SELECT assignment_id FROM given)",
    joined="graded_assignment.id = given.assignment_id",
    given=["assignment_id BIGINT", "changes BIGINT"],
    changes="given.changes",
)
# Those for whom the course's tree counts: a learner's own one wins over it.
_OF_COURSE = """course_id = :course_id AND NOT EXISTS (
    SELECT 1 FROM learner_structure AS own WHERE own.user_id = graded_assignment.user_id
        AND own.course_id = graded_assignment.course_id AND own.digest <> '')"""
_CHANGE_BLOCKS = _changing(
    f"{_OF_COURSE} AND usage_id IN (SELECT block FROM given)",
    joined="graded_assignment.usage_id = given.block",
    given=["block VARCHAR"],
)
_CHANGE_WAITING = _changing(f"{_OF_COURSE} AND waiting_since IS NOT NULL")

# A launch, a resend or a corrected consumer starts afresh: no attempts spent, no backoff. The hold stays: a request in
# doubt may still land.
AFRESH_SET = "attempts = 0, not_before = 0, address_refusals = 0, omitted = ''"
UNPARK_SET = f"version_number = version_number + 1, due_at = :now, {AFRESH_SET}, {UNPARKED}"
#: Rule 5: a version that goes out whatever its score, and replaces whatever the campus holds.
FORCE_RESEND_SET = f"{UNPARK_SET}, forced_version = version_number + 1, ordered_version = version_number + 1"
#: The same by the operator, who knows of no request that is not on record: where no grade was acknowledged or
#: taken over none is equal, and a grade that the tool took back is no reason to clear what another has set.
ORDER_RESEND_SET = f"""{UNPARK_SET}, ordered_version = version_number + 1,
    forced_version = CASE WHEN sent_at IS NULL AND sent_score IS NULL THEN forced_version ELSE version_number + 1 END"""

_FORCE_RESEND = Statement(f"UPDATE graded_assignment SET {FORCE_RESEND_SET} WHERE id = :id RETURNING id")
_UNPARK = Statement(f"UPDATE graded_assignment SET {UNPARK_SET} WHERE id = :id RETURNING id")
_CLEAR_BACKOFF = Statement(f"""
    UPDATE graded_assignment SET {AFRESH_SET}
    WHERE id = :id AND version_number > sent_version AND (not_before > :now OR attempts > 0) RETURNING id""")
_READ_DIRTY = Statement(f"SELECT id, composite, due_at FROM graded_assignment WHERE id = :id AND {SENDABLE_BY_ID}")
_RAISE_HOLD = Statement("""
    UPDATE graded_assignment SET hold_until = :until WHERE id = :id AND hold_until < :until RETURNING id""")


@dataclass(frozen=True, slots=True)
class Cause:
    """
    What made a row dirty.

    *entry_id*: its stream entry. *force*: the grade goes out even if it equals what the campus acknowledged, since a
    database that was restored does not know what the campus acknowledged after its backup. *scored_at*: when it was
    scored, milliseconds since 1970; None: now.
    """

    entry_id: str | None = None
    force: bool = False
    scored_at: int | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """
    *number* scores of an assignment changed, each of which makes a version.

    *entry_id*: of the last one. *scored_at*: when that was scored, milliseconds since 1970; None: now.
    """

    assignment_id: int
    kind: Kind
    entry_id: str | None = None
    number: int = 1
    scored_at: int | None = None


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
        {
            "assignment_id": one.assignment_id,
            "changes": one.number,
            **_timing(one.kind, Cause(one.entry_id, scored_at=one.scored_at), now, debounce),
        }
        for one in changes
    ]
    rows = await _CHANGE.rows(given=given, now=now, force=force)
    return [Dirty(row["id"], row_kind(row), row["due_at"], row["pending_since"] == now) for row in rows]


async def change_blocks(
    course_id: str, kinds: Mapping[str, Kind], *, now: int, debounce: Debounce, cause: Cause
) -> int:
    """A course's structure changed around blocks, whose assignments are of these *kinds* now. Returns how many."""
    given = [{"block": block, **_timing(kind, cause, now, debounce)} for block, kind in kinds.items()]
    return len(await _CHANGE_BLOCKS.rows(given=given, course_id=course_id, now=now, force=cause.force))


async def change_waiting(course_id: str, *, now: int, debounce: Debounce, cause: Cause) -> int:
    """A structure came for a course: assignments that waited for one are due again. Returns how many."""
    given = [_timing("composite", cause, now, debounce)]
    return len(await _CHANGE_WAITING.rows(given=given, course_id=course_id, now=now, force=cause.force))


def _timing(kind: Kind, cause: Cause, now: int, debounce: Debounce) -> dict[str, Any]:
    composite = kind == "composite"
    return {
        "is_composite": composite,
        "entry": cause.entry_id,
        "scored": cause.scored_at,
        "due": now + debounce.delay_ms if composite else now,
        "ceiling": debounce.ceiling_ms if composite else _NO_CEILING,
    }


async def read_dirty(assignment_id: int) -> Dirty | None:
    """The assignment, if it is dirty and nothing but time holds it back."""
    row = await _READ_DIRTY.row(id=assignment_id)
    return None if row is None else Dirty(row["id"], row_kind(row), row["due_at"], first=True)


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
