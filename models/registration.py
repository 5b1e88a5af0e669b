"""Launches register and move assignments. Runs within intake's transaction."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from models.assignment import GradedAssignment, Kind
from models.campus import OutcomeService, forget_error
from models.changes import clear_backoff, force_resend, raise_hold, unpark
from models.consumer import ANY_INSTANCE, MAX_GUID, LtiConsumer, digest
from models.delivery import Delivery, forget_messages
from models.destination import consumer_of, learn_product, note_offered, service_of
from models.launch import EventResult, Registration, RegistrationError
from models.left_cell import was_left
from models.moment import entry_at
from models.move import Move, moved_over, moving, note_move
from models.orphaned_claim import in_doubt_until, orphan_claims
from models.stale_event import SOURCEDID_MOVED, note_stale

# The columns that a launch may leave out.
_DETAILS = ("resource_link_id", "lti_user_id", "context_title", "resource_link_title")


@dataclass(frozen=True, slots=True)
class Registered:
    """
    What a launch did.

    *assignment_id*: the assignment that may be dirty now; None after a stale launch. *new_origin*: where it came from,
    if its consumer had come from elsewhere alone. *new_guid*: if this is on record for its consumer from now on.
    *probe*: the campus to probe soon (:func:`models.campus.probe_soon`), once the transaction has ended.
    """

    result: EventResult
    assignment_id: int | None = None
    new_origin: str | None = None
    new_guid: str | None = None
    probe: int | None = None


async def register(launch: Registration, *, kind: Kind, now: int) -> Registered:
    """
    Register, move or unpark the assignment that a launch names.

    Raises:
        RegistrationError: The consumer is unknown, another instance of its LMS is on record, or the outcome service's
            URL is invalid.
    """
    consumer = await consumer_of(launch)
    guid = (launch.instance_guid or "")[:MAX_GUID]
    if guid and consumer.instance_guid not in (None, ANY_INSTANCE, guid):
        if await _is_overtaken(launch, consumer):
            return Registered("stale")
        raise _other_instance(consumer, guid)
    service, new_origin = await service_of(consumer, launch)
    # First, as it locks the cell.
    may_land_until = await in_doubt_until(service.url_digest, launch.lis_result_sourcedid)
    known = await _known(launch, consumer, service)
    if any(launch.moment < row.registered for row in (*known, *await moved_over(launch))):
        return Registered("stale", new_origin=new_origin)
    move = await moving(launch)
    known += [] if move is None else move.rows
    await note_offered(service, launch)
    await learn_product(consumer, launch)
    new_guid = guid if guid and consumer.instance_guid is None else None
    if new_guid:
        await LtiConsumer.filter(id=consumer.id).update(instance_guid=new_guid)
    changed = await _replace(known, launch, service, kind, now) if known else None
    result, assignment_id = changed or ("applied", await _create(launch, consumer, service, kind, now))
    await _note_moved(assignment_id, launch, move, known, now=now)
    if may_land_until > now and not (known and _is_in_cell(known[0], launch, service)):
        await _wait_and_resend(assignment_id, until=may_land_until, now=now)
    is_newest = all(launch.moment > row.registered for row in known)
    return Registered(result, assignment_id, new_origin, new_guid, service.campus_id if is_newest else None)


async def _note_moved(
    assignment_id: int, launch: Registration, move: Move | None, known: Sequence[GradedAssignment], *, now: int
) -> None:
    """From where the assignment moved; for people also where it could not, since the consumer is not known."""
    if move is not None:
        source = (move.consumer.consumer_key, move.link_id)
        stored = {row.id: (row.moved_from_key, row.moved_from_link_id) for row in known}
        if stored.get(assignment_id) != source:
            await note_move(assignment_id, *source)
        if move.rows:
            date = datetime.fromtimestamp(now / 1000, UTC).date().isoformat()
            await _note(known[0], f"moved from LTI 1.1 consumer {move.consumer.consumer_name} on {date}; ")
    elif launch.platform is not None and launch.platform.moves_from is not None:
        key = launch.platform.moves_from[:64]
        said = f"was launched as that of the LTI 1.1 consumer {key!r}, which is not known here, so that nothing moved; "
        row = await GradedAssignment.get(id=assignment_id)
        if said not in row.note:
            await _note(row, said)


async def _replace(
    known: Sequence[GradedAssignment], launch: Registration, service: OutcomeService, kind: Kind, now: int
) -> tuple[EventResult, int]:
    """Keep the row that owns the sourcedid, and delete those that were at its new place."""
    keep, *displaced = known
    if keep.user_id != launch.user_id:
        await _part_from_learner(keep, launch, now)
    await orphan_claims([row.id for row in displaced], now=now)
    for row in displaced:
        await _displace(row, keep)
    result, assignment_id = await _refresh(keep, launch, service, kind, now)
    may_land_until = max((max(row.claimed_until or 0, row.hold_until) for row in displaced), default=0)
    if may_land_until > now:
        # The LMS may know the same cell by several sourcedids.
        await _wait_and_resend(keep.id, until=may_land_until, now=now)
    return ("applied" if displaced else result), assignment_id


async def _part_from_learner(row: GradedAssignment, launch: Registration, now: int) -> None:
    """The sourcedid is another learner's now: neither is to see what is on record of the other."""
    row.note = ""
    await note_stale(
        SOURCEDID_MOVED,
        user_id=row.user_id,
        course_id=row.course_id,
        usage_id=row.usage_id,
        entry_id=launch.entry_id or "",
        modified_us=launch.modified_us,
        now=now,
    )
    next_version = row.version_number + 1
    await GradedAssignment.filter(id=row.id).update(note="", learner_version=next_version)


async def _wait_and_resend(assignment_id: int, *, until: int, now: int) -> None:
    """A request of another row may still land where this row's grade is."""
    await raise_hold(assignment_id, until=until)
    await force_resend(assignment_id, now=now)


def _is_in_cell(row: GradedAssignment, launch: Registration, service: OutcomeService) -> bool:
    """Whether the row has been in the launch's cell before it."""
    return (row.outcome_service_id, row.lis_result_sourcedid) == (service.id, launch.lis_result_sourcedid)


async def _is_overtaken(launch: Registration, consumer: LtiConsumer) -> bool:
    """Whether a launch of this sourcedid or a newer one was applied already, as before the stream was read again."""
    rows = await GradedAssignment.filter(
        outcome_service__lti_consumer_id=consumer.id, sourcedid_digest=digest(launch.lis_result_sourcedid)
    )
    return any(launch.moment <= row.registered for row in rows)


def _other_instance(consumer: LtiConsumer, guid: str) -> RegistrationError:
    key = shlex.quote(consumer.consumer_key)
    return RegistrationError(
        f"tool_consumer_instance_guid: the launch is from {guid!r}, and on record for the consumer "
        f"{consumer.consumer_key!r} is {consumer.instance_guid!r}: a copy of that LMS needs another key; if the campus "
        f"itself has changed, run `passbackd consumer guid {key} {shlex.quote(guid)}`, then "
        f"`passbackd quarantine replay --consumer {key}`"
    )


async def _known(launch: Registration, consumer: LtiConsumer, service: OutcomeService) -> list[GradedAssignment]:
    """
    The row that owns the sourcedid, if any, and then those that the learner has on the block through the same link.

    A link has one sourcedid a learner, so the others are outdated.
    """
    known = await GradedAssignment.filter(
        outcome_service_id=service.id, sourcedid_digest=digest(launch.lis_result_sourcedid)
    )
    if launch.resource_link_id is not None:
        known += await GradedAssignment.filter(
            outcome_service__lti_consumer_id=consumer.id,
            user_id=launch.user_id,
            course_id=launch.course_id,
            usage_id=launch.usage_id,
            resource_link_id=launch.resource_link_id,
            id__not_in=[row.id for row in known],
        ).order_by("-registered_us", "-registered_place", "-id")
    return known


async def _create(launch: Registration, consumer: LtiConsumer, service: OutcomeService, kind: Kind, now: int) -> int:
    place = _place(launch, service)
    is_ordered = consumer.issuer is not None and await was_left(service.url_digest, place["sourcedid_digest"])
    row: GradedAssignment = await GradedAssignment.create(
        **place,
        **{name: getattr(launch, name) for name in _DETAILS},
        registered_us=launch.modified_us,
        registered_place=launch.moment.place,
        entry_id=launch.entry_id,
        ordered_version=1 if is_ordered else 0,
        composite=kind == "composite",
        changed_at=min(launch.modified_us // 1000, now),
        due_at=now,
    )
    return int(row.id)


def _place(launch: Registration, service: OutcomeService) -> dict[str, Any]:
    """Whose grade goes where: a launch that changes one of these columns moves the assignment."""
    return {
        "user_id": launch.user_id,
        "course_id": launch.course_id,
        "usage_id": launch.usage_id,
        "outcome_service_id": service.id,
        "campus_id": service.campus_id,
        "lis_result_sourcedid": launch.lis_result_sourcedid,
        "sourcedid_digest": digest(launch.lis_result_sourcedid),
    }


async def _displace(row: GradedAssignment, keep: GradedAssignment) -> None:
    """Delete a row; the kept one takes over its delivery records, which are of the same learner and block."""
    await Delivery.filter(assignment_id=row.id).update(assignment_id=keep.id)
    if row.moved_from_key is not None:
        await note_move(keep.id, row.moved_from_key, row.moved_from_link_id)
    await _note(keep, f"replaced assignment {row.id}, which a newer launch of the same link gave another sourcedid; ")
    await GradedAssignment.filter(id=row.id).delete()


async def _note(row: GradedAssignment, note: str) -> None:
    """For people, before what was noted earlier."""
    row.note = (note + row.note)[:2000]
    await GradedAssignment.filter(id=row.id).update(note=row.note)


async def _refresh(
    row: GradedAssignment, launch: Registration, service: OutcomeService, kind: Kind, now: int
) -> tuple[EventResult, int]:
    place = _place(launch, service)
    moved = any(getattr(row, name) != value for name, value in place.items())
    newer = launch.moment > row.registered
    forced = moved or (row.disabled_at is not None and newer)
    unparked = row.parked_at is not None and launch.modified_us > row.parked_at * 1000
    if not _is_in_cell(row, launch, service):
        await orphan_claims([row.id], now=now, slots=row.campus_id != service.campus_id)
    if row.user_id != launch.user_id:
        await forget_messages(row.id)
        await forget_error(row.id)
    kept = ("resource_link_id",) if moved else _DETAILS
    details = {name: getattr(launch, name) or (getattr(row, name) if name in kept else None) for name in _DETAILS}
    await GradedAssignment.filter(id=row.id).update(
        **place,
        **details,
        registered_us=launch.modified_us,
        registered_place=launch.moment.place,
        entry_id=launch.entry_id if forced or unparked else row.entry_id,
        changed_at=min(launch.modified_us // 1000, now) if forced or unparked else row.changed_at,
        composite=kind == "composite" if moved else row.composite,
        disabled_at=None if forced else row.disabled_at,
    )
    if forced:
        await force_resend(row.id, now=now)
    elif unparked:
        await unpark(row.id, now=now)
    elif newer:
        await clear_backoff(row.id, now=now)
    return "applied" if forced or unparked else "unchanged", row.id


async def move_to(row: GradedAssignment, service: OutcomeService, *, now: int) -> int:
    """
    Move an assignment to another outcome service of its consumer, as a launch would; returns the id of what is there.

    One that is there already for the same learner at the LMS survives; the newer launch of the two says of which block.
    Within the transaction that holds intake's lock.
    """
    may_land_until = await in_doubt_until(service.url_digest, row.lis_result_sourcedid)
    owner = await GradedAssignment.get_or_none(outcome_service_id=service.id, sourcedid_digest=row.sourcedid_digest)
    newest = row if owner is None or row.registered > owner.registered else owner
    known = [row] if owner is None else [owner, row]
    kind: Kind = "composite" if newest.composite else "leaf"
    _, landed = await _replace(known, _launch_of(newest, service), service, kind, now)
    if may_land_until > now and owner is None:
        await _wait_and_resend(landed, until=may_land_until, now=now)
    if newest.disabled_at is not None:
        await GradedAssignment.filter(id=landed).update(disabled_at=newest.disabled_at)
    return landed


def _launch_of(row: GradedAssignment, service: OutcomeService) -> Registration:
    """The newest launch or disabling of an assignment, at that service."""
    return Registration(
        consumer_key="",
        user_id=row.user_id,
        course_id=row.course_id,
        usage_id=row.usage_id,
        lis_result_sourcedid=row.lis_result_sourcedid,
        lis_outcome_service_url=service.lis_outcome_service_url,
        modified_us=row.registered_us,
        entry_id=entry_at(row.registered_place),
        **{name: getattr(row, name) for name in _DETAILS},
    )
