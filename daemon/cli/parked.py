"""``parked``: grades that wait until a person acts."""

import json
import shlex
from dataclasses import asdict
from datetime import tzinfo
from typing import Annotated, Literal

import typer

from daemon.cli.common import ConfigOption, JsonOption, asynchronous, cell, console, consumer_id, database_of
from daemon.config import zone
from daemon.infra.text import iso, past
from models.queries.parked import MAX_GROUPS, ParkedGroup, read_parked

_WHO_ACTS = {
    "learner": "of the learner: the campus looks at the learner's enrolment; a new launch by the learner tries again",
    "course": "of the course: its teachers or administrators at the campus have to act",
    "campus": "of the campus or of passbackd: the campus's set-up, or what is sent there, has to be fixed",
}


@asynchronous
async def list_parked(
    consumer: Annotated[str | None, typer.Option("--consumer", help="Of the campus with this consumer key.")] = None,
    course: Annotated[str | None, typer.Option("--course", help="Of this course of the tool.")] = None,
    scope: Annotated[
        Literal["learner", "course", "campus"] | None, typer.Option("--scope", help="Whom the reason is about.")
    ] = None,
    config: ConfigOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """List parked grades by reason, scope and campus. Example: passbackd parked --scope campus"""
    async with database_of(config) as settings:
        await consumer_id(consumer)  # an unknown one is an error, and not an empty list
        groups = await read_parked(consumer_key=consumer, course_id=course, scope=scope)
    if as_json:
        typer.echo(json.dumps([{**asdict(group), "since": iso(group.since)} for group in groups]))
    else:
        _show(groups, zone(settings.log.timezone))


def _show(groups: list[ParkedGroup], where: tzinfo | None) -> None:
    screen = console()
    for group in groups:
        grades = "1 grade" if group.number == 1 else f"{group.number} grades"
        screen.print(
            f"{grades} at {cell(group.consumer)} ({cell(group.origin)}) since {past(group.since, where)}: "
            f"{cell(group.reason)}"
        )
        screen.print(f"  a matter {_WHO_ACTS[group.scope]}")
        screen.print(f"  for example assignment {group.example}; once that is done:")
        screen.print(f"  passbackd resend --parked --consumer {cell(shlex.quote(group.consumer_key))}\n")
    if not groups:
        screen.print("nothing is parked")
    if len(groups) == MAX_GROUPS:
        screen.print(f"these are the {MAX_GROUPS} largest groups; there are more: --consumer, --course narrow it down")
