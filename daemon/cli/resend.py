"""``resend``: send grades once more."""

import json
from collections.abc import Callable
from contextlib import nullcontext
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.progress import Progress
from rich.table import Table

from daemon.cli.common import (
    FAILED,
    WRONG,
    ConfigOption,
    JsonOption,
    asynchronous,
    cell,
    console,
    consumer_id,
    database_of,
    fail,
    measured_clock,
)
from daemon.support.resend import Marked, resend
from models.assignment import MAX_ID
from models.queries.filter import AssignmentFilter
from models.queries.resend import Matched, match

#: Failures that are printed one by one.
MAX_FAILURES = 20


@asynchronous
async def resend_grades(
    assignment: Annotated[
        int | None, typer.Option("--assignment", min=1, max=MAX_ID, help="This one, by its id.")
    ] = None,
    user: Annotated[str | None, typer.Option("--user", help="Of this learner, by the tool's id.")] = None,
    course: Annotated[str | None, typer.Option("--course", help="Of this course of the tool.")] = None,
    consumer: Annotated[str | None, typer.Option("--consumer", help="Of the campus with this consumer key.")] = None,
    since: Annotated[
        str | None,
        typer.Option("--since", help="Acknowledged or parked since then: ISO 8601 with a zone."),
    ] = None,
    config: ConfigOption = None,
    *,
    parked: Annotated[bool, typer.Option("--parked", help="Only parked ones.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="All of them, unless something narrows it down.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Also what the campus acknowledged already.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would go.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Send grades once more, as quickly as the campuses allow. Example: passbackd resend --parked --consumer example"""
    wanted = (assignment, user, course, consumer, since, parked or None, everything or None)
    if all(one is None for one in wanted):
        fail(
            "which grades? give --assignment, --user, --course, --consumer, --parked or --since; --all means every one",
            WRONG,
        )
    since_ms = _milliseconds(since)
    async with database_of(config):
        clock = await measured_clock()
        asked_for = AssignmentFilter(
            assignment_id=assignment,
            user_id=user,
            course_id=course,
            consumer_id=await consumer_id(consumer),
            parked=parked,
            since_ms=since_ms,
        )
        matched = await match(asked_for, now=clock.now())
        _check(assignment, matched)
        marked = Marked() if dry_run else await _resend(asked_for, matched, clock.now, force=force, quiet=as_json)
    if as_json:
        typer.echo(json.dumps({"matched": matched.number, "marked": marked.number}))
    else:
        _show(matched, marked, dry_run=dry_run)
        if matched.number and not force:
            console().print("a grade that equals what the campus acknowledged last is skipped; --force sends it too")
    if marked.failed:
        _print_failures(marked)
        raise typer.Exit(FAILED)


def _milliseconds(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        fail(f"--since: {text!r} is no time: write ISO 8601, as in 2026-03-02T14:00:00+01:00", WRONG)
    if moment.tzinfo is None:
        fail(f"--since: {text!r} has no time zone: write it as in {text}Z or {text}+01:00", WRONG)
    return int(moment.timestamp() * 1000)


def _check(assignment: int | None, matched: Matched) -> None:
    if assignment is not None and not matched.number and not matched.disabled:
        fail(f"--assignment: there is no assignment {assignment} that fits: see `passbackd why`")


async def _resend(
    wanted: AssignmentFilter, matched: Matched, now: Callable[[], int], *, force: bool, quiet: bool
) -> Marked:
    screen = console()
    bar = Progress(console=screen, transient=True) if screen.is_terminal and not quiet else nullcontext()
    with bar as progress:
        if progress is None:
            return await resend(wanted, now=now, force=force)
        task = progress.add_task("marking", total=matched.number)
        return await resend(wanted, now=now, force=force, advance=lambda number: progress.advance(task, number))


def _show(matched: Matched, marked: Marked, *, dry_run: bool) -> None:
    screen = console()
    if matched.campuses:
        campuses = Table("campus", "address", "grades", box=None)
        for (consumer, origin), number in matched.campuses.items():
            campuses.add_row(cell(consumer), cell(origin), str(number))
        screen.print(campuses)
    if dry_run and matched.first:
        screen.print(f"\nthe first {len(matched.first)}:")
        screen.print(_first(matched.first))
    if matched.disabled:
        screen.print(f"\n{matched.disabled} more are disabled and were left out; a launch enables them again")
    if dry_run:
        screen.print(f"\n{matched.number} grades would be sent; nothing was changed")
    else:
        screen.print(f"\n{marked.number} of {matched.number} grades are marked: the daemon sends them")


def _first(rows: list[dict[str, Any]]) -> Table:
    table = Table("assignment", "learner", "course", "block", "campus", "state", "acknowledged", "", box=None)
    for row in rows:
        words = [row[name] for name in ("user_id", "course_id", "usage_id", "consumer", "state")]
        texts = [*words, row["sent_score"] or "", row["parked_reason"] or ""]
        table.add_row(str(row["id"]), *map(cell, texts))
    return table


def _print_failures(marked: Marked) -> None:
    for assignment_id, error in marked.failed[:MAX_FAILURES]:
        typer.echo(f"assignment {assignment_id} could not be marked: {error}", err=True)
    if len(marked.failed) > MAX_FAILURES:
        typer.echo(f"and {len(marked.failed) - MAX_FAILURES} more", err=True)
