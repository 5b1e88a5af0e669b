"""``quarantine``: events that could not be applied."""

import json
from contextlib import nullcontext
from typing import Annotated, Any

import typer
from rich.progress import Progress
from rich.table import Table

from daemon.cli.common import (
    FAILED,
    WRONG,
    ConfigOption,
    JsonOption,
    asynchronous,
    cell,
    console,
    database_of,
    fail,
    measured_clock,
    opened_stream,
)
from daemon.config import Config, zone
from daemon.infra.log import printable
from daemon.infra.text import iso, past
from daemon.ingest.apply import Applier
from daemon.ingest.replay import replay_events
from models.assignment import MAX_ID
from models.course import CourseTrees
from models.quarantine import EventFilter, QuarantinedEvent, in_order

app = typer.Typer(help="Events that could not be applied.", no_args_is_help=True)

Ids = Annotated[
    list[int] | None,
    typer.Argument(min=1, max=MAX_ID, metavar="ID...", help="Events by their ids.", show_default=False),
]
Type = Annotated[str | None, typer.Option("--type", help="Of this type, as in launch.")]
User = Annotated[str | None, typer.Option("--user", help="About this learner, by the tool's id.")]
Consumer = Annotated[str | None, typer.Option("--consumer", help="That name this consumer key.")]
Everything = Annotated[bool, typer.Option("--all", help="All of them, unless something narrows it down.")]


@app.command("list")
@asynchronous
async def list_events(
    type_: Type = None,
    user: User = None,
    consumer: Consumer = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=100_000, help="Show so many at most.")] = 50,
    config: ConfigOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """List the newest events in quarantine, and why. Example: passbackd quarantine list --type launch"""
    wanted = EventFilter(type=type_, user_id=user, consumer_key=consumer)
    async with database_of(config) as settings:
        events = await wanted.events().order_by("-id").limit(limit)
        number = await wanted.events().count()
    if as_json:
        typer.echo(json.dumps([_document(event) for event in events]))
        return
    table = Table("id", "read", "entry", "type", "learner", "reason", box=None)
    for event in events:
        words = [past(event.at, zone(settings.log.timezone)), event.entry_id, event.type]
        table.add_row(str(event.id), *map(cell, [*words, event.user_id or "", event.reason]))
    screen = console()
    screen.print(table if events else "nothing is in quarantine")
    if number > len(events):
        screen.print(f"these are {len(events)} of {number}; --limit shows more")


@app.command("show")
@asynchronous
async def show_event(
    event_id: Annotated[
        int, typer.Argument(metavar="ID", min=1, max=MAX_ID, help="The event's id.", show_default=False)
    ],
    config: ConfigOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Show one event, what it said and why it was refused. Example: passbackd quarantine show 7"""
    async with database_of(config) as settings:
        event = await QuarantinedEvent.get_or_none(id=event_id)
    if event is None:
        fail(f"there is no event {event_id} in quarantine: see `passbackd quarantine list`")
    if as_json:
        typer.echo(json.dumps({**_document(event), "content": _content(event)}))
        return
    typer.echo(f"entry {event.entry_id}, read {past(event.at, zone(settings.log.timezone))}")
    typer.echo(f"refused: {printable(event.reason)}\n")
    for line in _content(event).split("\n"):
        typer.echo(printable(line))
    if event.truncated:
        typer.echo("\nonly the beginning was kept; a replay needs the whole entry from the stream")


@app.command("replay")
@asynchronous
async def replay_chosen(
    ids: Ids = None,
    type_: Type = None,
    user: User = None,
    consumer: Consumer = None,
    config: ConfigOption = None,
    *,
    everything: Everything = False,
) -> None:
    """Apply events that can be applied by now, in their order. Example: passbackd quarantine replay --type launch"""
    wanted = _filter(ids, type_, user, consumer, everything=everything)
    async with database_of(config) as settings:
        await _check_ids(wanted)
        await replay_all(settings, wanted)


@app.command("drop")
@asynchronous
async def drop_chosen(
    ids: Ids = None,
    type_: Type = None,
    user: User = None,
    consumer: Consumer = None,
    config: ConfigOption = None,
    *,
    everything: Everything = False,
) -> None:
    """Forget events for good. Example: passbackd quarantine drop 7 8"""
    wanted = _filter(ids, type_, user, consumer, everything=everything)
    async with database_of(config):
        await _check_ids(wanted)
        typer.echo(f"{await wanted.events().delete()} events dropped")


async def replay_all(settings: Config, wanted: EventFilter) -> None:
    """Within an open database: replay, print each refusal, and end the command with 1 if there was one."""
    clock = await measured_clock()
    ids = await in_order(wanted)
    results: dict[str, int] = {}
    screen = console()
    async with opened_stream(settings) as stream:
        applier = Applier(CourseTrees(), settings.outcomes.debounce, settings.egress.policy)
        with Progress(console=screen, transient=True) if screen.is_terminal else nullcontext() as progress:
            task = None if progress is None else progress.add_task("replaying", total=len(ids))
            async for one in replay_events(ids, applier, clock, stream):
                results[one.result] = results.get(one.result, 0) + 1
                if one.result == "refused":
                    typer.echo(f"event {one.id} stays in quarantine: {printable(one.reason)}", err=True)
                if progress is not None and task is not None:
                    progress.advance(task)
    counts = ", ".join(f"{number} {result}" for result, number in sorted(results.items()))
    typer.echo(f"{len(ids)} events replayed{f': {counts}' if counts else ''}")
    if results.get("refused"):
        raise typer.Exit(FAILED)


async def _check_ids(wanted: EventFilter) -> None:
    """Refuse all if one id is unknown: it may be mistyped."""
    missing = set(wanted.ids) - set(await in_order(EventFilter(wanted.ids))) if wanted.ids else set()
    if missing:
        fail(f"there is no event {', '.join(map(str, sorted(missing)))} in quarantine: nothing was changed")


def _filter(
    ids: list[int] | None, type_: str | None, user: str | None, consumer: str | None, *, everything: bool
) -> EventFilter:
    if not ids and type_ is None and user is None and consumer is None and not everything:
        fail("which events? give their ids, --type, --user or --consumer; --all means every one", WRONG)
    return EventFilter(tuple(ids or ()), type_, user, consumer)


def _document(event: QuarantinedEvent) -> dict[str, Any]:
    return {
        "id": event.id,
        "at": iso(event.at),
        "epoch": event.epoch,
        "entry_id": event.entry_id,
        "type": event.type,
        "reason": event.reason,
        "user_id": event.user_id,
        "consumer_key": event.consumer_key,
        "truncated": event.truncated,
    }


def _content(event: QuarantinedEvent) -> str:
    return event.content.decode(errors="backslashreplace")
