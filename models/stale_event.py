"""
What ``why`` has to say of a learner although no other row has it, one row for each type and block.

Events that came too late to change anything; and that a campus gave the learner's sourcedid to another learner.
"""

from tortoise import fields
from tortoise.models import Model

from models.db.sql import Statement
from models.stream_position import MAX_ENTRY_ID

#: The type of what is no event about this learner: a newer launch of another one has the sourcedid now.
SOURCEDID_MOVED = "sourcedid.moved"


class StaleEvent(Model):
    """Events of one type about one learner's block that were older than what was known, or took its sourcedid."""

    id = fields.BigIntField(primary_key=True)
    user_id = fields.CharField(max_length=255)
    course_id = fields.CharField(max_length=255)
    usage_id = fields.CharField(max_length=255)
    type = fields.CharField(max_length=64)
    # How many, and the last of them.
    number = fields.BigIntField(default=1)
    entry_id = fields.CharField(max_length=MAX_ENTRY_ID)
    # When it happened by its own account, microseconds since 1970.
    modified_us = fields.BigIntField()
    # When it was read, milliseconds since 1970.
    at = fields.BigIntField()

    class Meta:
        table = "stale_event"
        table_description = "Events that were older than what was known"
        unique_together = (("user_id", "course_id", "usage_id", "type"),)
        indexes = (("at",),)


_NOTE = Statement("""
    INSERT INTO stale_event (user_id, course_id, usage_id, type, number, entry_id, modified_us, at)
    VALUES (:user_id, :course_id, :usage_id, :type, 1, :entry_id, :modified_us, :now)
    ON CONFLICT (user_id, course_id, usage_id, type) DO UPDATE SET
        number = stale_event.number + 1, entry_id = excluded.entry_id, modified_us = excluded.modified_us,
        at = excluded.at
    RETURNING id""")


async def note_stale(
    type_: str, *, user_id: str, course_id: str, usage_id: str, entry_id: str, modified_us: int, now: int
) -> None:
    """An event was older than what is known. *modified_us* is in microseconds since 1970, *now* in milliseconds."""
    await _NOTE.rows(
        type=type_,
        user_id=user_id,
        course_id=course_id,
        usage_id=usage_id,
        entry_id=entry_id,
        modified_us=modified_us,
        now=now,
    )
