"""Deletes old delivery records and events, a chunk at a time. Times are milliseconds since 1970."""

from typing import NamedTuple

from models.db.sql import CHUNK, Statement
from models.delivery import HELD

# Where the next chunk of old records ends. A round reads each once, since most that earlier rounds left are kept.
_NEXT_OLD = Statement(f"""
    SELECT at, id FROM delivery WHERE at < :before AND (at, id) > (:at, :id) ORDER BY at, id LIMIT {CHUNK}""")

# The record of what the campus holds of each assignment is kept for ever.
_DELETE_OLD = Statement(f"""
    DELETE FROM delivery WHERE at <= :to_at AND (at, id) > (:at, :id) AND (at, id) <= (:to_at, :to_id)
        AND (result NOT IN {HELD} OR EXISTS (
            SELECT 1 FROM delivery AS newer
            WHERE newer.assignment_id = delivery.assignment_id AND newer.result IN {HELD}
                AND newer.id > delivery.id))
    RETURNING id""")

_EVENTS = [
    Statement(f"""
        DELETE FROM {table} WHERE id IN (SELECT id FROM {table} WHERE at < :before ORDER BY at LIMIT {CHUNK})
        RETURNING id""")
    for table in ("quarantined_event", "stale_event")
]


class LedgerRound(NamedTuple):
    """How far one round over the old delivery records has come: a record's time and id."""

    at: int = -1
    id: int = -1


async def prune_ledger(after: LedgerRound, *, before: int) -> LedgerRound | None:
    """
    Delete what need not be kept of the next chunk of delivery records from before *before*.

    Returns:
        Where this chunk ended, for the next *after*; None at the end of the round.
    """
    chunk = await _NEXT_OLD.rows(before=before, at=after.at, id=after.id)
    if not chunk:
        return None
    end = LedgerRound(chunk[-1]["at"], chunk[-1]["id"])
    await _DELETE_OLD.rows(at=after.at, id=after.id, to_at=end.at, to_id=end.id)
    return end if len(chunk) == CHUNK else None


async def prune_events(*, before: int) -> bool:
    """Delete a chunk each of quarantined and stale events read before *before*; returns whether any may be left."""
    pruned = [len(await statement.rows(before=before)) for statement in _EVENTS]
    return max(pruned) == CHUNK
