"""Deletes all that is stored of a learner. Runs within intake's transaction."""

from collections.abc import Sequence

from tortoise.expressions import Q

from models.action import forget_learner
from models.assignment import GradedAssignment
from models.campus import Campus
from models.db.sql import Statement, is_postgres
from models.delivery import Delivery
from models.moment import Moment
from models.orphaned_claim import orphan_claims
from models.quarantine import QuarantinedEvent
from models.registration import EventResult
from models.retired_user import RetiredUser, digest_of
from models.score import Score
from models.stale_event import StaleEvent
from models.stream_position import Position

_WIPE = Statement("PRAGMA wal_checkpoint(TRUNCATE)")


async def retire(user_id: str, position: Position, *, moment: Moment, now: int) -> EventResult:
    """Delete all data of a learner, as of *moment*; a keyed digest and the date remain."""
    key = digest_of(user_id, position)
    known = await RetiredUser.get_or_none(digest=key)
    if known is not None and known.moment >= moment:
        return "unchanged" if known.moment == moment else "stale"
    # A later disabling advances `registered`, but is no new launch.
    rows = [
        row
        for row in await GradedAssignment.filter(user_id=user_id).prefetch_related("outcome_service__lti_consumer")
        if row.registered <= moment or row.disabled_at is not None
    ]
    await QuarantinedEvent.filter(user_id=user_id).delete()
    await StaleEvent.filter(user_id=user_id).delete()
    await forget_learner(user_id)
    await _delete_events_of_the_lms(rows)
    await _delete_last_errors(rows)
    await orphan_claims([row.id for row in rows], now=now)
    await GradedAssignment.filter(id__in=[row.id for row in rows]).delete()
    await Score.filter(
        Q(modified_us__lt=moment.modified_us) | Q(modified_us=moment.modified_us, place__lte=moment.place),
        user_id=user_id,
    ).delete()
    await RetiredUser.update_or_create({"retired_us": moment.modified_us, "place": moment.place}, digest=key)
    return "applied"


async def _delete_events_of_the_lms(rows: Sequence[GradedAssignment]) -> None:
    """Delete refused events that name the learner as the LMS does; another campus may use the same names."""
    for row in rows:
        names = Q(sourcedid_digest=row.sourcedid_digest)
        if row.lti_user_id:
            names |= Q(lti_user_id=row.lti_user_id)
        campus = Q(consumer_key=row.outcome_service.lti_consumer.consumer_key) | Q(consumer_key__isnull=True)
        await QuarantinedEvent.filter(names & campus).delete()


async def _delete_last_errors(rows: Sequence[GradedAssignment]) -> None:
    """Delete what an LMS said last of its campus if it said so to an attempt for the learner: it may hold a name."""
    said = Delivery.filter(assignment_id__in=[row.id for row in rows]).exclude(description="")
    messages = await said.distinct().values_list("description", flat=True)
    campuses = {row.campus_id for row in rows}
    await Campus.filter(id__in=campuses, last_error__in=messages).update(last_error=None)


async def wipe() -> None:
    """
    Overwrite what SQLite's write-ahead log still holds of deleted rows, outside a transaction.

    It leaves that to the next call while another process reads. PostgreSQL has vacuum for it.
    """
    if not is_postgres():
        await _WIPE.rows()
