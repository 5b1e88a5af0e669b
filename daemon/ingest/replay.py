"""
Replaying quarantined events, once the reason for their refusal is fixed.

An event is applied as of its own entry, or of when it was read if the entry's id lies in the future, in the order of
entries, under intake's lock: so it cannot override what is newer, also while a daemon runs. The dispatcher finds what
is due.
"""

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from typing import Literal

import structlog
from tortoise.transactions import in_transaction

from daemon.infra.errors import is_data_fault
from daemon.ingest.apply import Applier
from daemon.ingest.events import BadEvent
from daemon.ingest.parse import is_ahead, read_event
from daemon.ingest.stream import Stream
from models.clock_watch import catch_up
from models.db.clock import Clock
from models.db.sql import storable
from models.launch import EventResult, RegistrationError
from models.quarantine import QuarantinedEvent, fields_of
from models.stream_position import lock_position, read_position

log = structlog.get_logger(__name__)

#: Characters of a new reason.
MAX_REASON = 2000
_INCOMPLETE = "only its beginning was kept, and the stream does not hold it any more: the tool has to send it again"


@dataclass(frozen=True, slots=True)
class Replayed:
    """The result of one event; *reason*: why it stays in quarantine."""

    id: int
    result: EventResult | Literal["refused", "gone"]
    reason: str = ""


async def replay_events(
    ids: Iterable[int], applier: Applier, clock: Clock, stream: Stream | None
) -> AsyncIterator[Replayed]:
    """
    Replay these events in this order, each in a transaction of its own; a refused one stays in quarantine.

    *stream*: has the entries of which quarantine kept only the beginning; None while Redis is away.
    """
    # The first statement of a transaction locks this row, which must exist.
    await read_position()
    for event_id in ids:
        event = await QuarantinedEvent.get_or_none(id=event_id)
        if event is None:
            yield Replayed(event_id, "gone")
        elif (fields := await _fields(event, stream)) is None:
            yield Replayed(event_id, "refused", _INCOMPLETE)
        else:
            await catch_up(clock)
            yield await _replay_one(event, fields, applier, clock)


async def _replay_one(event: QuarantinedEvent, fields: dict[bytes, bytes], applier: Applier, clock: Clock) -> Replayed:
    try:
        async with in_transaction():
            position = await lock_position()
            assert position is not None  # noqa: S101 - read_position() made it, and nothing deletes it
            now = clock.now()
            # Of an id that is no time, what is known of the entry's arrival is when it was read.
            entry_id = f"{event.at}-0" if is_ahead(event.entry_id, now) else event.entry_id
            result, _ = await applier.apply(read_event(entry_id, fields, now=now), position, now=now)
            await QuarantinedEvent.filter(id=event.id).delete()
    except (BadEvent, RegistrationError) as error:
        reason = str(error)
    except Exception as error:
        if not is_data_fault(error):
            raise
        reason = f"it cannot be stored: {type(error).__name__}"
    else:
        await applier.probe()
        log.info("an event was replayed", entry=event.entry_id, type=event.type, result=result)
        return Replayed(event.id, result)
    await QuarantinedEvent.filter(id=event.id).update(reason=storable(reason, MAX_REASON))
    return Replayed(event.id, "refused", reason)


async def _fields(event: QuarantinedEvent, stream: Stream | None) -> dict[bytes, bytes] | None:
    if not event.truncated:
        return fields_of(event.content)
    if stream is None or (await read_position()).epoch != event.epoch:
        return None
    return await stream.entry(event.entry_id)
