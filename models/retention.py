"""What is kept for how long: old ledger lines and quarantined events go, a little at a time."""

from __future__ import annotations

from models.statement import Statement

#: Rows a statement: few enough that nobody waits for its locks.
CHUNK = 500

# The last success of each assignment is kept for ever.
_LEDGER = Statement("""
    DELETE FROM delivery WHERE id IN (
        SELECT old.id FROM delivery AS old WHERE old.at < :before AND (old.result <> 'accepted' OR EXISTS (
            SELECT 1 FROM delivery AS newer
            WHERE newer.assignment_id = old.assignment_id AND newer.result = 'accepted' AND newer.id > old.id))
        ORDER BY old.at LIMIT :most)
    RETURNING id""")

_QUARANTINE = Statement("""
    DELETE FROM quarantined_event WHERE id IN (
        SELECT id FROM quarantined_event WHERE at < :before ORDER BY at LIMIT :most)
    RETURNING id""")


_STALE = Statement("""
    DELETE FROM stale_event WHERE id IN (SELECT id FROM stale_event WHERE at < :before ORDER BY at LIMIT :most)
    RETURNING id""")


async def prune_ledger(*, before: int) -> int:
    """Delete one chunk of ledger lines older than *before* (milliseconds since 1970); returns how many."""
    return len(await _LEDGER.rows(before=before, most=CHUNK))


async def prune_quarantine(*, before: int) -> int:
    """Delete one chunk of quarantined events older than *before* (milliseconds since 1970); returns how many."""
    return len(await _QUARANTINE.rows(before=before, most=CHUNK))


async def prune_stale(*, before: int) -> int:
    """Delete one chunk of stale events read before *before* (milliseconds since 1970); returns how many."""
    return len(await _STALE.rows(before=before, most=CHUNK))
