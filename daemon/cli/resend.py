"""``resend``: send grades once more."""

from typing import Annotated

import typer

from daemon.cli.common import WRONG, consumer_id, fail, measured_clock, quiet_config, run_in_database
from daemon.cli.options import (
    AllOption,
    AssignmentOption,
    CampusOption,
    ConfigOption,
    CourseOption,
    JsonOption,
    UserOption,
)
from daemon.cli.record import recorded_in_steps
from daemon.cli.screen import console, counting_bar, print_json, table
from daemon.infra.log import printable
from daemon.infra.moments import read_moment
from daemon.support.resend import Marked, resend
from models.queries.filter import AssignmentFilter
from models.queries.resend import Matched, match

#: Failures that are printed one by one.
MAX_FAILURES = 20


def resend_grades(
    assignment: AssignmentOption = None,
    user: UserOption = None,
    course: CourseOption = None,
    consumer: CampusOption = None,
    since: Annotated[str | None, typer.Option("--since", help="Acknowledged or parked since then (ISO 8601).")] = None,
    config: ConfigOption = None,
    *,
    parked: Annotated[bool, typer.Option("--parked", help="Only parked ones.")] = False,
    everything: AllOption = False,
    force: Annotated[bool, typer.Option("--force", help="Also what the campus acknowledged already.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would go.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Send grades once more, as quickly as the campuses allow. Example: passbackd resend --parked --consumer example"""
    if all(one is None for one in (assignment, user, course, consumer, since)) and not parked and not everything:
        fail(
            "which grades? give --assignment, --user, --course, --consumer, --parked or --since; --all means every one",
            WRONG,
        )
    since_ms = None if since is None else milliseconds(since)
    settings = quiet_config(config)

    async def work() -> tuple[Matched, Marked]:
        wanted = AssignmentFilter(
            assignment_id=assignment,
            user_id=user,
            course_id=course,
            consumer_id=await consumer_id(consumer),
            parked=parked,
            since_ms=since_ms,
        )
        if dry_run:
            return await _mark(wanted, force=force, dry_run=True, quiet=as_json)
        selection = {
            "assignment": assignment,
            "user": user,
            "course": course,
            "consumer": consumer,
            "since": since,
            "parked": parked,
            "all": everything,
            "force": force,
        }
        async with recorded_in_steps("resend", selection) as counts:
            matched, marked = await _mark(wanted, force=force, dry_run=False, quiet=as_json)
            counts.update(matched=matched.number, marked=marked.number)
            return matched, marked

    matched, marked = run_in_database(settings, work)
    if as_json:
        print_json({"matched": matched.number, "marked": marked.number})
    else:
        _show(matched, marked, dry_run=dry_run, force=force)
    failures = [f"assignment {failed_id} could not be marked: {error}" for failed_id, error in marked.failed]
    if failures:
        more = [f"and {len(failures) - MAX_FAILURES} more"] if len(failures) > MAX_FAILURES else []
        fail("\n".join([*failures[:MAX_FAILURES], *more]))


async def _mark(wanted: AssignmentFilter, *, force: bool, dry_run: bool, quiet: bool) -> tuple[Matched, Marked]:
    clock = await measured_clock()
    matched, done = await match(wanted, now=clock.now()), 0
    if wanted.assignment_id is not None and not matched.number and not matched.disabled:
        fail(f"--assignment: there is no assignment {wanted.assignment_id} that fits: see `passbackd why`")
    if wanted.user_id is not None and not matched.number and not matched.disabled:
        fail(f"--user: no grade of learner {printable(wanted.user_id)!r} fits: see `passbackd why`")
    if dry_run:
        return matched, Marked()
    with counting_bar("marking", wanted=not quiet) as progress:

        def advance(number: int) -> None:
            nonlocal done
            done += number
            progress(done, matched.number)

        return matched, await resend(wanted, now=clock.now, force=force, advance=advance)


def milliseconds(text: str) -> int:
    """The time that ``--since`` names, since 1970; one that cannot be read ends the command."""
    try:
        moment = read_moment(text)
    except ValueError:
        fail(f"--since: {text!r} is no time: write ISO 8601, as in 2026-03-02T14:00:00+01:00", WRONG)
    if moment.tzinfo is None:
        fail(f"--since: {text!r} has no time zone: write it as in {text}Z or {text}+01:00", WRONG)
    return int(moment.timestamp() * 1000)


def _show(matched: Matched, marked: Marked, *, dry_run: bool, force: bool) -> None:
    screen = console()
    if matched.campuses:
        rows = [(*campus, number) for campus, number in matched.campuses.items()]
        screen.print(table(("campus", "address", "grades"), rows))
    if dry_run and matched.first:
        screen.print(f"\nthe first {len(matched.first)}:")
        headings = ("assignment", "learner", "course", "block", "campus", "state", "acknowledged", "")
        columns = ("id", "user_id", "course_id", "usage_id", "consumer", "state", "sent_score", "parked_reason")
        screen.print(table(headings, [[row[column] for column in columns] for row in matched.first]))
    if matched.disabled:
        screen.print(f"\n{matched.disabled} more are disabled and were left out; a launch enables them again")
    if dry_run:
        screen.print(f"\n{matched.number} grades would be sent; nothing was changed")
    else:
        screen.print(f"\n{marked.number} of {matched.number} grades are marked: the daemon sends them")
    if matched.number and not force:
        screen.print("a grade that equals what the campus acknowledged last is skipped; --force sends it too")
