"""``why``: the state of a learner's grades, or of all in an activity, with the daemon up or down."""

from dataclasses import replace
from typing import Annotated

import typer

from daemon.cli.common import SERVER_FAULTS, WRONG, consumer_id, fail, measured_clock, quiet_config, run_in_database
from daemon.cli.options import AssignmentOption, CampusOption, ConfigOption, CourseOption, JsonOption, UserOption
from daemon.cli.screen import console, print_json
from daemon.cli.whereabouts import say_whereabouts
from daemon.config import Config, zone
from daemon.infra.errors import describe
from daemon.why.activity import Activity, activity_document
from daemon.why.document import document
from daemon.why.gather import gather, gather_activity
from daemon.why.known import Explanation, Terms
from daemon.why.show import print_activity, print_answer
from models.encryption import UndecryptableError
from models.members import read_members
from models.queries.grades import Query, asked_of


def explain_grades(
    user: UserOption = None,
    course: CourseOption = None,
    usage: Annotated[str | None, typer.Option("--usage", help="Only this block of the tool.")] = None,
    lti_user: Annotated[str | None, typer.Option("--lti-user", help="The learner's id at the campus.")] = None,
    sourcedid: Annotated[str | None, typer.Option("--sourcedid", help="The lis_result_sourcedid of a launch.")] = None,
    assignment: AssignmentOption = None,
    consumer: CampusOption = None,
    config: ConfigOption = None,
    *,
    ask_campus: Annotated[
        bool, typer.Option("--ask-campus", help="Ask the campus what it shows; this needs the daemons' configuration.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """
    Explain the state of a learner's grades. Without a learner: of all in a course or an activity.

    Example: passbackd why --user 42 --course physics
    """
    asked = None
    if assignment is None:
        asked = _query(user=user, course=course, usage=usage, lti_user=lti_user, sourcedid=sourcedid, consumer=consumer)
        if ask_campus and _of_all_learners(asked):
            fail("--ask-campus: whose grade? give --user, --lti-user, --sourcedid or --assignment", WRONG)
    settings = quiet_config(config)
    if not as_json:
        say_whereabouts(config, settings)

    async def work() -> tuple[Explanation | Activity, Terms]:
        now = (await measured_clock()).now()
        query = asked or await asked_of(assignment or 0)
        await consumer_id(consumer)  # an unknown key is an error, not an unknown learner
        if query is None:
            fail(f"--assignment: there is no assignment {assignment}")
        outcomes, daemons = settings.outcomes, await read_members(now=now)
        terms = Terms(
            now,
            outcomes.debounce,
            zone(settings.log.timezone),
            outcomes.max_attempts,
            daemon_runs=daemons.alive > 0,
            daemon_troubles=daemons.troubles,
        )
        if _of_all_learners(query):
            return await gather_activity(query.course_id or "", query.usage_id, now=now), terms
        answer = await gather(query, now=now)
        return (await _with_campus(answer, settings) if ask_campus else answer), terms

    answer, terms = run_in_database(settings, work)
    if isinstance(answer, Activity):
        print_json(activity_document(answer, terms)) if as_json else print_activity(answer, terms, console())
    elif as_json:
        print_json(document(answer, terms))
    else:
        print_answer(answer, terms, console())


async def _with_campus(answer: Explanation, settings: Config) -> Explanation:
    """The answer with what the campus shows. A role that may only read cannot ask; then the answer says so."""
    # Imported here, so that the command starts quickly.
    from daemon.support.ask import ask_campuses, not_asked  # noqa: PLC0415
    from daemon.support.reconcile import reading  # noqa: PLC0415

    try:
        async with reading(settings) as reader:
            return await ask_campuses(answer, reader)
    except UndecryptableError:
        why = "secrets.keys of this configuration cannot read the consumer's secret"
    except SERVER_FAULTS as error:
        if "permission denied" not in str(error):
            raise
        why = f"asking takes a database role that may claim grades ({describe(error)})"
    return replace(answer, known=not_asked(answer.known, why))


def _of_all_learners(asked: Query) -> bool:
    return asked.user_id is None and asked.lti_user_id is None and asked.sourcedid is None


def _query(**options: str | None) -> Query:
    """The query; wrong use ends the command."""
    for name, value in options.items():
        if value == "":
            fail(f"--{name.replace('_', '-')}: give an id, or leave the option out", WRONG)
    query = Query(*(options[name] for name in ("user", "course", "usage", "lti_user", "sourcedid", "consumer")))
    if _of_all_learners(query) and query.consumer_key is not None:
        fail("--consumer: whose grades? it narrows down --user, --lti-user and --sourcedid", WRONG)
    if _of_all_learners(query) and query.course_id is None and query.usage_id is not None:
        fail("--usage needs --course, or a learner: --user, --lti-user or --sourcedid", WRONG)
    if _of_all_learners(query) and query.course_id is None:
        fail(
            "whose grades? give --user ID (the learner's id in the tool), --lti-user ID (the learner's id at the "
            "campus), --sourcedid ID (the lis_result_sourcedid of a launch) or --assignment ID; --course and --usage "
            "narrow it down, and without a learner they show all learners of an activity",
            WRONG,
        )
    return query
