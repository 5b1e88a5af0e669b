"""Requests under way whose assignment was deleted, or went to another campus. Times are those of models.db.clock."""

from collections.abc import Iterable

from tortoise import fields
from tortoise.models import Model

from models.campus import Campus
from models.db.sql import Statement


class OrphanedClaim(Model):
    """A request under way whose assignment was deleted, or went to another campus: it keeps its slot until then."""

    id = fields.BigIntField(primary_key=True)
    campus: fields.ForeignKeyRelation[Campus] = fields.ForeignKeyField(
        "models.Campus", related_name="orphaned_claims", on_delete=fields.CASCADE
    )
    claimed_until = fields.BigIntField()

    class Meta:
        table = "orphaned_claim"
        table_description = "Requests under way whose assignment is gone"


_ORPHAN = Statement(
    """
    INSERT INTO orphaned_claim (campus_id, claimed_until)
    SELECT campus_id, claimed_until FROM {given} CROSS JOIN graded_assignment
    WHERE graded_assignment.id = given.assignment_id AND claimed_until > :now RETURNING id""",
    given="assignment_id BIGINT",
)
_PRUNE_ORPHANS = Statement("DELETE FROM orphaned_claim WHERE claimed_until <= :now RETURNING id")


async def orphan_claims(assignment_ids: Iterable[int], *, now: int) -> None:
    """Keep counting the requests under way of rows that are deleted, or go to another campus, in this transaction."""
    given = [{"assignment_id": assignment_id} for assignment_id in assignment_ids]
    if given:
        await _ORPHAN.rows(given=given, now=now)


async def prune_orphans(*, now: int) -> None:
    """Forget orphaned claims whose lease has run out."""
    await _PRUNE_ORPHANS.rows(now=now)
