"""
Taking back the claims whose lease has run out: their daemon crashed, or is frozen.

Times are milliseconds since 1970 by :mod:`models.db.clock`.
"""

from tortoise.transactions import in_transaction

from models.clock_watch import CURRENT, hold_still
from models.db.sql import Statement
from models.delivery import DeliveryRecord, write_deliveries

# Rule 1. The lost holder's request may have left: its version is forced. A holder that comes back does not find its
# token, and so learns that it lost the claim. Ordered by a sum: by the bare column SQLite would read the whole table in
# that order rather than sort the few claimed rows.
_RESCUE = Statement(f"""
    UPDATE graded_assignment SET claimed_until = NULL, claim_token = -claim_token, forced_version = version_number
    WHERE id IN (SELECT id FROM graded_assignment
        WHERE claimed_until IS NOT NULL AND claimed_until <= :now AND {CURRENT}
        ORDER BY id + 0 {{lock_free:graded_assignment}})
    RETURNING id, -claim_token AS token, claimed_at, attempts, claimed_version""")


async def rescue(*, now: int, steps: int = 0) -> int:
    """
    Take back the claims whose lease has run out; each gets the delivery record ``unknown``. Returns how many.

    *steps*: those of the database's clock that the caller knows; if there was another since, *now* says nothing.
    """
    async with in_transaction():
        await hold_still()
        rows = await _RESCUE.rows(now=now, steps=steps)
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
