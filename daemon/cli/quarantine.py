"""``quarantine``: events that could not be applied."""

import json
from contextlib import nullcontext
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table

from daemon.cli.common import (
    FAILED,
    WRONG,
    ConfigOption,
    console,
    fail,
    opened_database,
    opened_stream,
    quiet_config,
)
from daemon.cli.common import run as run_work
from daemon.config import Config, zone
from daemon.infra.log import printable
from daemon.infra.text import iso, past
from daemon.ingest.apply import Applier, debounce
from daemon.ingest.replay import Replay
from models.assignment import MAX_ID
from models.course import CourseTrees
from models.db.clock import Clock
from models.quarantine import Kept, Which, count, find, in_order, newest
from models.quarantine import drop as drop_all

app = typer.Typer(help="Events that could not be applied.", no_args_is_help=True)

Ids = Annotated[
    list[int] | None,
    typer.Argument(min=1, max=MAX_ID, metavar="ID...", help="Events by their ids.", show_default=False),
]
Type = Annotated[str | None, typer.Option("--type", help="Of this type, as in launch.")]
User = Annotated[str | None, typer.Option("--user", help="About this learner, by the tool's id.")]
Consumer = Annotated[str | None, typer.Option("--consumer", help="That name this consumer key.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Everything = Annotated[bool, typer.Option("--all", help="All of them, unless something narrows it down.")]


@app.command("list")
def list_(
    type_: Type = None,
    user: User = None,
    consumer: Consumer = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=100_000, help="Show so many at most.")] = 50,
    config: ConfigOption = None,
    *,
    as_json: Json = False,
) -> None:
    """List the newest events in quarantine, and why. Example: passbackd quarantine list --type launch"""
    settings, which = quiet_config(config), Which(type=type_, user_id=user, consumer_key=consumer)

    async def work() -> None:
        async with opened_database(settings, may_migrate=False):
            events, number = await newest(which, most=limit), await count(which)
        if as_json:
            typer.echo(json.dumps([_document(event) for event in events]))
            return
        table = Table("id", "read", "entry", "type", "learner", "reason", box=None)
        for event in events:
            words = [past(event.at, zone(settings.log.timezone)), event.entry_id, event.type]
            table.add_row(str(event.id), *map(_text, [*words, event.user_id or "", event.reason]))
        screen = console()
        screen.print(table if events else "nothing is in quarantine")
        if number > len(events):
            screen.print(f"these are {len(events)} of {number}; --limit shows more")

    run_work(work())


@app.command()
def show(
    event_id: Annotated[
        int, typer.Argument(metavar="ID", min=1, max=MAX_ID, help="The event's id.", show_default=False)
    ],
    config: ConfigOption = None,
    *,
    as_json: Json = False,
) -> None:
    """Show one event, what it said and why it was refused. Example: passbackd quarantine show 7"""
    settings = quiet_config(config)

    async def work() -> None:
        async with opened_database(settings, may_migrate=False):
            event = await find(event_id)
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

    run_work(work())


@app.command()
def replay(
    ids: Ids = None,
    type_: Type = None,
    user: User = None,
    consumer: Consumer = None,
    config: ConfigOption = None,
    *,
    everything: Everything = False,
) -> None:
    """Apply events that can be applied by now, in their order. Example: passbackd quarantine replay --type launch"""
    which = _which(ids, type_, user, consumer, everything=everything)
    settings = quiet_config(config)

    async def work() -> None:
        async with opened_database(settings, may_migrate=False):
            await _check_ids(which)
            await replay_all(settings, which)

    run_work(work())


@app.command()
def drop(
    ids: Ids = None,
    type_: Type = None,
    user: User = None,
    consumer: Consumer = None,
    config: ConfigOption = None,
    *,
    everything: Everything = False,
) -> None:
    """Forget events for good. Example: passbackd quarantine drop 7 8"""
    which = _which(ids, type_, user, consumer, everything=everything)
    settings = quiet_config(config)

    async def work() -> None:
        async with opened_database(settings, may_migrate=False):
            await _check_ids(which)
            typer.echo(f"{await drop_all(which)} events dropped")

    run_work(work())


async def replay_all(settings: Config, which: Which) -> None:
    """Within an open database: replay, tell each refusal, and end the command with 1 if there was one."""
    clock = Clock()
    await clock.measure()
    ids = await in_order(which)
    results: dict[str, int] = {}
    screen = console()
    async with opened_stream(settings) as stream:
        applier = Applier(CourseTrees(), debounce(settings.outcomes), settings.egress.policy)
        replaying = Replay(applier, clock, stream)
        with Progress(console=screen, transient=True) if screen.is_terminal else nullcontext() as progress:
            task = None if progress is None else progress.add_task("replaying", total=len(ids))
            async for one in replaying.all(ids):
                results[one.result] = results.get(one.result, 0) + 1
                if one.result == "refused":
                    typer.echo(f"event {one.id} stays in quarantine: {printable(one.reason)}", err=True)
                if progress is not None and task is not None:
                    progress.advance(task)
    told = ", ".join(f"{number} {result}" for result, number in sorted(results.items()))
    typer.echo(f"{len(ids)} events replayed{f': {told}' if told else ''}")
    if results.get("refused"):
        raise typer.Exit(FAILED)


async def _check_ids(which: Which) -> None:
    """A number that is mistyped is another event, or none: nothing is done by half."""
    missing = set(which.ids) - set(await in_order(Which(which.ids))) if which.ids else set()
    if missing:
        fail(f"there is no event {', '.join(map(str, sorted(missing)))} in quarantine: nothing was changed")


def _which(
    ids: list[int] | None, type_: str | None, user: str | None, consumer: str | None, *, everything: bool
) -> Which:
    if not ids and type_ is None and user is None and consumer is None and not everything:
        fail("which events? give their ids, --type, --user or --consumer; --all means every one", WRONG)
    return Which(tuple(ids or ()), type_, user, consumer)


def _document(event: Kept) -> dict[str, Any]:
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


def _content(event: Kept) -> str:
    return event.content.decode(errors="backslashreplace")


def _text(words: str) -> str:
    return escape(printable(words))
