"""
Replaying quarantined events, once what they stumbled over is mended.

An event is applied as of its own entry, in the order of entries, under intake's lock: so it cannot override what is
newer, and a daemon at work does not mind. The dispatcher finds what is due.
"""

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from typing import Literal

import structlog
from tortoise.transactions import in_transaction

from daemon.infra.errors import is_data_fault
from daemon.ingest.apply import Applier
from daemon.ingest.events import BadEvent
from daemon.ingest.parse import read_event
from daemon.ingest.stream import Stream
from models.db.clock import Clock
from models.db.sql import storable
from models.quarantine import QuarantinedEvent, fields_of
from models.registration import EventResult, RegistrationError
from models.stream_position import lock_position, read_position

log = structlog.get_logger(__name__)

#: Characters of a new reason.
MAX_REASON = 2000


@dataclass(frozen=True, slots=True)
class Replayed:
    """What became of one event; *reason*: why it stays in quarantine."""

    id: int
    result: EventResult | Literal["refused", "gone"]
    reason: str = ""


class Replay:
    """
    Args:
        stream: Where entries are read again that quarantine kept only the beginning of; None while Redis is away.
    """

    def __init__(self, applier: Applier, clock: Clock, stream: Stream | None) -> None:
        self._applier = applier
        self._clock = clock
        self._stream = stream

    async def all(self, ids: Iterable[int]) -> AsyncIterator[Replayed]:
        """Replay these, in this order, each in a transaction of its own; a refused one stays and stops nobody."""
        # The first statement of a transaction locks this row, which must be there.
        await read_position()
        for event_id in ids:
            yield await self._one(event_id)

    async def _one(self, event_id: int) -> Replayed:
        event = await QuarantinedEvent.get_or_none(id=event_id)
        if event is None:
            return Replayed(event_id, "gone")
        fields = await self._fields(event)
        if fields is None:
            return Replayed(
                event_id,
                "refused",
                "only its beginning was kept, and the stream does not hold it any more: the tool has to send it again",
            )
        try:
            return Replayed(event_id, await self._apply(event, fields))
        except (BadEvent, RegistrationError) as error:
            reason = str(error)
        except Exception as error:
            if not is_data_fault(error):
                raise
            reason = f"it cannot be stored: {type(error).__name__}"
        await QuarantinedEvent.filter(id=event_id).update(reason=storable(reason, MAX_REASON))
        return Replayed(event_id, "refused", reason)

    async def _apply(self, event: QuarantinedEvent, fields: dict[bytes, bytes]) -> EventResult:
        async with in_transaction():
            position = await lock_position()
            assert position is not None  # noqa: S101 - it was made before, and nobody deletes it
            event_read = read_event(event.entry_id, fields)
            result, _ = await self._applier.apply(event_read, position, now=self._clock.now())
            await QuarantinedEvent.filter(id=event.id).delete()
        log.info("an event was replayed", entry=event.entry_id, type=event.type, result=result)
        return result

    async def _fields(self, event: QuarantinedEvent) -> dict[bytes, bytes] | None:
        if not event.truncated:
            return fields_of(event.content)
        if self._stream is None or (await read_position()).epoch != event.epoch:
            return None
        return await self._stream.entry(event.entry_id)
