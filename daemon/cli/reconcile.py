"""``reconcile``: does each campus still hold what it acknowledged?"""

import json
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from actors.read_back import FINDINGS, Finding
from daemon.cli.common import FAILED, ConfigOption, console, consumer_id, counting_bar, opened_database, quiet_config
from daemon.cli.common import run as run_work
from daemon.infra.log import printable
from daemon.infra.text import iso
from daemon.support.reconcile import CampusReport, Mismatch
from models.queries.filter import AssignmentFilter

#: Findings that are told one by one; ``--json`` tells all.
MAX_TOLD = 200

_MEANING = {
    "empty": "holds no grade",
    "ours": "holds a grade that was sent earlier",
    "foreign": "holds a grade that was never sent: changed there, or sent before the ledger begins",
    "unreadable": "does not tell",
}


def reconcile(
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
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """
    Ask each campus for the grades that it acknowledged, and compare; nothing is changed unless told.

    Exit codes: 0 if every campus was read, and each grade is there or is sent again; else 1.

    Example: passbackd reconcile --consumer example --fix
    """
    # Whoever asks another command a short question should not wait for all of this.
    from daemon.support.reconcile import reading  # noqa: PLC0415
    from daemon.support.reconcile import reconcile as reconcile_all  # noqa: PLC0415

    settings = quiet_config(config)
    again: set[Finding] = {*(("empty", "ours") if fix or overwrite else ()), *(("foreign",) if overwrite else ())}

    async def work() -> None:
        async with opened_database(settings, may_migrate=False):
            wanted = AssignmentFilter(consumer_id=await consumer_id(consumer), course_id=course)
            async with reading(settings) as reader:
                with counting_bar("readings", wanted=not as_json) as progress:
                    reports = await reconcile_all(wanted, reader, fix=again, progress=progress)
        if as_json:
            typer.echo(json.dumps(_document(reports)))
        else:
            _show(reports)
        if any(report.left or any(not mismatch.marked for mismatch in report.mismatches) for report in reports):
            raise typer.Exit(FAILED)

    run_work(work())


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
        for report, mismatch in mismatches[:MAX_TOLD]:
            grade = mismatch.acknowledged
            cells = [grade.user_id, grade.usage_id, report.consumer, grade.sent_score, _MEANING[mismatch.finding]]
            table.add_row(
                str(grade.id),
                *map(_text, cells),
                _text(mismatch.why or mismatch.held or ""),
                "marked" if mismatch.marked else "",
            )
        screen.print(table)
        if len(mismatches) > MAX_TOLD:
            screen.print(f"and {len(mismatches) - MAX_TOLD} more: --json lists all")
        screen.print()
    for report in reports:
        screen.print(_line(report))
    if not reports:
        screen.print("there is no assignment yet")


def _line(report: CampusReport) -> str:
    found = [f"{report.counts[finding]} {finding}" for finding in FINDINGS if report.counts[finding]]
    skipped = [f"{number} not read ({_text(why)})" for why, number in sorted(report.skipped.items())]
    sent = [f"{report.marked} marked: the daemon sends them again"] if report.marked else []
    words = ", ".join([*found, *sent, *skipped]) or "nothing to read"
    return f"{_text(report.consumer)} at {_text(report.origin)}: {words}"


def _text(words: str) -> str:
    return escape(printable(words))
