"""Finding events in quarantine, and replaying or dropping them on record."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from daemon.infra.text import counted, iso
from daemon.ingest.apply import Applier
from daemon.ingest.replay import replay_events
from daemon.ingest.stream import Stream
from daemon.support.record import Actor, recorded_by, recorded_in_steps_by
from models.db.clock import Clock
from models.event_types import EVENT_TYPES, UNKNOWN
from models.quarantine import EventFilter, QuarantinedEvent, reasons_of

#: Groups that are read.
MAX_READ = 2_000


@dataclass(slots=True)
class ReplayReport:
    """*number*: of events that were replayed. *results*: how many of each. *refused*: ids by the reason."""

    number: int
    results: Counter[str] = field(default_factory=Counter)
    refused: dict[str, list[int]] = field(default_factory=dict)

    @property
    def words(self) -> str:
        """How many events, and how many of each result."""
        counts = ", ".join(f"{number} {result}" for result, number in sorted(self.results.items()))
        return f"{counted(self.number, 'event')} replayed{f': {counts}' if counts else ''}"


@dataclass(frozen=True, slots=True)
class Replayer:
    """What events are replayed with. *stream*: None while Redis is away. *actor*: for the record of actions."""

    applier: Applier
    clock: Clock
    stream: Stream | None
    actor: Actor

    async def replay(
        self,
        ids: Sequence[int],
        selection: Mapping[str, Any],
        *,
        advance: Callable[[int, int], None] = lambda _done, _of: None,
    ) -> ReplayReport:
        """
        Replay these events in this order.

        Args:
            selection: What the record of actions says of them.
            advance: Called after each with how many are done, and of how many.
        """
        report = ReplayReport(len(ids))
        async with recorded_in_steps_by("quarantine replay", selection, self.actor) as counts:
            async for one in replay_events(ids, self.applier, self.clock, self.stream):
                report.results[one.result] += 1
                counts[one.result] = report.results[one.result]
                if one.result == "refused":
                    report.refused.setdefault(one.reason, []).append(one.id)
                advance(report.results.total(), len(ids))
        return report


async def drop_events(wanted: EventFilter, selection: Mapping[str, Any], actor: Actor) -> int:
    """
    Delete the wanted events for good.

    Returns:
        How many there were.
    """
    async with recorded_by("quarantine drop", selection, actor) as counts:
        counts["events"] = await wanted.events().delete()
        return counts["events"]


def selection_of(wanted: EventFilter) -> dict[str, Any]:
    """What the record of actions says of it."""
    return {
        "ids": list(wanted.ids) or None,
        "type": wanted.type,
        "user": wanted.user_id,
        "consumer": wanted.consumer_key,
        "course": wanted.course_id,
    }


async def of_type(wanted: EventFilter, type_: str | None) -> EventFilter:
    """
    The wanted events of that type.

    One that is not in the vocabulary is known by the reason alone, which quotes it; it may be given as it is shown.
    """
    if type_ is None or type_ in (*EVENT_TYPES, UNKNOWN):
        return replace(wanted, type=type_)
    quoted = tuple(f"unknown type {text};" for text in (repr(type_[:64]), f"'{type_}'", f'"{type_}"'))
    wanted = replace(wanted, type=UNKNOWN)
    return replace(wanted, reasons=tuple(one for one in await reasons_of(wanted) if one.startswith(quoted)))


def event_document(event: QuarantinedEvent) -> dict[str, Any]:
    """The event as JSON, without its content."""
    names = ("id", "at", "epoch", "entry_id", "type", "reason", "user_id", "consumer_key", "course_id", "truncated")
    return {name: getattr(event, name) for name in names} | {"at": iso(event.at)}
