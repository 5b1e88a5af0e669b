"""``quarantine``: events that could not be applied."""

import shlex
import sys
from collections.abc import Mapping, Sequence
from typing import Annotated

import typer

from daemon.cli.common import FAILED, WRONG, fail, measured_clock, opened_stream, quiet_config, run_in_database
from daemon.cli.options import AllOption, ConfigOption, JsonOption, UserOption
from daemon.cli.quarantine_page import print_events
from daemon.cli.record import system_user
from daemon.cli.screen import counting_bar, print_json, say
from daemon.config import Config, zone
from daemon.infra.text import counted, past, printable
from daemon.ingest.apply import Applier
from daemon.support.quarantine import MAX_READ, Replayer, drop_events, event_document, of_type, selection_of
from daemon.support.quarantine_words import refusal_lines
from models.course import CourseTrees
from models.db.sql import MAX_ID
from models.quarantine import EventFilter, EventGroup, QuarantinedEvent, by_reason, in_order

app = typer.Typer(help="Events that could not be applied.", no_args_is_help=True)

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
        wanted = await of_type(EventFilter(user_id=user, consumer_key=consumer, course_id=course), type_)
        newest = await wanted.events().order_by("-id").limit(limit)
        return newest, await wanted.events().count(), await by_reason(wanted, MAX_READ)

    events, number, groups = run_in_database(settings, work)
    if as_json:
        print_json([event_document(event) for event in events])
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
        print_json({**event_document(event), "content": content})
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
        await replay_all(settings, await of_type(given, given.type))

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
        return await drop_events(await of_type(given, given.type), selection_of(given), system_user())

    say(f"{counted(run_in_database(quiet_config(config), work), 'event')} dropped")


async def replay_all(settings: Config, wanted: EventFilter) -> None:
    """Within an open database: replay, print each refusal, and end the command with 1 if there was one."""
    clock = await measured_clock()
    ids = await in_order(wanted)
    applier = Applier(CourseTrees(), settings.outcomes.debounce, settings.egress.policy)
    async with opened_stream(settings) as stream:
        replayer = Replayer(applier, clock, stream, system_user())
        with counting_bar("replaying") as progress:
            report = await replayer.replay(ids, selection_of(wanted), advance=progress)
    show_refused(report.refused)
    say(report.words)
    if report.refused:
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
    """Print what a replay left in quarantine; *refused*: ids by reason."""
    for line in refusal_lines(refused):
        say(line, err=True)


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
