"""``why``: the state of a learner's grades, with the daemon up or down."""

from typing import Annotated

import typer

from daemon.cli.common import WRONG, fail, measured_clock, quiet_config, run_in_database
from daemon.cli.options import AssignmentOption, ConfigOption, CourseOption, JsonOption, UserOption
from daemon.cli.screen import console, print_json
from daemon.cli.whereabouts import say_whereabouts
from daemon.config import zone
from daemon.why.document import document
from daemon.why.gather import gather
from daemon.why.known import Explanation, Terms
from daemon.why.show import print_answer
from models.queries.grades import Query, asked_of


def explain_grades(
    user: UserOption = None,
    course: CourseOption = None,
    usage: Annotated[str | None, typer.Option("--usage", help="Only this block of the tool.")] = None,
    lti_user: Annotated[str | None, typer.Option("--lti-user", help="The learner's id at the campus.")] = None,
    sourcedid: Annotated[str | None, typer.Option("--sourcedid", help="The lis_result_sourcedid of a launch.")] = None,
    assignment: AssignmentOption = None,
    config: ConfigOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Explain the state of a learner's grades. Example: passbackd why --user 42 --course physics"""
    asked = None
    if assignment is None:
        asked = _query(user=user, course=course, usage=usage, lti_user=lti_user, sourcedid=sourcedid)
    settings = quiet_config(config)
    if not as_json:
        say_whereabouts(config, settings)

    async def work() -> tuple[Explanation, Terms]:
        now = (await measured_clock()).now()
        query = asked or await asked_of(assignment or 0)
        if query is None:
            fail(f"--assignment: there is no assignment {assignment}")
        outcomes = settings.outcomes
        terms = Terms(now, outcomes.debounce, zone(settings.log.timezone), outcomes.max_attempts)
        return await gather(query, now=now), terms

    answer, terms = run_in_database(settings, work)
    if as_json:
        print_json(document(answer, terms))
    else:
        print_answer(answer, terms, console())


def _query(**options: str | None) -> Query:
    """The query; wrong use ends the command."""
    for name, value in options.items():
        if value == "":
            fail(f"--{name.replace('_', '-')}: give an id, or leave the option out", WRONG)
    if options["user"] is None and options["lti_user"] is None and options["sourcedid"] is None:
        fail(
            "whose grades? give --user ID (the learner's id in the tool), --lti-user ID (the learner's id at the "
            "campus), --sourcedid ID (the lis_result_sourcedid of a launch) or --assignment ID; --course and --usage "
            "narrow it down",
            WRONG,
        )
    return Query(options["user"], options["course"], options["usage"], options["lti_user"], options["sourcedid"])
