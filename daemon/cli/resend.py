"""``resend``: send grades once more."""

from collections.abc import Callable
from dataclasses import replace
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
from daemon.infra.moments import read_moment
from daemon.infra.text import counted
from daemon.support.preview import Preview, preview
from daemon.support.resend import Marked, resend
from daemon.why.points import score_words
from models.queries.filter import AssignmentFilter
from models.queries.resend import Matched, match

#: What becomes of a grade, in one word or two.
_FATES = {"sent": "sent", "equal": "skipped", "none": "no score"}

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

    async def work() -> tuple[Matched, Marked | Preview]:
        wanted = AssignmentFilter(
            assignment_id=assignment,
            user_id=user,
            course_id=course,
            consumer_id=await consumer_id(consumer),
            parked=parked,
            since_ms=since_ms,
        )
        clock = await measured_clock()
        matched = await match(wanted, now=clock.now())
        await _check(matched, wanted, now=clock.now())
        with counting_bar("looking" if dry_run else "marking", wanted=not as_json) as bar:
            advance = stepping(bar, matched.number)
            if dry_run:
                skips = settings.outcomes.skip_unchanged and not force
                return matched, await preview(wanted, skips_equal=skips, force=force, advance=advance)
            async with recorded_in_steps("resend", selection) as counts:
                marked = await resend(wanted, now=clock.now, force=force, advance=advance)
                counts.update(matched=matched.number, marked=marked.number)
                return matched, marked

    matched, done = run_in_database(settings, work)
    if isinstance(done, Preview):
        _show_preview(matched, done, as_json=as_json)
        return
    if as_json:
        print_json({"matched": matched.number, "marked": done.number})
    else:
        _show(matched, done, skips=settings.outcomes.skip_unchanged and not force)
    failures = [f"assignment {failed_id} could not be marked: {error}" for failed_id, error in done.failed]
    if failures:
        more = [f"and {len(failures) - MAX_FAILURES} more"] if len(failures) > MAX_FAILURES else []
        fail("\n".join([*failures[:MAX_FAILURES], *more]))


def stepping(bar: Callable[[int, int], None], of: int) -> Callable[[int], None]:
    """What moves a bar on by a number of *of*."""
    done = 0

    def advance(number: int) -> None:
        nonlocal done
        done += number
        bar(done, of)

    return advance


async def _check(matched: Matched, wanted: AssignmentFilter, *, now: int) -> None:
    """Fail where nothing matches though a name was given: it may be mistyped."""
    if matched.number or matched.disabled:
        return
    named = replace(wanted, parked=False, since_ms=None)
    if named != AssignmentFilter() and not (parts := await match(named, now=now)).number and not parts.disabled:
        what = "grade" if wanted.assignment_id is None else f"assignment {wanted.assignment_id}"
        of = "" if wanted.user_id is None else f" of learner {wanted.user_id!r}"
        within = "" if wanted.course_id is None else f" in course {wanted.course_id!r}"
        at = "" if wanted.consumer_id is None else " at this consumer"
        fail(f"nothing matches: there is no {what}{of}{within}{at}; see `passbackd why`")


def milliseconds(text: str, option: str = "--since") -> int:
    """The time that an option names, since 1970; one that cannot be read ends the command."""
    try:
        moment = read_moment(text)
    except ValueError:
        fail(f"{option}: {text!r} is no time: write ISO 8601, as in 2026-03-02T14:00:00+01:00", WRONG)
    if moment.tzinfo is None:
        fail(f"{option}: {text!r} has no time zone: write it as in {text}Z or {text}+01:00", WRONG)
    return int(moment.timestamp() * 1000)


def _show_preview(matched: Matched, seen: Preview, *, as_json: bool) -> None:
    sent, equal, none = (seen.counts[fate] for fate in ("sent", "equal", "none"))
    if as_json:
        counts = {"would_send": sent, "would_skip": equal, "without_score": none}
        print_json({"matched": matched.number, "marked": 0, **counts})
        return
    _show_campuses(matched)
    screen = console()
    if matched.first:
        screen.print(f"\nthe first {len(matched.first)}:")
        columns = ("id", "user_id", "course_id", "usage_id", "consumer", "state", "sent_score")
        headings = ("assignment", "learner", "course", "block", "campus", "state", "acknowledged")
        rows = []
        for row in matched.first:
            fate, score = seen.first.get(row["id"], ("none", None))
            rows.append([*(row[column] for column in columns), score_words(score), _FATES[fate], row["parked_reason"]])
        screen.print(table((*headings, "score", "would be", "parked"), rows))
    _show_disabled(matched)
    screen.print(f"\n{counted(sent, 'grade')} would be sent; nothing was changed")
    if equal:
        reason = "the campus acknowledged that score last; --force sends it too"
        screen.print(f"{counted(equal, 'grade')} would be skipped: {reason}")
    if none:
        reason = "nothing attempted, taken back before it was sent, or no course structure"
        screen.print(f"{counted(none, 'grade')} would not be sent: {reason}")


def _show(matched: Matched, marked: Marked, *, skips: bool) -> None:
    screen = console()
    _show_campuses(matched)
    _show_disabled(matched)
    grades = f"{marked.number} of {counted(matched.number, 'grade')}"
    screen.print(f"\n{grades} {'is' if marked.number == 1 else 'are'} marked: a daemon sends what its campus takes")
    if matched.number and skips:
        screen.print("a grade that equals what the campus acknowledged last is skipped; --force sends it too")


def _show_campuses(matched: Matched) -> None:
    rows = [(*campus, matched.states[campus], number) for campus, number in matched.campuses.items()]
    if rows:
        console().print(table(("campus", "address", "state", "grades"), rows, numbers=("grades",)))
    elif not matched.disabled:
        console().print("nothing matches")


def _show_disabled(matched: Matched) -> None:
    if matched.disabled:
        console().print(f"\n{matched.disabled} more are disabled and were left out; a launch enables them again")
