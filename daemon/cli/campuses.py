"""What `consumer` and `platform` do alike, whichever version of LTI a campus speaks."""

import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import typer

from daemon.cli.common import WRONG, fail, measured_clock, quiet_config, run_in_database
from daemon.cli.record import recorded
from daemon.cli.screen import console, print_json, say, table
from daemon.infra.text import counted
from models import consumer_admin

Changed = TypeVar("Changed")


def show_campuses(config: Path | None, *, as_json: bool, first: str) -> None:
    """Print every campus. *first*: the command that adds one, for who has none."""
    rows = run_in_database(quiet_config(config), consumer_admin.listing)
    if as_json:
        print_json(rows)
    elif not rows:
        say(f"no campus yet: {first}")
    else:
        console().print(
            table(("name", "key", "protocol", "guid or issuer", "assignments", "launched from", ""), map(_cells, rows))
        )


def _cells(row: dict[str, Any]) -> list[object]:
    notes = [*(["paused"] if row["paused"] else []), *(["a pending secret"] if row["pending"] else [])]
    if row["issuer"] is not None and row["client_id"] != row["key"]:
        notes.append(f"client id {row['client_id']}")
    which = row["guid"] if row["issuer"] is None else row["issuer"]
    columns = (row["consumer"], row["key"], row["protocol"], which, row["assignments"])
    return [*columns, ", ".join(row["origins"]), ", ".join(notes)]


def pause_campus(config: Path | None, group: str, key: str) -> None:
    """*group*: of the subcommands, for the record, as in all of these."""
    changed = _change(config, f"{group} pause", key, consumer_admin.pause)
    say(f"paused {key}: its grades wait" if changed else f"{key} was paused already")


def resume_campus(config: Path | None, group: str, key: str) -> None:
    changed = _change(config, f"{group} resume", key, consumer_admin.resume)
    say(f"resumed {key}: its grades go out" if changed else f"{key} was not paused")


def remove_campus(config: Path | None, group: str, key: str, *, yes: bool) -> None:
    """Asks on a terminal unless *yes*."""
    if not yes:
        if not sys.stdin.isatty():
            fail("--yes: removing a campus deletes all its assignments and records: say --yes to do it", WRONG)
        typer.confirm(f"remove the campus with the key {key}, its assignments and records?", abort=True)
    gone, unsent = _change(config, f"{group} remove", key, consumer_admin.remove)
    lost = f", {unsent} of them with a grade that was not sent yet" if unsent else ""
    say(f"removed {key} and {counted(gone, 'assignment')}{lost}")


def _change(config: Path | None, command: str, key: str, change: Callable[..., Awaitable[Changed]]) -> Changed:
    async def work() -> Changed:
        async with recorded(command, {"consumer": key}) as counts:
            changed = await change(key, now=(await measured_clock()).now())
            if isinstance(changed, tuple):
                counts.update(zip(("assignments", "unsent"), changed, strict=True))
            else:
                counts["campuses"] = int(bool(changed))
            return changed

    return run_in_database(quiet_config(config), work)
