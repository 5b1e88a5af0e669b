"""What is kept for how long: old ledger lines and quarantined events go, a little at a time."""

from typing import NamedTuple

from models.db.sql import Statement

#: Rows a statement: few enough that nobody waits for its locks.
CHUNK = 500

# Where the next chunk of old lines ends. In steps over all of them, since most of those that are left from earlier
# rounds are kept for ever, and nobody wants to look at them again for each chunk.
_NEXT_OLD = Statement("""
    SELECT at, id FROM delivery WHERE at < :before AND (at, id) > (:at, :id) ORDER BY at, id LIMIT :most""")

# The last success of each assignment is kept for ever.
_LEDGER = Statement("""
    DELETE FROM delivery WHERE at <= :to_at AND (at, id) > (:at, :id) AND (at, id) <= (:to_at, :to_id)
        AND (result <> 'accepted' OR EXISTS (
            SELECT 1 FROM delivery AS newer
            WHERE newer.assignment_id = delivery.assignment_id AND newer.result = 'accepted'
                AND newer.id > delivery.id))
    RETURNING id""")

_QUARANTINE = Statement("""
    DELETE FROM quarantined_event WHERE id IN (
        SELECT id FROM quarantined_event WHERE at < :before ORDER BY at LIMIT :most)
    RETURNING id""")


_STALE = Statement("""
    DELETE FROM stale_event WHERE id IN (SELECT id FROM stale_event WHERE at < :before ORDER BY at LIMIT :most)
    RETURNING id""")


class LedgerRound(NamedTuple):
    """How far one round over the old lines of the ledger has come: milliseconds since 1970, and a line's id."""

    at: int = -1
    id: int = -1


async def prune_ledger(after: LedgerRound, *, before: int) -> LedgerRound | None:
    """
    Delete what can go of the next chunk of ledger lines.

    Args:
        after: Where the last chunk of this round ended; a new one begins a round.
        before: Milliseconds since 1970: lines from then on are too young.

    Returns:
        Where this chunk ended; None at the end of the round.
    """
    chunk = await _NEXT_OLD.rows(before=before, at=after.at, id=after.id, most=CHUNK)
    if not chunk:
        return None
    end = LedgerRound(chunk[-1]["at"], chunk[-1]["id"])
    await _LEDGER.rows(at=after.at, id=after.id, to_at=end.at, to_id=end.id)
    return end if len(chunk) == CHUNK else None


async def prune_quarantine(*, before: int) -> int:
    """Delete one chunk of quarantined events older than *before* (milliseconds since 1970); returns how many."""
    return len(await _QUARANTINE.rows(before=before, most=CHUNK))


async def prune_stale(*, before: int) -> int:
    """Delete one chunk of stale events read before *before* (milliseconds since 1970); returns how many."""
    return len(await _STALE.rows(before=before, most=CHUNK))
