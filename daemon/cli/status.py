"""``status``: the state at a glance, with the daemon up or down."""

import json
from typing import Annotated

import typer

from daemon.cli.common import ConfigOption, console, opened_database, opened_stream, quiet_config, redis_url
from daemon.cli.common import run as run_work
from daemon.cli.status_view import show
from daemon.config import Config, zone
from daemon.ingest.stream import Stream
from daemon.web.health import render, snapshot
from models.db.clock import Clock
from models.queries.status import read_idle_consumers


def status(
    config: ConfigOption = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """
    Show who is at work, the assignments by state, and each campus; works with the daemon or Redis down.

    Example: passbackd status --json
    """
    settings = quiet_config(config)

    async def work() -> None:
        async with opened_database(settings, may_migrate=False), opened_stream(settings) as stream:
            clock = Clock()
            await clock.measure()
            shot = await snapshot(clock.now(), stream)
            idle = await read_idle_consumers()
        if as_json:
            typer.echo(json.dumps(render(shot)))
        else:
            show(shot, idle, console(), where=zone(settings.log.timezone), redis_away=_away(settings, stream))

    run_work(work())


def _away(settings: Config, stream: Stream | None) -> str | None:
    """Why Redis does not answer, as far as it is known; None where it does."""
    if stream is not None:
        return None
    return "" if redis_url(settings) is not None else "the embedded one runs with the daemon only"
