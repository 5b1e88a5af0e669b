"""Applies a batch of stream entries in one transaction; what cannot be applied goes to quarantine."""

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from itertools import groupby

import asyncpg
import structlog
from tortoise.transactions import in_transaction

from actors.failpoints import Hit, pass_by
from actors.metrics import Metrics
from daemon.infra.errors import is_data_fault
from daemon.ingest.apply import Applier
from daemon.ingest.catch_up import CatchUp
from daemon.ingest.events import BadEvent, Event, Launched, ScoreChanged, ScoreCleared
from daemon.ingest.first_launches import apply_first
from daemon.ingest.parse import event_moment, event_type, read_event
from models.changes import Dirty
from models.clock_watch import hold_still, is_current
from models.consumer import MAX_KEY, digest, find_platform
from models.db.clock import Clock
from models.launch import RegistrationError
from models.quarantine import MAX_LEARNER, QuarantinedEvent, content_of
from models.retired_user import digests_of_names, is_retired, is_retired_name
from models.retirement import wipe
from models.stream_position import Position, lock_position, move_position

log = structlog.get_logger(__name__)

Entry = tuple[str, dict[bytes, bytes]]

_OF_SCORES = (ScoreChanged, ScoreCleared)


class PositionMovedError(Exception):
    """Another daemon does intake, or the database's clock stepped: this batch is not applied."""


@dataclass(slots=True)
class _Applied:
    """A type and a result for each entry of a batch, and the assignments that it made dirty."""

    results: list[tuple[str, str]] = field(default_factory=list)
    dirty: list[Dirty] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Batches:
    """
    Applies batches.

    *enqueue* sends messages for changed assignments after the commit, and may fail: the dispatcher finds what is due.
    *hit*: failpoints.
    """

    applier: Applier
    clock: Clock
    backlog: CatchUp
    metrics: Metrics
    enqueue: Callable[[Sequence[Dirty]], Awaitable[None]]
    hit: Hit = pass_by

    async def take(self, position: Position, entries: Sequence[Entry]) -> None:
        """Apply a batch that was read at *position*; after a fault of its data one by one, to isolate the bad one."""
        try:
            applied = await self._apply(position, entries)
        except Exception as error:
            if not is_data_fault(error):
                raise
            log.warning("a batch failed on its data and is taken one entry at a time", error=type(error).__name__)
            for entry in entries:
                await self._take_alone(position, entry)
                position = Position(position.epoch, entry[0], position.digest_key)
        else:
            await self._finish(applied)

    async def _take_alone(self, position: Position, entry: Entry) -> None:
        try:
            applied = await self._apply(position, [entry])
        except Exception as error:
            if not is_data_fault(error):
                raise
            # Without the driver's message and a traceback: they hold personal data.
            log.error(  # noqa: TRY400 - as above
                "an entry cannot be stored and goes to quarantine", entry=entry[0], error=type(error).__name__
            )
            reason = f"it cannot be stored: {type(error).__name__}: {error}"[:500]
            async with in_transaction():
                await self._lock(position)
                applied = _Applied([await self._quarantine(position, entry, reason)])
                await move_position(position.epoch, entry[0])
        await self._finish(applied)

    async def _apply(self, position: Position, entries: Sequence[Entry]) -> _Applied:
        """Apply entries in stream order; consecutive scores, which most entries are, and launches together."""
        applied = _Applied()
        async with in_transaction():
            await self._lock(position)
            for together, run in groupby(map(self._read, entries), lambda read: _together(read[1])):
                if together is ScoreChanged:
                    await self._scores(position, list(run), applied)  # type: ignore[arg-type]
                    continue
                reads = list(run)
                first = await self._first_launches(position, reads, applied) if together is Launched else ()
                for number, (entry, event) in enumerate(reads):
                    if number not in first:
                        await self._one(position, entry, event, applied)
            await move_position(position.epoch, entries[-1][0])
            self.hit("batch applied")
        self.hit("batch committed")
        return applied

    def _read(self, entry: Entry) -> tuple[Entry, Event | BadEvent]:
        try:
            return entry, read_event(*entry, now=self.clock.now())
        except BadEvent as error:
            return entry, error

    async def _lock(self, position: Position) -> None:
        try:
            here = await lock_position()
            await hold_still()
        except asyncpg.LockNotAvailableError as error:
            raise PositionMovedError from error  # another daemon is in the middle of a long batch
        if here != position or not await is_current(self.clock.steps):
            raise PositionMovedError

    async def _scores(
        self, position: Position, run: Sequence[tuple[Entry, ScoreChanged | ScoreCleared]], applied: _Applied
    ) -> None:
        events = [event for _, event in run]
        results, dirty = await self.applier.apply_scores(
            events, position, now=self.clock.now(), force=self._must_go_out
        )
        for (entry, _), result in zip(run, results, strict=True):
            kind = event_type(entry[1])
            log.debug("an event was read", entry=entry[0], type=kind, result=result)
            applied.results.append((kind, result))
        applied.dirty += dirty

    async def _first_launches(
        self, position: Position, run: Sequence[tuple[Entry, Event | BadEvent]], applied: _Applied
    ) -> set[int]:
        """Apply those launches that register what nothing is known of, and return their numbers."""
        launches = [event.registration for _, event in run if isinstance(event, Launched) and event.registration]
        first, dirty, campuses = await apply_first(
            launches, position, trees=self.applier.trees, egress=self.applier.egress, now=self.clock.now()
        )
        for number in sorted(first):
            log.debug("an event was read", entry=run[number][0][0], type="launch", result="applied")
            applied.results.append(("launch", "applied"))
        applied.dirty += dirty
        self.applier.probes |= campuses
        return first

    @property
    def _must_go_out(self) -> bool:
        """During catch-up the database may be an old one, which does not know what was sent since."""
        return not self.backlog.applied

    async def _one(self, position: Position, entry: Entry, event: Event | BadEvent, applied: _Applied) -> None:
        entry_id, kind = entry[0], event_type(entry[1])
        try:
            if isinstance(event, BadEvent):
                raise event
            result, dirty = await self.applier.apply(event, position, now=self.clock.now(), force=self._must_go_out)
        except (BadEvent, RegistrationError) as error:
            log.info("an event goes to quarantine", entry=entry_id, type=kind, reason=_loggable(error))
            applied.results.append(await self._quarantine(position, entry, str(error)))
            return
        touched = [one.assignment_id for one in dirty]
        log.debug("an event was read", entry=entry_id, type=kind, result=result, assignments=touched)
        applied.results.append((kind, result))
        applied.dirty += dirty

    async def _quarantine(self, position: Position, entry: Entry, reason: str) -> tuple[str, str]:
        entry_id, fields = entry
        kind = event_type(fields)
        user_id, sourcedid = _storable(fields.get(b"user_id")), fields.get(b"lis_result_sourcedid")
        course_id = _storable(fields.get(b"course_id"))
        consumer_key = await _named_consumer(fields)
        lti_user_id = (_storable(fields.get(b"lti_user_id")) or "")[:MAX_LEARNER] or None
        content, truncated = content_of(fields)
        cell = digest(sourcedid.decode(errors="replace")) if sourcedid else None
        moment = event_moment(entry_id, fields)
        if user_id and await is_retired(user_id, position, moment=moment):
            return kind, "stale"
        names = digests_of_names(consumer_key, sourcedid_digest=cell, lti_user_id=lti_user_id, position=position)
        if await is_retired_name(names, moment=moment):
            return kind, "stale"
        await QuarantinedEvent.create(
            epoch=position.epoch,
            entry_id=entry_id,
            at=self.clock.now(),
            type=kind,
            reason=_storable(reason.encode(errors="replace")),
            content=content,
            truncated=truncated,
            consumer_key=consumer_key if consumer_key and len(consumer_key) <= MAX_KEY else None,
            course_id=course_id and course_id[:MAX_LEARNER],
            user_id=user_id and user_id[:MAX_LEARNER],
            lti_user_id=lti_user_id,
            sourcedid_digest=cell,
        )
        return kind, "quarantined"

    async def _finish(self, applied: _Applied) -> None:
        for kind, result in applied.results:
            self.metrics.of(self.metrics.events, kind, result).inc()
        await self.applier.probe()
        await self.enqueue(applied.dirty)
        self.hit("messages sent")
        if ("user.retired", "applied") in applied.results:
            # Last, since it may rewrite the database: grades do not wait for it.
            await wipe(at_once=True)


def _together(event: Event | BadEvent) -> type[Event] | None:
    """What an event is applied together with, where others of the kind come before or after it."""
    if isinstance(event, _OF_SCORES):
        return ScoreChanged
    return Launched if isinstance(event, Launched) and event.registration is not None else None


async def _named_consumer(fields: dict[bytes, bytes]) -> str | None:
    """
    The key of the consumer or platform that an entry names.

    For a platform that is not known: its client id, which is its key unless the operator chooses another one.
    """
    issuer, client_id = _storable(fields.get(b"issuer")), _storable(fields.get(b"client_id"))
    if not client_id:
        return _storable(fields.get(b"oauth_consumer_key"))
    platform = await find_platform(issuer or "", client_id)
    return client_id if platform is None else platform.consumer_key


def _loggable(error: BadEvent | RegistrationError) -> str:
    """The reason without what it quotes of an event, which may be about a person."""
    return re.sub(r"""(['"]).*\1""", "[...]", str(error)) if isinstance(error, BadEvent) else str(error)


def _storable(value: bytes | None) -> str | None:
    return None if value is None else value.decode(errors="backslashreplace").replace("\x00", "\\x00")
