"""``feed``: events from a file onto the stream."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from redis.exceptions import RedisError

from daemon.cli.common import FAILED, fail, opened_stream, quiet_config, run_work
from daemon.cli.options import ConfigOption
from daemon.cli.screen import counting_bar
from daemon.infra.errors import describe


def feed_events(
    file: Annotated[str, typer.Argument(metavar="FILE", help="JSON lines, an event each; - reads standard input.")],
    config: ConfigOption = None,
) -> None:
    """Put events onto the stream. Example: echo '{"type": "user.retired", "user_id": "42"}' | passbackd feed -"""
    settings = quiet_config(config)
    try:
        lines = sys.stdin.buffer if file == "-" else Path(file).read_bytes().split(b"\n")
    except OSError as error:
        fail(f"{file}: {error.strerror}")
    number_of_lines = len(lines) if isinstance(lines, list) else 0

    async def work() -> None:
        added = faulty = 0
        async with opened_stream(settings) as stream:
            if stream is None:
                cure = "start the daemon, which runs it: passbackd run" if settings.redis.embedded else "is it running?"
                fail(f"redis.url: Redis does not answer, so nothing was fed; {cure}")
            with counting_bar("feeding", wanted=number_of_lines > 0) as progress:
                for number, line in enumerate(lines, 1):
                    if not line.strip():
                        continue
                    try:
                        await stream.add(event_fields(line))
                        added += 1
                    except ValueError as error:
                        typer.echo(f"{file}, line {number}: {error}", err=True)
                        faulty += 1
                    except RedisError as error:
                        fail(f"{file}, line {number}: Redis failed ({describe(error)}); {added} events were fed")
                    progress(number, number_of_lines)
        typer.echo(f"{added} events fed" + (f", {faulty} lines left out" if faulty else ""))
        if faulty:
            raise typer.Exit(FAILED)

    run_work(work())


class BadLineError(ValueError):
    """A line that is no event; the message says why."""


def event_fields(line: bytes) -> dict[str, str]:
    """
    One JSON line as the flat fields of a stream entry.

    Text stays as it is; numbers and nested values (``blocks``) become JSON text; null fields are absent.

    Raises:
        BadLineError: The line is no JSON object with a ``type``.
    """
    try:
        event = json.loads(line, parse_float=str, parse_int=str)
    except (ValueError, RecursionError) as error:
        raise BadLineError(f"is not JSON: {error}") from error
    if not isinstance(event, dict) or not isinstance(event.get("type"), str):
        raise BadLineError('is not one JSON object with a type: write {"type": "score.changed", ...}, one a line')
    nested = [name for name, value in event.items() if isinstance(value, list | dict) and name != "blocks"]
    if nested:
        raise BadLineError(f"{nested[0]} is no text or number: only blocks may be a list")
    structured = json.loads(line)
    return {
        name: value if isinstance(value, str) else json.dumps(structured[name], ensure_ascii=False)
        for name, value in event.items()
        if value is not None
    }
