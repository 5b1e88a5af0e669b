"""``why``: where a learner's grades are, with the daemon up or down."""

import json
from typing import Annotated

import typer

from daemon.cli.common import (
    WRONG,
    ConfigOption,
    JsonOption,
    asynchronous,
    console,
    database_of,
    fail,
    measured_clock,
)
from daemon.config import zone
from daemon.why.document import document
from daemon.why.gather import gather
from daemon.why.known import Terms
from daemon.why.show import print_answer
from models.assignment import MAX_ID
from models.queries.grades import Query, asked_of


@asynchronous
async def show_why(
    user: Annotated[str | None, typer.Option("--user", help="The learner's id in the tool.")] = None,
    course: Annotated[str | None, typer.Option("--course", help="Only this course of the tool.")] = None,
    usage: Annotated[str | None, typer.Option("--usage", help="Only this block of the tool.")] = None,
    lti_user: Annotated[str | None, typer.Option("--lti-user", help="The learner's id at the campus.")] = None,
    sourcedid: Annotated[str | None, typer.Option("--sourcedid", help="The lis_result_sourcedid of a launch.")] = None,
    assignment: Annotated[
        int | None,
        typer.Option("--assignment", min=1, max=MAX_ID, help="An assignment's id, as the log and `parked` have it."),
    ] = None,
    config: ConfigOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Show where a learner's grades are, and why. Example: passbackd why --user 42 --course physics"""
    asked = None
    if assignment is None:
        asked = _asked(user=user, course=course, usage=usage, lti_user=lti_user, sourcedid=sourcedid)
    async with database_of(config) as settings:
        now = (await measured_clock()).now()
        terms = Terms(now, settings.outcomes.debounce, zone(settings.log.timezone))
        whom = asked or await asked_of(assignment or 0)
        if whom is None:
            fail(f"--assignment: there is no assignment {assignment}")
        answer = await gather(whom, now=terms.now)
    if as_json:
        typer.echo(json.dumps(document(answer, terms)))
    else:
        print_answer(answer, terms, console())


def _asked(**options: str | None) -> Query:
    """What is asked, or wrong use."""
    for name, value in options.items():
        option = f"--{name.replace('_', '-')}"
        if value == "":
            fail(f"{option}: give an id, or leave the option out", WRONG)
    if options["user"] is None and options["lti_user"] is None and options["sourcedid"] is None:
        fail(
            "whose grades? give --user ID (the learner's id in the tool), --lti-user ID (the learner's id at the "
            "campus), --sourcedid ID (the lis_result_sourcedid of a launch) or --assignment ID; --course and --usage "
            "narrow it down",
            WRONG,
        )
    return Query(options["user"], options["course"], options["usage"], options["lti_user"], options["sourcedid"])
