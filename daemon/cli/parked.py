"""``parked``: what waits for somebody to act."""

import json
import shlex
from dataclasses import asdict
from datetime import tzinfo
from typing import Annotated, Literal

import typer
from rich.markup import escape

from daemon.cli.common import ConfigOption, console, consumer_id, opened_database, quiet_config
from daemon.cli.common import run as run_work
from daemon.config import zone
from daemon.infra.log import printable
from daemon.infra.text import iso, past
from models.queries.parked import MAX_GROUPS, ParkedGroup, read_parked

_WHO_ACTS = {
    "learner": "of the learner: the campus looks at the learner's enrolment; a new launch by the learner tries again",
    "course": "of the course: its teachers or administrators at the campus have to act",
    "campus": "of the campus or of us: the campus's set-up, or what we send there, has to be mended",
}


def parked(
    consumer: Annotated[str | None, typer.Option("--consumer", help="Of the campus with this consumer key.")] = None,
    course: Annotated[str | None, typer.Option("--course", help="Of this course of the tool.")] = None,
    scope: Annotated[
        Literal["learner", "course", "campus"] | None, typer.Option("--scope", help="Whose affair the reason is.")
    ] = None,
    config: ConfigOption = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """List parked grades by reason, scope and campus. Example: passbackd parked --scope campus"""
    settings = quiet_config(config)

    async def work() -> None:
        async with opened_database(settings, may_migrate=False):
            await consumer_id(consumer)  # one that is not there has no grades, and is worth a word
            groups = await read_parked(consumer_key=consumer, course_id=course, scope=scope)
        if as_json:
            typer.echo(json.dumps([{**asdict(group), "since": iso(group.since)} for group in groups]))
        else:
            _show(groups, zone(settings.log.timezone))

    run_work(work())


def _show(groups: list[ParkedGroup], where: tzinfo | None) -> None:
    screen = console()
    for group in groups:
        grades = "1 grade" if group.number == 1 else f"{group.number} grades"
        screen.print(
            f"{grades} at {_text(group.consumer)} ({_text(group.origin)}) since {past(group.since, where)}: "
            f"{_text(group.reason)}"
        )
        screen.print(f"  an affair {_WHO_ACTS[group.scope]}")
        screen.print(f"  for example assignment {group.example}; once it is mended:")
        screen.print(f"  passbackd resend --parked --consumer {_text(shlex.quote(group.consumer_key))}\n")
    if not groups:
        screen.print("nothing is parked")
    if len(groups) == MAX_GROUPS:
        screen.print(f"these are the {MAX_GROUPS} largest groups; there are more: --consumer, --course narrow it down")


def _text(words: str) -> str:
    return escape(printable(words))
