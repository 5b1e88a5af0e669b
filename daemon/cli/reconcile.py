"""``reconcile``: does each campus still hold what it acknowledged?"""

import json
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from rich.table import Table

from actors.read_back import COMPARISONS, Comparison
from daemon.cli.common import (
    FAILED,
    ConfigOption,
    JsonOption,
    asynchronous,
    cell,
    console,
    consumer_id,
    counting_bar,
    database_of,
)
from daemon.infra.text import iso
from daemon.support.reconcile import CampusReport, Mismatch
from models.queries.filter import AssignmentFilter

#: Comparisons that are printed one by one; ``--json`` prints all.
MAX_MISMATCHES = 200

_MEANING = {
    "empty": "holds no grade",
    "outdated": "holds a grade that was sent earlier",
    "modified": "holds a grade that was never sent: changed there, or sent before the ledger begins",
    "unreadable": "does not say",
}


@asynchronous
async def reconcile_grades(
    consumer: Annotated[str | None, typer.Option("--consumer", help="At the campus with this consumer key.")] = None,
    course: Annotated[str | None, typer.Option("--course", help="Of this course of the tool.")] = None,
    config: ConfigOption = None,
    *,
    fix: Annotated[
        bool, typer.Option("--fix", help="Send again where the campus holds nothing, or an earlier grade of ours.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="As --fix, and also where it holds a grade that was never sent.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """
    Ask each campus for the grades that it acknowledged, and compare; nothing is changed without --fix.

    Exit codes: 0 if every campus was read, and each grade is there or is sent again; else 1.

    Example: passbackd reconcile --consumer example --fix
    """
    # Here, so that the other commands answer quickly.
    from daemon.support.reconcile import reading, reconcile  # noqa: PLC0415

    again: set[Comparison] = {
        *(("empty", "outdated") if fix or overwrite else ()),
        *(("modified",) if overwrite else ()),
    }
    async with database_of(config) as settings:
        wanted = AssignmentFilter(consumer_id=await consumer_id(consumer), course_id=course)
        async with reading(settings) as reader:
            with counting_bar("readings", wanted=not as_json) as progress:
                reports = await reconcile(wanted, reader, fix=again, progress=progress)
    if as_json:
        typer.echo(json.dumps(_document(reports)))
    else:
        _show(reports)
    if any(report.left or any(not mismatch.marked for mismatch in report.mismatches) for report in reports):
        raise typer.Exit(FAILED)


def _document(reports: Sequence[CampusReport]) -> dict[str, Any]:
    return {
        "campuses": [
            {
                "consumer": report.consumer,
                "origin": report.origin,
                **report.counts,
                "left": report.left,
                "skipped": report.skipped,
                "marked": report.marked,
            }
            for report in reports
        ],
        "findings": [_finding(report, mismatch) for report in reports for mismatch in report.mismatches],
    }


def _finding(report: CampusReport, mismatch: Mismatch) -> dict[str, Any]:
    grade = mismatch.acknowledged
    return {
        "assignment": grade.id,
        "user_id": grade.user_id,
        "course_id": grade.course_id,
        "usage_id": grade.usage_id,
        "consumer": report.consumer,
        "origin": report.origin,
        "finding": mismatch.finding,
        "held": mismatch.held,
        "acknowledged": grade.sent_score,
        "acknowledged_at": iso(grade.sent_at),
        "why": mismatch.why,
        "marked": mismatch.marked,
    }


def _show(reports: Sequence[CampusReport]) -> None:
    screen = console()
    mismatches = [(report, mismatch) for report in reports for mismatch in report.mismatches]
    if mismatches:
        table = Table("assignment", "learner", "block", "campus", "acknowledged", "it", "", "", box=None)
        for report, mismatch in mismatches[:MAX_MISMATCHES]:
            grade = mismatch.acknowledged
            cells = [grade.user_id, grade.usage_id, report.consumer, grade.sent_score, _MEANING[mismatch.finding]]
            table.add_row(
                str(grade.id),
                *map(cell, cells),
                cell(mismatch.why or mismatch.held or ""),
                "marked" if mismatch.marked else "",
            )
        screen.print(table)
        if len(mismatches) > MAX_MISMATCHES:
            screen.print(f"and {len(mismatches) - MAX_MISMATCHES} more: --json lists all")
        screen.print()
    for report in reports:
        screen.print(_line(report))
    if not reports:
        screen.print("there is no assignment yet")


def _line(report: CampusReport) -> str:
    found = [f"{report.counts[finding]} {finding}" for finding in COMPARISONS if report.counts[finding]]
    skipped = [f"{number} not read ({cell(why)})" for why, number in sorted(report.skipped.items())]
    sent = [f"{report.marked} marked: the daemon sends them again"] if report.marked else []
    words = ", ".join([*found, *sent, *skipped]) or "nothing to read"
    return f"{cell(report.consumer)} at {cell(report.origin)}: {words}"
