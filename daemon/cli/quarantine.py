"""``quarantine``: events that could not be applied."""

import shlex
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any

import typer

from daemon.cli.common import FAILED, WRONG, fail, measured_clock, opened_stream, quiet_config, run_in_database
from daemon.cli.options import AllOption, ConfigOption, JsonOption, UserOption
from daemon.cli.quarantine_page import print_events, without_quotes
from daemon.cli.record import recorded, recorded_in_steps
from daemon.cli.screen import counting_bar, print_json, say
from daemon.config import Config, zone
from daemon.infra.text import counted, iso, past, printable
from daemon.ingest.apply import Applier
from daemon.ingest.replay import replay_events
from models.course import CourseTrees
from models.db.sql import MAX_ID
from models.event_types import EVENT_TYPES, UNKNOWN
from models.quarantine import EventFilter, EventGroup, QuarantinedEvent, by_reason, in_order, reasons_of

app = typer.Typer(help="Events that could not be applied.", no_args_is_help=True)

#: Groups that are read, at most; refusals that a replay names one by one; and reasons that it names.
MAX_READ, FEW, MAX_REASONS = 2_000, 20, 40

Ids = Annotated[list[int] | None, typer.Argument(min=1, max=MAX_ID, metavar="ID...", help="Events by their ids.")]
Type = Annotated[str | None, typer.Option("--type", help="Only this type, as in launch.")]
EventCourse = Annotated[
    str | None, typer.Option("--course", metavar="ID", help="Only those that name this course of the tool.")
]
Consumer = Annotated[str | None, typer.Option("--consumer", help="Only those that name this consumer key.")]


@app.command("list")
def list_events(
    type_: Type = None,
    user: UserOption = None,
    consumer: Consumer = None,
    course: EventCourse = None,
    limit: Annotated[
        int, typer.Option("--limit", metavar="NUMBER", min=1, max=100_000, help="Show so many at most, up to 100,000.")
    ] = 50,
    config: ConfigOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Count quarantined events by reason, and list the newest. Example: passbackd quarantine list --type launch"""
    settings = quiet_config(config)

    async def work() -> tuple[list[QuarantinedEvent], int, list[EventGroup]]:
        wanted = await _of_type(EventFilter(user_id=user, consumer_key=consumer, course_id=course), type_)
        newest = await wanted.events().order_by("-id").limit(limit)
        return newest, await wanted.events().count(), await by_reason(wanted, MAX_READ)

    events, number, groups = run_in_database(settings, work)
    if as_json:
        print_json([_document(event) for event in events])
        return
    where = zone(settings.log.timezone)
    print_events(events, groups, number, where, cut=len(groups) == MAX_READ)


@app.command("show")
def show_event(
    event_id: Annotated[int, typer.Argument(metavar="ID", min=1, max=MAX_ID, help="The event's id.")],
    config: ConfigOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Show one event, what it said and why it was refused. Example: passbackd quarantine show 7"""
    settings = quiet_config(config)

    async def work() -> QuarantinedEvent | None:
        return await QuarantinedEvent.get_or_none(id=event_id)

    event = run_in_database(settings, work)
    if event is None:
        fail(f"there is no event {event_id} in quarantine: see `passbackd quarantine list`")
    content = event.content.decode(errors="backslashreplace")
    if as_json:
        print_json({**_document(event), "content": content})
        return
    say(f"entry {event.entry_id}, read {past(event.at, zone(settings.log.timezone))}")
    say(f"refused: {printable(event.reason)}\n")
    for line in content.split("\n"):
        say(printable(line))
    if event.truncated:
        say("\nonly the beginning was kept; a replay needs the whole entry from the stream")


@app.command("replay")
def replay_chosen(
    ids: Ids = None,
    type_: Type = None,
    user: UserOption = None,
    consumer: Consumer = None,
    course: EventCourse = None,
    config: ConfigOption = None,
    *,
    everything: AllOption = False,
) -> None:
    """Apply events that can be applied by now, in their order. Example: passbackd quarantine replay --type launch"""
    given = _wanted(ids, type_, user, consumer, course, everything=everything)
    settings = quiet_config(config)

    async def work() -> None:
        await _check_ids(given)
        await replay_all(settings, await _of_type(given, given.type))

    run_in_database(settings, work)


@app.command("drop")
def drop_chosen(
    ids: Ids = None,
    type_: Type = None,
    user: UserOption = None,
    consumer: Consumer = None,
    course: EventCourse = None,
    config: ConfigOption = None,
    *,
    everything: AllOption = False,
) -> None:
    """Delete events for good. Example: passbackd quarantine drop 7 8"""
    given = _wanted(ids, type_, user, consumer, course, everything=everything)

    async def work() -> int:
        await _check_ids(given)
        wanted = await _of_type(given, given.type)
        async with recorded("quarantine drop", selection_of(given)) as counts:
            counts["events"] = await wanted.events().delete()
            return counts["events"]

    say(f"{counted(run_in_database(quiet_config(config), work), 'event')} dropped")


async def replay_all(settings: Config, wanted: EventFilter) -> None:
    """Within an open database: replay, print each refusal, and end the command with 1 if there was one."""
    clock = await measured_clock()
    ids = await in_order(wanted)
    results: Counter[str] = Counter()
    refused: dict[str, list[int]] = {}
    async with (
        recorded_in_steps("quarantine replay", selection_of(wanted)) as done,
        opened_stream(settings) as stream,
    ):
        applier = Applier(CourseTrees(), settings.outcomes.debounce, settings.egress.policy)
        with counting_bar("replaying") as progress:
            async for one in replay_events(ids, applier, clock, stream):
                results[one.result] += 1
                done[one.result] = results[one.result]
                if one.result == "refused":
                    refused.setdefault(one.reason, []).append(one.id)
                progress(results.total(), len(ids))
    show_refused(refused)
    counts = ", ".join(f"{number} {result}" for result, number in sorted(results.items()))
    say(f"{counted(len(ids), 'event')} replayed{f': {counts}' if counts else ''}")
    if results["refused"]:
        raise typer.Exit(FAILED)


async def offer_replay(settings: Config, key: str, *, at_once: bool) -> None:
    """
    Offer to replay what a campus sent before it was added: its launches, and the events that followed them.

    Within an open database. All of it in order: a launch alone would enable what the tool has disabled since.
    """
    waiting = EventFilter(consumer_key=key)
    number = await waiting.events().count()
    if not number:
        return
    say(f"{counted(number, 'event')} with this key {'is' if number == 1 else 'are'} in quarantine")
    if at_once or (sys.stdin.isatty() and sys.stdout.isatty() and typer.confirm("replay them now?", default=True)):
        await replay_all(settings, waiting)
    else:
        say(f"replay them with: passbackd quarantine replay --consumer {shlex.quote(key)}")


def show_refused(refused: Mapping[str, Sequence[int]]) -> None:
    """
    A line an event if these are few, else a line for all that are refused alike, the most first.

    *refused*: ids by reason.
    """
    if sum(map(len, refused.values())) <= FEW:
        for reason, ids in refused.items():
            for event_id in ids:
                say(f"event {event_id} stays in quarantine: {printable(reason)}", err=True)
        return
    alike: dict[str, list[int]] = {}
    for reason, ids in refused.items():
        alike.setdefault(without_quotes(reason), []).extend(ids)
    reasons = sorted(alike.items(), key=lambda item: -len(item[1]))
    for reason, ids in reasons[:MAX_REASONS]:
        stay = f"{len(ids)} events stay" if len(ids) > 1 else "1 event stays"
        say(f"{stay} in quarantine, such as event {ids[0]}: {printable(reason)}", err=True)
    if len(reasons) > MAX_REASONS:
        left = sum(len(ids) for _, ids in reasons[MAX_REASONS:])
        say(f"{left} more events stay for other reasons: see `passbackd quarantine list`", err=True)


def selection_of(wanted: EventFilter) -> dict[str, Any]:
    """What the record of actions says of it."""
    return {
        "ids": list(wanted.ids) or None,
        "type": wanted.type,
        "user": wanted.user_id,
        "consumer": wanted.consumer_key,
        "course": wanted.course_id,
    }


async def _check_ids(wanted: EventFilter) -> None:
    """Refuse ids that are not there: one that is mistyped may have meant another event, so nothing is done by half."""
    missing = set(wanted.ids) - set(await in_order(EventFilter(wanted.ids))) if wanted.ids else set()
    if missing:
        fail(f"there is no event {', '.join(map(str, sorted(missing)))} in quarantine: nothing was changed")


def _wanted(
    ids: list[int] | None,
    type_: str | None,
    user: str | None,
    consumer: str | None,
    course: str | None,
    *,
    everything: bool,
) -> EventFilter:
    if not ids and all(one is None for one in (type_, user, consumer, course)) and not everything:
        fail("which events? give their ids, --type, --user, --consumer or --course; --all means every one", WRONG)
    return EventFilter(tuple(ids or ()), type_, user, consumer, course)


async def _of_type(wanted: EventFilter, type_: str | None) -> EventFilter:
    """
    The wanted events of that type.

    One that is not in the vocabulary is known by the reason alone, which quotes it; it may be given as it is shown.
    """
    if type_ is None or type_ in (*EVENT_TYPES, UNKNOWN):
        return replace(wanted, type=type_)
    quoted = tuple(f"unknown type {text};" for text in (repr(type_[:64]), f"'{type_}'", f'"{type_}"'))
    wanted = replace(wanted, type=UNKNOWN)
    return replace(wanted, reasons=tuple(one for one in await reasons_of(wanted) if one.startswith(quoted)))


def _document(event: QuarantinedEvent) -> dict[str, Any]:
    """The event as JSON, without its content."""
    names = ("id", "at", "epoch", "entry_id", "type", "reason", "user_id", "consumer_key", "course_id", "truncated")
    return {name: getattr(event, name) for name in names} | {"at": iso(event.at)}
