"""
What an assignment that is deleted, or moves, leaves behind while a request of it may still land.

The campus stores that request in a cell of its own: one outcome service's URL and one sourcedid. The next row in that
cell, perhaps another learner's or another consumer's, must wait until then, and must be sent even if its score equals
the last one. Times are milliseconds since 1970 by :mod:`models.db.clock`.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass

from tortoise import fields
from tortoise.models import Model
from tortoise.transactions import in_transaction

from models.campus import Campus
from models.changes import FORCE_RESEND_SET
from models.clock_watch import CURRENT, hold_still
from models.consumer import MAX_KEY, MAX_ORIGIN, digest
from models.db.sql import CHUNK, Statement
from models.left_cell import note_left


class OrphanedClaim(Model):
    """
    What is left of an assignment's claim or hold. Names no learner.

    It refers to no campus: the consumer may be removed, and be added again, before the request has landed.
    """

    id = fields.BigIntField(primary_key=True)
    # The campus whose slot the request has, until then; 0: none, or the assignment's own claim counts.
    consumer_key = fields.CharField(max_length=MAX_KEY, db_default="")
    origin = fields.CharField(max_length=MAX_ORIGIN, db_default="")
    claimed_until = fields.BigIntField()
    # The cell in which the request may still land, until then.
    url_digest = fields.CharField(max_length=64, db_default="")
    sourcedid_digest = fields.CharField(max_length=64, db_default="")
    in_doubt_until = fields.BigIntField(db_default=0)
    # Not in use; the schema before wrote it.
    campus: fields.ForeignKeyNullableRelation[Campus] = fields.ForeignKeyField(
        "models.Campus", related_name="orphaned_claims", null=True, on_delete=fields.SET_NULL
    )

    class Meta:
        table = "orphaned_claim"
        table_description = "Requests under way whose assignment is gone"
        indexes = (("consumer_key", "origin"), ("sourcedid_digest",))


@dataclass(frozen=True, slots=True)
class LateRequest:
    """
    A request of *assignment_id*, gone or moved since, that may land in a cell until *in_doubt_until*, or has.

    It carried a grade of that learner and block. *user_id*: None if the row is still there.
    """

    assignment_id: int
    user_id: str | None
    course_id: str
    usage_id: str
    consumer_key: str
    origin: str
    url_digest: str
    sourcedid_digest: str
    in_doubt_until: int


_ORPHAN = Statement(
    """
    INSERT INTO orphaned_claim (consumer_key, origin, claimed_until, url_digest, sourcedid_digest, in_doubt_until)
    SELECT consumer_key, origin, CASE WHEN CAST(:slots AS BOOLEAN) THEN COALESCE(claimed_until, 0) ELSE 0 END,
        url_digest, sourcedid_digest, CASE WHEN claimed_until > hold_until THEN claimed_until ELSE hold_until END
    FROM {given} CROSS JOIN graded_assignment
    JOIN outcome_service ON outcome_service.id = graded_assignment.outcome_service_id
    JOIN campus ON campus.id = graded_assignment.campus_id
    JOIN lti_consumer ON lti_consumer.id = campus.lti_consumer_id
    WHERE graded_assignment.id = given.assignment_id AND (claimed_until > :now OR hold_until > :now) RETURNING id""",
    given="assignment_id BIGINT",
)
_PRUNE_ORPHANS = Statement(f"""
    DELETE FROM orphaned_claim WHERE claimed_until <= :now AND in_doubt_until <= :now AND {CURRENT} RETURNING id""")

# Who moves a row into a cell holds this lock until the commit, and who learns of a late request takes it first: so one
# of them sees what the other did.
_LOCK_CELL = Statement("""
    SELECT in_doubt_until FROM orphaned_claim
    WHERE sourcedid_digest = :sourcedid_digest AND url_digest = :url_digest ORDER BY id {for_update}""")
_NOTE_LATE = Statement("""
    INSERT INTO orphaned_claim (consumer_key, origin, claimed_until, url_digest, sourcedid_digest, in_doubt_until)
    VALUES (:consumer_key, :origin, 0, :url_digest, :sourcedid_digest, :in_doubt_until) RETURNING id""")
# Of a row that is gone, also what displaced it, since the LMS may know the same cell by several sourcedids, and over
# both versions of LTI.
_OVERWRITE = Statement(f"""
    WITH locked AS MATERIALIZED (
        SELECT id FROM graded_assignment WHERE id <> :assignment_id AND id IN (
            SELECT graded_assignment.id FROM graded_assignment
            JOIN outcome_service ON outcome_service.id = graded_assignment.outcome_service_id
            WHERE sourcedid_digest = :sourcedid_digest AND url_digest = :url_digest
            UNION SELECT graded_assignment.id FROM graded_assignment
            JOIN campus ON campus.id = graded_assignment.campus_id
            JOIN lti_consumer ON lti_consumer.id = campus.lti_consumer_id
            WHERE user_id = :user_id AND course_id = :course_id AND usage_id = :usage_id
                AND (lti_consumer.issuer IS NOT NULL OR lti_consumer.consumer_key = :consumer_key AND origin = :origin))
        ORDER BY id {{for_update}})
    UPDATE graded_assignment SET {FORCE_RESEND_SET},
        hold_until = CASE WHEN hold_until < :in_doubt_until THEN :in_doubt_until ELSE hold_until END
    WHERE id IN (SELECT id FROM locked) RETURNING id""")


async def orphan_claims(assignment_ids: Iterable[int], *, now: int, slots: bool = True) -> None:
    """
    Record what rows that are deleted or moved in this transaction leave in their cells: scores, and requests under way.

    *slots*: whether these go on taking slots of their campus; False for rows that keep their claim there.
    """
    given = [{"assignment_id": assignment_id} for assignment_id in assignment_ids]
    # A consumer that is removed may have a million.
    for start in range(0, len(given), CHUNK):
        chunk = given[start : start + CHUNK]
        await note_left(chunk)
        await _ORPHAN.rows(given=chunk, now=now, slots=slots)


async def in_doubt_until(url_digest: str, sourcedid: str) -> int:
    """
    Until when a request of another row may land in a cell; 0 if none is known.

    Locks the cell, so that this precedes what the transaction does to rows.
    """
    rows = await _LOCK_CELL.rows(url_digest=url_digest, sourcedid_digest=digest(sourcedid))
    return max((row["in_doubt_until"] for row in rows), default=0)


async def overwrite_late_request(late: LateRequest, *, now: int) -> None:
    """
    A request ended whose row was gone or had moved: have the rows that may be in its cell now sent once more.

    A row that comes later waits until the request has landed. Within a transaction, which it begins.
    """
    cell = {"url_digest": late.url_digest, "sourcedid_digest": late.sourcedid_digest}
    await _LOCK_CELL.rows(**cell)
    if late.in_doubt_until > now:
        campus = {"consumer_key": late.consumer_key, "origin": late.origin}
        await _NOTE_LATE.rows(**cell, **campus, in_doubt_until=late.in_doubt_until)
    await _OVERWRITE.rows(**asdict(late), now=now)


async def prune_orphans(*, now: int, steps: int = 0) -> None:
    """Forget orphaned claims whose lease and hold have passed. *steps*: as in :func:`models.rescue.rescue`."""
    async with in_transaction():
        await hold_still()
        await _PRUNE_ORPHANS.rows(now=now, steps=steps)
