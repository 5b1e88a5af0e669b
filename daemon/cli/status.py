"""``status``: the state at a glance, with the daemon up or down."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from daemon.cli.common import ConfigOption, console, opened_database, opened_stream, quiet_config
from daemon.cli.common import run as run_work
from daemon.config import zone
from daemon.health import status_document
from models.clock import Clock

if TYPE_CHECKING:
    from datetime import tzinfo


def status(
    config: ConfigOption = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Show assignments by state and each campus; works with the daemon down. Example: passbackd status --json"""
    settings = quiet_config(config)

    async def work() -> None:
        async with opened_database(settings, may_migrate=False), opened_stream(settings) as stream:
            clock = Clock()
            await clock.measure()
            document = await status_document(clock.now(), stream)
        if as_json:
            typer.echo(json.dumps(document))
        else:
            _show(document, zone(settings.log.timezone))

    run_work(work())


def _show(document: dict[str, Any], where: tzinfo | None) -> None:
    screen = console()
    states = Table("state", "assignments", box=None)
    for state, number in document["assignments"].items():
        states.add_row(state, str(number))
    screen.print(states)
    lag = document["stream_lag"]
    screen.print(f"\noldest due for {document['oldest_due_seconds']:.0f} s")
    screen.print("stream: " + ("Redis does not answer" if lag is None else f"{lag} entries not yet applied"))
    screen.print(f"quarantine: {document['quarantined']} events\n")
    campuses = Table("campus", "address", "gate", "due", "parked", "last success", "last error", box=None)
    for campus in document["campuses"]:
        campuses.add_row(
            campus["consumer"],
            campus["origin"],
            campus["gate"],
            str(campus["due"]),
            str(campus["parked"]),
            _local(campus["last_success"], where),
            campus["last_error"] or "",
        )
    screen.print(campuses if document["campuses"] else "no campus has launched anything yet")


def _local(moment: str | None, where: tzinfo | None) -> str:
    if moment is None:
        return "never"
    return datetime.fromisoformat(moment).replace(tzinfo=UTC).astimezone(where).strftime("%Y-%m-%d %H:%M:%S %Z")
