"""``parked``: grades that wait until a person acts."""

import shlex
from dataclasses import asdict
from datetime import tzinfo
from typing import Annotated, Literal

import typer

from daemon.cli.common import consumer_id, quiet_config, run_in_database
from daemon.cli.options import CampusOption, ConfigOption, CourseOption, JsonOption
from daemon.cli.screen import console, print_json
from daemon.config import zone
from daemon.infra.text import ALARM, iso, printable
from daemon.support.parked_words import in_course_words, parked_reasons
from daemon.why.advice import PEOPLE
from models.queries.parked import MAX_GROUPS, ParkedGroup, read_parked


def list_parked(
    consumer: CampusOption = None,
    course: CourseOption = None,
    scope: Annotated[
        Literal["learner", "course", "campus"] | None,
        typer.Option("--scope", metavar="learner|course|campus", help="Who acts."),
    ] = None,
    config: ConfigOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """List parked grades by reason, scope, campus and course. Example: passbackd parked --scope campus"""
    settings = quiet_config(config)

    async def work() -> list[ParkedGroup]:
        await consumer_id(consumer)  # an unknown key is an error, not an empty list
        return await read_parked(consumer_key=consumer, course_id=course, scope=scope)

    groups = run_in_database(settings, work)
    if as_json:
        print_json([{**asdict(group), "since": iso(group.since)} for group in groups])
    else:
        _show(groups, zone(settings.log.timezone))


def _show(groups: list[ParkedGroup], where: tzinfo | None) -> None:
    screen = console()
    for parked in parked_reasons(groups):
        group, advice = parked.groups[0], parked.advice
        screen.print(parked.head(where), style=ALARM)
        for one in parked.groups:
            screen.print(f"  {in_course_words(one)}")
        screen.print(f"  who has to act: {PEOPLE[advice.who]}. {advice.words}")
        if advice.who == "learner":
            # No resend helps: the learner's launch sends it.
            screen.print(f"  for example assignment {group.example}\n")
            continue
        screen.print(f"  for example assignment {group.example}; once the cause is removed:")
        course = f" --course {shlex.quote(group.course_id)}" if len(parked.groups) == 1 else ""
        screen.print(f"  passbackd resend --parked --consumer {printable(shlex.quote(group.consumer_key) + course)}\n")
    if not groups:
        screen.print("nothing is parked")
    if len(groups) == MAX_GROUPS:
        screen.print(f"these are the {MAX_GROUPS} largest groups; there are more: --consumer, --course narrow it down")
