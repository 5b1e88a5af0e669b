"""``feed``: events from a file onto the stream."""

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, BinaryIO

import typer
from redis.exceptions import RedisError
from rich.progress import track

from daemon.cli.common import ConfigOption, asynchronous, console, fail, opened_stream, quiet_config
from daemon.infra.errors import describe


@asynchronous
async def feed_events(
    file: Annotated[str, typer.Argument(metavar="FILE", help="JSON lines, an event each; - reads standard input.")],
    config: ConfigOption = None,
) -> None:
    """Put events onto the stream. Example: echo '{"type": "user.retired", "user_id": "42"}' | passbackd feed -"""
    try:
        lines = _lines(sys.stdin.buffer) if file == "-" else _read(Path(file))
    except OSError as error:
        fail(f"{file}: {error.strerror}")
    settings = quiet_config(config)
    added = faulty = 0
    async with opened_stream(settings) as stream:
        if stream is None:
            cure = "start the daemon, which runs it: passbackd run" if settings.redis.embedded else "is it running?"
            fail(f"redis.url: Redis does not answer, so nothing was fed; {cure}")
        for number, line in _with_bar(lines):
            try:
                fields = event_fields(line)
            except BadLineError as error:
                typer.echo(f"{file}, line {number}: {error}", err=True)
                faulty += 1
                continue
            try:
                await stream.add(fields)
            except RedisError as error:
                fail(f"{file}, line {number}: Redis failed ({describe(error)}); {added} events were fed")
            added += 1
    typer.echo(f"{added} events fed" + (f", {faulty} lines left out" if faulty else ""))
    if faulty:
        raise typer.Exit(1)


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
    if not isinstance(event, dict):
        event = {}
    if not isinstance(event.get("type"), str):
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


def _read(path: Path) -> list[tuple[int, bytes]]:
    with path.open("rb") as file:
        return list(_lines(file))


def _lines(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    return ((number, line) for number, line in enumerate(file, 1) if line.strip())


def _with_bar(lines: Iterable[tuple[int, bytes]]) -> Iterable[tuple[int, bytes]]:
    screen = console()
    if isinstance(lines, list) and screen.is_terminal:
        return track(lines, description="feeding", console=screen, transient=True)
    return lines
