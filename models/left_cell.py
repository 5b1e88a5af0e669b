"""
Cells of LTI 1.3 platforms that an assignment has left for good: a learner in a line item.

The platform still holds the score and its timestamp. The next row in the cell does not know either, and would take them
for a person's later grade (rule 11 of the design); so it begins with an order.
"""

from collections.abc import Mapping, Sequence

from tortoise import fields
from tortoise.models import Model

from models.db.sql import Statement
from models.stream_position import Position, read_position


class LeftCell(Model):
    """A line item and a learner's id there, as a keyed digest: the learner may have to stay forgotten."""

    id = fields.BigIntField(primary_key=True)
    digest = fields.CharField(max_length=64, unique=True)

    class Meta:
        table = "left_cell"
        table_description = "Learners in line items to whom scores were sent by assignments that are gone"


# A claim alone says nothing: each new row is claimed once, also if it has no score.
_MAY_HAVE_SENT = """(sent_at IS NOT NULL OR forced_version > sent_version OR claimed_until IS NOT NULL OR hold_until > 0
        OR EXISTS (SELECT 1 FROM delivery WHERE delivery.assignment_id = graded_assignment.id))"""
_LEFT = Statement(
    f"""
    SELECT url_digest, sourcedid_digest FROM {{given}} CROSS JOIN graded_assignment
    JOIN outcome_service ON outcome_service.id = graded_assignment.outcome_service_id
    JOIN lti_consumer ON lti_consumer.id = outcome_service.lti_consumer_id
    WHERE graded_assignment.id = given.assignment_id AND issuer IS NOT NULL AND {_MAY_HAVE_SENT}""",
    given="assignment_id BIGINT",
)
_NOTE = Statement(
    "INSERT INTO left_cell (digest) SELECT digest FROM {given} WHERE TRUE ON CONFLICT DO NOTHING RETURNING id",
    given="digest VARCHAR",
)


async def note_left(given: Sequence[Mapping[str, int]]) -> None:
    """
    Record the cells of rows that are deleted or moved in this transaction, if they may have sent a score.

    *given*: each with its ``assignment_id``.
    """
    position = await read_position()
    cells = [_digest(**row, position=position) for row in await _LEFT.rows(given=given)]
    if cells:
        await _NOTE.rows(given=[{"digest": cell} for cell in cells])


async def was_left(url_digest: str, sourcedid_digest: str) -> bool:
    """Whether a row that is gone may have sent a score to that cell."""
    return await LeftCell.exists(digest=_digest(url_digest, sourcedid_digest, await read_position()))


def _digest(url_digest: str, sourcedid_digest: str, position: Position) -> str:
    return position.keyed_digest(f"{url_digest}\n{sourcedid_digest}")
