"""Applies a batch of stream entries in one transaction; what cannot be applied goes to quarantine."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import asyncpg
import structlog
from tortoise.transactions import in_transaction

from actors.failpoints import Reached
from actors.metrics import Metrics
from daemon.infra.errors import is_data_fault
from daemon.ingest.apply import Applier
from daemon.ingest.catch_up import CatchUp
from daemon.ingest.events import BadEvent, Event, ScoreChanged
from daemon.ingest.parse import event_type, event_us, read_event
from models.changes import Dirty
from models.consumer import MAX_KEY, digest
from models.db.clock import Clock
from models.quarantine import QuarantinedEvent, content_of
from models.registration import RegistrationError
from models.retired_user import is_retired
from models.stream_position import Position, lock_position, move_position

log = structlog.get_logger(__name__)

Entry = tuple[str, dict[bytes, bytes]]


class PositionMovedError(Exception):
    """Another daemon does intake."""


@dataclass(frozen=True, slots=True)
class _Done:
    """One entry, applied or quarantined."""

    type: str
    result: str
    dirty: Sequence[Dirty] = ()


def _read(entry: Entry) -> tuple[Entry, Event | BadEvent]:
    try:
        return entry, read_event(*entry)
    except BadEvent as error:
        return entry, error


class Batches:
    """
    Applies batches.

    Args:
        enqueue: Sends messages for changed assignments; called after the commit, and allowed to fail.
        reached: Called at each point that a batch passes.
    """

    def __init__(
        self,
        applier: Applier,
        *,
        clock: Clock,
        backlog: CatchUp,
        metrics: Metrics,
        enqueue: Callable[[Sequence[Dirty]], Awaitable[None]],
        reached: Reached,
    ) -> None:
        self._applier = applier
        self._clock = clock
        self._backlog = backlog
        self._metrics = metrics
        self._enqueue = enqueue
        self._reached = reached

    async def take(self, position: Position, entries: Sequence[Entry]) -> None:
        """
        Apply a batch that was read at *position*.

        A fault of the data is looked for one entry at a time, and the culprit quarantined: poison must not stop intake.
        """
        try:
            done = await self._apply(position, entries)
        except Exception as error:
            if not is_data_fault(error):
                raise
            log.warning("a batch failed on its data and is taken one entry at a time", error=type(error).__name__)
            for entry in entries:
                await self._take_alone(position, entry)
                position = Position(position.epoch, entry[0], position.digest_key)
        else:
            await self._finish(done)

    async def _take_alone(self, position: Position, entry: Entry) -> None:
        try:
            done = await self._apply(position, [entry])
        except Exception as error:
            if not is_data_fault(error):
                raise
            # Not the driver's words: they hold people's values.
            log.error(  # noqa: TRY400 - as above: a traceback ends in them
                "an entry cannot be stored and goes to quarantine", entry=entry[0], error=type(error).__name__
            )
            async with in_transaction():
                await self._lock(position)
                done = [await self._quarantine(position, entry, f"it cannot be stored: {_why(error)}")]
                await move_position(position.epoch, entry[0])
        await self._finish(done)

    async def _apply(self, position: Position, entries: Sequence[Entry]) -> list[_Done]:
        async with in_transaction():
            await self._lock(position)
            done = await self._all(position, entries)
            await move_position(position.epoch, entries[-1][0])
            self._reached("batch applied")
        self._reached("batch committed")
        return done

    async def _lock(self, position: Position) -> None:
        try:
            here = await lock_position()
        except asyncpg.LockNotAvailableError as error:
            raise PositionMovedError from error  # another daemon is in the middle of a long batch
        if here != position:
            raise PositionMovedError

    async def _all(self, position: Position, entries: Sequence[Entry]) -> list[_Done]:
        """In stream order; scores that follow each other, which most entries are, together."""
        done: list[_Done] = []
        for of_scores, run in groupby(map(_read, entries), lambda read: isinstance(read[1], ScoreChanged)):
            if of_scores:
                done += await self._scores(position, list(run))  # type: ignore[arg-type]
            else:
                done += [await self._one(position, entry, event) for entry, event in run]
        return done

    async def _scores(self, position: Position, run: Sequence[tuple[Entry, ScoreChanged]]) -> list[_Done]:
        events = [event for _, event in run]
        results, dirty = await self._applier.apply_scores(
            events, position, now=self._clock.now(), force=self._must_go_out
        )
        done = [_Done("score.changed", result) for result in results]
        for (entry, _), result in zip(run, results, strict=True):
            log.debug("an event was read", entry=entry[0], type="score.changed", result=result)
        return [*done[:-1], replace(done[-1], dirty=dirty)]

    @property
    def _must_go_out(self) -> bool:
        """While a backlog is read the database may be an old one, which does not know what was sent since."""
        return not self._backlog.applied

    async def _one(self, position: Position, entry: Entry, event: Event | BadEvent) -> _Done:
        entry_id, fields = entry
        try:
            if isinstance(event, BadEvent):
                raise event
            result, dirty = await self._applier.apply(event, position, now=self._clock.now(), force=self._must_go_out)
        except (BadEvent, RegistrationError) as error:
            log.info("an event goes to quarantine", entry=entry_id, type=event_type(fields))
            return await self._quarantine(position, entry, str(error))
        touched = [one.assignment_id for one in dirty]
        log.debug("an event was read", entry=entry_id, type=event_type(fields), result=result, assignments=touched)
        return _Done(event_type(fields), result, dirty)

    async def _quarantine(self, position: Position, entry: Entry, reason: str) -> _Done:
        entry_id, fields = entry
        user_id, sourcedid = _storable(fields.get(b"user_id")), fields.get(b"lis_result_sourcedid")
        consumer_key = _storable(fields.get(b"oauth_consumer_key"))
        content, truncated = content_of(fields)
        if user_id and await is_retired(user_id, position, modified_us=event_us(entry_id, fields)):
            return _Done(event_type(fields), "stale")
        await QuarantinedEvent.create(
            epoch=position.epoch,
            entry_id=entry_id,
            at=self._clock.now(),
            type=event_type(fields),
            reason=_storable(reason.encode(errors="replace")),
            content=content,
            truncated=truncated,
            consumer_key=consumer_key if consumer_key and len(consumer_key) <= MAX_KEY else None,
            user_id=user_id and user_id[:255],
            sourcedid_digest=sourcedid and digest(sourcedid.decode(errors="replace")),
        )
        return _Done(event_type(fields), "quarantined")

    async def _finish(self, done: Sequence[_Done]) -> None:
        for one in done:
            self._metrics.events.labels(one.type, one.result).inc()
        await self._enqueue([dirty for one in done for dirty in one.dirty])
        self._reached("messages sent")


def _storable(value: bytes | None) -> str | None:
    return None if value is None else value.decode(errors="backslashreplace").replace("\x00", "\\x00")


def _why(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:500]
