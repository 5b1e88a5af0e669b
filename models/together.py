"""
What attempts ask of their rows, for many assignments in one statement.

Each statement does to each row what its namesake in :mod:`models.attempt` or :mod:`models.assignment` does to one, in
the plain case. It passes over a row that somebody else has locked, so that it never waits and is in nobody's way,
whatever the order of its rows; and over one that takes more thought. For these the caller goes on with the namesake,
which waits for its turn.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tortoise.transactions import in_transaction

from models.assignment import ARE_FREE, CLAIMABLE_BY_ID, FREE, wake_claimable
from models.attempt import CLAIM_SET, CLAIMED, SETTLED, Claim, Ended, as_claim, written
from models.db.sql import Statement
from models.delivery import Line, write_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

# Rule 1. Not for a claim that ran out: that is a takeover.
_CLAIM = Statement(
    f"""{FREE.format(condition=f"claimed_until IS NULL AND {CLAIMABLE_BY_ID}")}
    SET claim_token = given.token, {CLAIM_SET}
    FROM given {ARE_FREE} RETURNING {CLAIMED}, claim_token""",
    given="assignment_id BIGINT, token BIGINT",
)

# Rule 4.
_ACCEPT = Statement(
    f"""{FREE.format(condition="claim_token = given.token")}
    SET {SETTLED.replace(":version", "given.version").replace(":claimed_at", "given.claimed_at")},
        sent_score = given.score, sent_at = :now
    FROM given {ARE_FREE} RETURNING id, parked_at, version_number, sent_version""",
    given="assignment_id BIGINT, token BIGINT, version BIGINT, claimed_at BIGINT, score VARCHAR",
)

_FORGET_WAKE = Statement(
    f"""{FREE.format(condition="TRUE")} SET wake_until = NULL FROM given {ARE_FREE} RETURNING id""",
    given="assignment_id BIGINT",
)


async def claim(tokens: Sequence[tuple[int, int]], *, now: int, lease_ms: int) -> dict[tuple[int, int], Claim]:
    """
    Take the right to send.

    Args:
        tokens: Assignments, each with a fresh random 63-bit number.
        now: Taken before this call, by the clock that leases are compared with.

    Returns:
        By those pairs, the claims.
    """
    given = [{"assignment_id": assignment_id, "token": token} for assignment_id, token in tokens]
    rows = await _CLAIM.rows(given=given, now=now, until=now + lease_ms)
    return {(row["id"], row["claim_token"]): as_claim(row, token=row["claim_token"], now=now) for row in rows}


@dataclass(frozen=True, slots=True, eq=False)
class Acceptance:
    """The campus holds *score* (wire text); *line* is what the ledger says of it."""

    claim: Claim
    score: str
    line: Line


async def accept(ends: Sequence[Acceptance], *, now: int) -> dict[Acceptance, Ended]:
    """
    Finish attempts whose grades were accepted: rows and ledger, in one transaction. Safe to repeat.

    Returns:
        How each ended; the wake-ups that rows still need are to be sent after the commit.
    """
    by_id = {end.claim.assignment_id: end for end in ends}
    async with in_transaction():
        rows = await _ACCEPT.rows(
            given=[
                {
                    "assignment_id": end.claim.assignment_id,
                    "token": end.claim.token,
                    "version": end.claim.version,
                    "claimed_at": end.claim.claimed_at,
                    "score": end.score,
                }
                for end in by_id.values()
            ],
            now=now,
        )
        await write_lines([written(by_id[row["id"]].claim, by_id[row["id"]].line) for row in rows], at=now)
        ended = {}
        for row in rows:
            dirty = row["version_number"] > row["sent_version"]
            wake = await wake_claimable(row["id"], now=now) if dirty else None
            ended[by_id[row["id"]]] = Ended(parked=row["parked_at"] is not None, wake=wake)
        return ended


async def forget_wakes(assignment_ids: Sequence[int]) -> dict[int, bool]:
    """Wake-ups came and ended without a claim: the sweep may send others. True for each row that it was done to."""
    given = [{"assignment_id": assignment_id} for assignment_id in assignment_ids]
    return {row["id"]: True for row in await _FORGET_WAKE.rows(given=given)}
