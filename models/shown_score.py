"""What a campus showed in place of a score that it had acknowledged, when that was sent again for this reason."""

from tortoise import fields
from tortoise.models import Model

from models.assignment import GradedAssignment
from models.db.sql import Statement, storable

#: Characters of what a campus showed that are kept.
MAX_SHOWN_TEXT = 64


class ShownScore(Model):
    """
    At most one an assignment.

    If the campus acknowledges the same score once more and shows the same as before, it will not be moved by a third
    time: it keeps the best of several, or a teacher's override.
    """

    id = fields.BigIntField(primary_key=True)
    assignment: fields.OneToOneRelation[GradedAssignment] = fields.OneToOneField(
        "models.GradedAssignment", related_name="shown_score", on_delete=fields.CASCADE
    )
    # The cell of the campus in which it was: a launch may move the assignment to another one.
    outcome_service_id = fields.BigIntField()
    sourcedid_digest = fields.CharField(max_length=64)
    # What the campus had acknowledged: the assignment's version, and its score (wire text).
    version = fields.BigIntField()
    sent_score = fields.CharField(max_length=32)
    # As the campus wrote it; empty where it showed none.
    shown = fields.CharField(max_length=MAX_SHOWN_TEXT)

    assignment_id: int

    class Meta:
        table = "shown_score"
        table_description = "Scores that campuses showed in place of those that they had acknowledged"


_REMEMBER = Statement("""
    INSERT INTO shown_score (assignment_id, outcome_service_id, sourcedid_digest, version, sent_score, shown)
    SELECT id, outcome_service_id, sourcedid_digest, CAST(:version AS BIGINT), sent_score, CAST(:shown AS VARCHAR)
    FROM graded_assignment WHERE id = :id AND sent_score IS NOT NULL
    ON CONFLICT (assignment_id) DO UPDATE SET
        outcome_service_id = excluded.outcome_service_id, sourcedid_digest = excluded.sourcedid_digest,
        version = excluded.version, sent_score = excluded.sent_score, shown = excluded.shown
    RETURNING id""")
_FORGET = Statement("DELETE FROM shown_score WHERE assignment_id = :id RETURNING id")


async def remember(assignment_id: int, version: int, shown: str) -> None:
    """Its campus had acknowledged the score of *version*, the newest, and showed *shown*. Replaces what was before."""
    await _REMEMBER.rows(id=assignment_id, version=version, shown=storable(shown, MAX_SHOWN_TEXT))


async def forget(assignment_id: int) -> None:
    """Its campus shows what it acknowledged."""
    await _FORGET.rows(id=assignment_id)
