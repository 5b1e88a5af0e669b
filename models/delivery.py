"""The ledger: a line an attempt whose request may have left us."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from tortoise import fields
from tortoise.models import Model

from models.db.sql import Statement, storable
from models.stream_position import MOST_ENTRY_ID

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.assignment import GradedAssignment

Result = Literal["accepted", "refused", "retried", "ambiguous", "misconfigured", "unknown"]


class Delivery(Model):
    """One attempt. Unique by assignment and claim token, so that writing a line twice is harmless."""

    id = fields.BigIntField(primary_key=True)
    assignment: fields.ForeignKeyRelation[GradedAssignment] = fields.ForeignKeyField(
        "models.GradedAssignment", related_name="deliveries", on_delete=fields.CASCADE
    )
    claim_token = fields.BigIntField()
    # Milliseconds since 1970.
    at = fields.BigIntField()
    attempt = fields.IntField()
    # The assignment's version that was sent.
    version = fields.BigIntField()
    # The stream entry of the newest change that it knew of; null where that is not known.
    entry_id = fields.CharField(max_length=MOST_ENTRY_ID, null=True)
    # Wire text; null where the attempt was lost before it could be noted.
    score = fields.CharField(max_length=32, null=True)
    clamped = fields.BooleanField(default=False)
    result = fields.CharField(max_length=16)
    http_status = fields.IntField(null=True)
    code_major = fields.CharField(max_length=64, null=True)
    # The campus's words, bounded and cleaned.
    description = fields.TextField(default="")
    duration_ms = fields.IntField(null=True)

    assignment_id: int

    class Meta:
        table = "delivery"
        table_description = "Ledger of attempts"
        unique_together = (("assignment", "claim_token"),)
        indexes = (("at",),)


@dataclass(frozen=True, slots=True)
class Line:
    """What one attempt came to. *duration_ms*: from the first byte written to the last one read."""

    result: Result
    score: str | None = None
    clamped: bool = False
    http_status: int | None = None
    code_major: str | None = None
    description: str = ""
    duration_ms: int | None = None


_WRITE = Statement(
    """
    INSERT INTO delivery (assignment_id, claim_token, at, attempt, version, entry_id, score, clamped, result,
        http_status, code_major, description, duration_ms)
    SELECT assignment_id, claim_token, CAST(:at AS BIGINT), attempt, version, entry_id, score, clamped, result,
        http_status, code_major, description, duration_ms FROM {given}
    WHERE TRUE -- without it SQLite takes the next word for a join's
    ON CONFLICT (assignment_id, claim_token) DO UPDATE SET
        at = excluded.at, entry_id = excluded.entry_id, score = excluded.score, clamped = excluded.clamped,
        result = excluded.result, http_status = excluded.http_status, code_major = excluded.code_major,
        description = excluded.description, duration_ms = excluded.duration_ms
    RETURNING id""",
    given="assignment_id BIGINT, claim_token BIGINT, attempt INT, version BIGINT, entry_id VARCHAR, score VARCHAR, "
    "clamped BOOLEAN, result VARCHAR, http_status INT, code_major VARCHAR, description VARCHAR, duration_ms INT",
)

# The holder of a claim that ran out may have sent a request that nobody noted. If it thaws, it completes this line.
_WRITE_LOST = Statement("""
    INSERT INTO delivery (assignment_id, claim_token, at, attempt, version, score, clamped, result, description)
    SELECT id, claim_token, claimed_at, attempts, claimed_version, NULL, :false, 'unknown',
        'the daemon that held this attempt did not come back'
    FROM graded_assignment
    WHERE id = :id AND claimed_until IS NOT NULL AND claimed_until <= :now
    ON CONFLICT (assignment_id, claim_token) DO NOTHING
    RETURNING id""")


_UNEXPLAINED = Statement("""
    SELECT COUNT(*) AS number FROM delivery
    WHERE assignment_id = :id AND result = 'retried' AND code_major IN ('failure', 'unsupported')
        AND at > (SELECT COALESCE(sent_at, 0) FROM graded_assignment WHERE id = :id)""")

_FORGET_LOST = Statement("""
    DELETE FROM delivery
    WHERE assignment_id = :assignment_id AND claim_token = :claim_token AND result = 'unknown' RETURNING id""")


async def forget_lost_line(assignment_id: int, token: int) -> None:
    """The holder came back and had sent nothing."""
    await _FORGET_LOST.rows(assignment_id=assignment_id, claim_token=token)


async def count_unexplained(assignment_id: int) -> int:
    """How often the campus has refused without a known reason since it last accepted a grade."""
    row = await _UNEXPLAINED.row(id=assignment_id)
    return int(row["number"]) if row else 0


async def write_line(
    assignment_id: int,
    token: int,
    *,
    at: int,
    attempt: int,
    version: int,
    line: Line,
    entry_id: str | None = None,
) -> None:
    """Write, or complete, the line of one attempt. *at* is in milliseconds since 1970."""
    await write_lines([Written(assignment_id, token, attempt, version, line, entry_id)], at=at)


@dataclass(frozen=True, slots=True)
class Written:
    """A line, and the attempt that it is about."""

    assignment_id: int
    token: int
    attempt: int
    version: int
    line: Line
    entry_id: str | None = None


async def write_lines(lines: Sequence[Written], *, at: int) -> None:
    """Write, or complete, lines of different attempts. *at* is in milliseconds since 1970."""
    given = [
        {
            "assignment_id": one.assignment_id,
            "claim_token": one.token,
            "attempt": one.attempt,
            "version": one.version,
            "entry_id": one.entry_id,
            "score": one.line.score,
            "clamped": one.line.clamped,
            "result": one.line.result,
            "http_status": one.line.http_status,
            "code_major": None if one.line.code_major is None else storable(one.line.code_major, 64),
            "description": storable(one.line.description, 2000),
            "duration_ms": one.line.duration_ms,
        }
        for one in lines
    ]
    await _WRITE.rows(given=given, at=at)


async def write_lost_line(assignment_id: int, *, now: int) -> None:
    """Note the attempt of an expired claim as ``unknown``, before it is taken over."""
    await _WRITE_LOST.rows(id=assignment_id, now=now, false=False)
