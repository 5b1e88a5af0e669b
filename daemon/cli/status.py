"""``status``: daemons, assignments by state, and campuses, with the daemon up or down."""

import json

import typer

from daemon.cli.common import (
    ConfigOption,
    JsonOption,
    asynchronous,
    console,
    database_of,
    known_redis,
    measured_clock,
    opened_stream,
)
from daemon.cli.status_view import print_status
from daemon.config import Config, zone
from daemon.ingest.stream import Stream
from daemon.web.health import render, snapshot
from models.queries.status import read_idle_consumers


@asynchronous
async def show_status(
    config: ConfigOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """
    Show who is at work, the assignments by state, and each campus; works with the daemon or Redis down.

    Example: passbackd status --json
    """
    async with database_of(config) as settings, opened_stream(settings) as stream:
        shot = await snapshot((await measured_clock()).now(), stream)
        idle = await read_idle_consumers()
    if as_json:
        typer.echo(json.dumps(render(shot)))
    else:
        print_status(shot, idle, console(), where=zone(settings.log.timezone), redis_away=_away(settings, stream))


def _away(settings: Config, stream: Stream | None) -> str | None:
    """Why Redis does not answer, as far as it is known; None where it does."""
    if stream is not None:
        return None
    return "" if known_redis(settings) is not None else "the embedded one runs with the daemon only"
