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
from daemon.infra.text import ALARM, counted, iso, past, printable
from daemon.why.advice import PEOPLE, about_parked
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


def _of_a_reason(groups: list[ParkedGroup]) -> list[list[ParkedGroup]]:
    """Those of one reason at one campus together, a group a course; the most grades first."""
    found: dict[tuple[str, str, str, str], list[ParkedGroup]] = {}
    for group in groups:
        found.setdefault((group.consumer_key, group.origin, group.scope, group.reason), []).append(group)
    return sorted(found.values(), key=lambda one: -sum(group.number for group in one))


def _show(groups: list[ParkedGroup], where: tzinfo | None) -> None:
    screen = console()
    for of_courses in _of_a_reason(groups):
        group = of_courses[0]
        number, since = sum(one.number for one in of_courses), min(one.since for one in of_courses)
        screen.print(
            f"{counted(number, 'grade')} at {printable(group.consumer)} ({printable(group.origin)}) "
            f"since {past(since, where)}: {printable(group.reason)}",
            style=ALARM,
        )
        for one in of_courses:
            screen.print(f"  {one.number} in course {printable(one.course_id)}")
        advice = about_parked(group.reason, group.scope, protocol=group.protocol)
        screen.print(f"  who has to act: {PEOPLE[advice.who]}. {advice.words}")
        if advice.who == "learner":
            # No resend helps: the learner's launch sends it.
            screen.print(f"  for example assignment {group.example}\n")
            continue
        screen.print(f"  for example assignment {group.example}; once the cause is removed:")
        course = f" --course {shlex.quote(group.course_id)}" if len(of_courses) == 1 else ""
        screen.print(f"  passbackd resend --parked --consumer {printable(shlex.quote(group.consumer_key) + course)}\n")
    if not groups:
        screen.print("nothing is parked")
    if len(groups) == MAX_GROUPS:
        screen.print(f"these are the {MAX_GROUPS} largest groups; there are more: --consumer, --course narrow it down")
