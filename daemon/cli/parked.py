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
from daemon.infra.log import printable
from daemon.infra.text import counted, iso, past
from models.queries.parked import MAX_GROUPS, ParkedGroup, read_parked

_WHO_ACTS = {
    "learner": "the learner: the campus checks the enrolment; a new launch by the learner tries again",
    "course": "the course's teachers or administrators at the campus",
    "campus": "the campus's administrators or you: fix the campus's set-up, or what this daemon sends there",
}


def list_parked(
    consumer: CampusOption = None,
    course: CourseOption = None,
    scope: Annotated[Literal["learner", "course", "campus"] | None, typer.Option("--scope", help="Who acts.")] = None,
    config: ConfigOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """List parked grades by reason, scope and campus. Example: passbackd parked --scope campus"""
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
    for group in groups:
        screen.print(
            f"{counted(group.number, 'grade')} at {printable(group.consumer)} ({printable(group.origin)}) "
            f"since {past(group.since, where)}: {printable(group.reason)}"
        )
        screen.print(f"  who has to act: {_WHO_ACTS[group.scope]}")
        screen.print(f"  for example assignment {group.example}; once the cause is removed:")
        screen.print(f"  passbackd resend --parked --consumer {printable(shlex.quote(group.consumer_key))}\n")
    if not groups:
        screen.print("nothing is parked")
    if len(groups) == MAX_GROUPS:
        screen.print(f"these are the {MAX_GROUPS} largest groups; there are more: --consumer, --course narrow it down")
