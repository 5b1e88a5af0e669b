"""Deletes all that is stored of a learner. Runs within intake's transaction."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from tortoise.exceptions import OperationalError
from tortoise.expressions import Q
from tortoise.transactions import in_transaction

from models.action import forget_learner
from models.assignment import GradedAssignment
from models.campus import Campus
from models.course import LearnerStructure
from models.db.sql import Statement, is_postgres
from models.delivery import Delivery
from models.launch import EventResult
from models.moment import Moment
from models.orphaned_claim import orphan_claims
from models.quarantine import MAX_LEARNER, QuarantinedEvent
from models.retired_user import RetiredName, RetiredUser, digest_of, digests_of_names, retired_since
from models.score import Score
from models.stale_event import StaleEvent
from models.stream_position import Position, known_position

#: Bytes of an SQLite database that is written anew at once after a retirement; a larger one has to wait.
QUICK_BYTES = 64 * 1024 * 1024

# SQLite's secure_delete leaves copies of rows in pages that it has divided or joined. So the database is written anew
# after retirements; ``user_version``, which nothing else uses, counts those that still wait for it.
_WAITING = Statement(
    "SELECT user_version AS number, page_count * page_size AS bytes "
    "FROM pragma_user_version, pragma_page_count, pragma_page_size"
)
_VACUUM = Statement("VACUUM")
_TRUNCATE = Statement("PRAGMA wal_checkpoint(TRUNCATE)")


class _Names(NamedTuple):
    """How an event may name a learner as the LMS does. *consumer_key*: whose names these are."""

    consumer_key: str | None
    sourcedid_digest: str | None
    lti_user_id: str | None


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
    names = await _names(user_id, rows)
    await QuarantinedEvent.filter(user_id=user_id).delete()
    await StaleEvent.filter(user_id=user_id).delete()
    await forget_learner(user_id)
    await _delete_events_of_the_lms(names)
    await _delete_last_errors(rows)
    await orphan_claims([row.id for row in rows], now=now)
    await GradedAssignment.filter(id__in=[row.id for row in rows]).delete()
    await Score.filter(
        Q(modified_us__lt=moment.modified_us) | Q(modified_us=moment.modified_us, place__lte=moment.place),
        user_id=user_id,
    ).delete()
    # What came later is not there yet, also of the same time.
    await LearnerStructure.filter(user_id=user_id, modified_us__lte=moment.modified_us).delete()
    date = {"retired_us": moment.modified_us, "place": moment.place}
    await RetiredUser.update_or_create(date, digest=key)
    for name in names:
        for digest in digests_of_names(**name._asdict(), position=position):
            await _note_name(digest, moment)
    await _await_wiping()
    return "applied"


async def _note_name(digest: str, moment: Moment) -> None:
    # Two learners may have had it, one after the other.
    row, is_new = await RetiredName.get_or_create(
        {"retired_us": moment.modified_us, "place": moment.place}, digest=digest
    )
    if not is_new and Moment(row.retired_us, row.place) < moment:
        await RetiredName.filter(id=row.id).update(retired_us=moment.modified_us, place=moment.place)


async def _names(user_id: str, rows: Sequence[GradedAssignment]) -> set[_Names]:
    """By what names the LMSs know the learner, as far as assignments and refused events show."""
    names = {
        _Names(key, row.sourcedid_digest, (row.lti_user_id or "")[:MAX_LEARNER])
        for row in rows
        # An event may have come before its platform was added under another key than its client id.
        for key in filter(
            None, (row.outcome_service.lti_consumer.consumer_key, row.outcome_service.lti_consumer.client_id)
        )
    }
    refused = QuarantinedEvent.filter(user_id=user_id).exclude(consumer_key=None)
    return names | {_Names(*row) for row in await refused.values_list(*_Names._fields)}


async def _delete_events_of_the_lms(names: Iterable[_Names]) -> None:
    """Delete refused events that name the learner as the LMS does; another campus may use the same names."""
    for consumer_key, sourcedid_digest, lti_user_id in names:
        campus = Q(consumer_key=consumer_key) | Q(consumer_key__isnull=True)
        if sourcedid_digest:
            await QuarantinedEvent.filter(campus, sourcedid_digest=sourcedid_digest).delete()
        if lti_user_id:
            await QuarantinedEvent.filter(campus, lti_user_id=lti_user_id).delete()


async def is_forgotten(user_id: str) -> bool:
    """Whether the learner was retired, and nothing is stored of them since."""
    position = await known_position()
    if position is None or not await retired_since([user_id], position):
        return False
    stored = (GradedAssignment, Score, LearnerStructure)
    return not any([await model.exists(user_id=user_id) for model in stored])


async def _delete_last_errors(rows: Sequence[GradedAssignment]) -> None:
    """Delete what an LMS said last of its campus if it said so to an attempt for the learner: it may hold a name."""
    ids = [row.id for row in rows]
    messages = (
        await Delivery.filter(assignment_id__in=ids)
        .exclude(description="")
        .distinct()
        .values_list("description", flat=True)
    )
    campuses = {row.campus_id for row in rows}
    # The second: of a reading, which leaves no record, or of an attempt whose record was deleted since.
    to_them = Q(id__in=campuses, last_error__in=messages) | Q(last_error_of__in=ids)
    await Campus.filter(to_them).update(last_error=None, last_error_of=None)


async def _await_wiping() -> None:
    if not is_postgres():
        waiting = await _waiting()
        await Statement(f"PRAGMA user_version = {waiting.number + 1}").rows()


async def wipe(*, at_once: bool = False) -> None:
    """
    Overwrite what SQLite still holds of deleted rows, in its database and its write-ahead log, outside a transaction.

    That is left to the next call while another process is at work; *at_once*, where the database is large too, and
    nothing is done unless there was a retirement. PostgreSQL has vacuum for it.
    """
    if is_postgres():
        return
    waiting = await _waiting()
    if at_once and not (waiting.number and waiting.bytes <= QUICK_BYTES):
        return
    try:
        if waiting.number:
            await _VACUUM.rows()
        (done,) = await _TRUNCATE.rows()
    except OperationalError:
        return  # another process is at work
    if waiting.number and not done["busy"]:
        await _wiped(waiting.number)


async def _wiped(number: int) -> None:
    """Unless there was another retirement since."""
    async with in_transaction():
        if (await _waiting()).number == number:
            await Statement("PRAGMA user_version = 0").rows()


class _Waiting(NamedTuple):
    number: int
    bytes: int


async def _waiting() -> _Waiting:
    (row,) = await _WAITING.rows()
    return _Waiting(**row)
