"""``reconcile``: does each campus still hold what it acknowledged?"""

import json
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from actors.read_back import COMPARISONS, Comparison
from daemon.cli.common import FAILED, ConfigOption, console, consumer_id, counting_bar, opened_database, quiet_config
from daemon.cli.common import run as run_work
from daemon.infra.log import printable
from daemon.infra.text import iso
from daemon.support.reconcile import CampusReport, Drift
from models.queries.reconcile import Selection

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
    mend: set[Comparison] = {*(("empty", "ours") if fix or overwrite else ()), *(("foreign",) if overwrite else ())}

    async def work() -> None:
        async with opened_database(settings, may_migrate=False):
            selection = Selection(await consumer_id(consumer), course)
            async with reading(settings) as reader:
                with counting_bar("readings", wanted=not as_json) as progress:
                    reports = await reconcile_all(selection, reader, mend=mend, progress=progress)
        if as_json:
            typer.echo(json.dumps(_document(reports)))
        else:
            _show(reports)
        if any(report.left or any(not drift.marked for drift in report.drifts) for report in reports):
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
        "findings": [_finding(report, drift) for report in reports for drift in report.drifts],
    }


def _finding(report: CampusReport, drift: Drift) -> dict[str, Any]:
    settled = drift.settled
    return {
        "assignment": settled.id,
        "user_id": settled.user_id,
        "course_id": settled.course_id,
        "usage_id": settled.usage_id,
        "consumer": report.consumer,
        "origin": report.origin,
        "finding": drift.finding,
        "held": drift.held,
        "acknowledged": settled.sent_score,
        "acknowledged_at": iso(settled.sent_at),
        "why": drift.why,
        "marked": drift.marked,
    }


def _show(reports: Sequence[CampusReport]) -> None:
    screen = console()
    drifts = [(report, drift) for report in reports for drift in report.drifts]
    if drifts:
        table = Table("assignment", "learner", "block", "campus", "acknowledged", "it", "", "", box=None)
        for report, drift in drifts[:MAX_TOLD]:
            settled = drift.settled
            told = [settled.user_id, settled.usage_id, report.consumer, settled.sent_score, _MEANING[drift.finding]]
            table.add_row(
                str(settled.id),
                *map(_text, told),
                _text(drift.why or drift.held or ""),
                "marked" if drift.marked else "",
            )
        screen.print(table)
        if len(drifts) > MAX_TOLD:
            screen.print(f"and {len(drifts) - MAX_TOLD} more: --json lists all")
        screen.print()
    for report in reports:
        screen.print(_line(report))
    if not reports:
        screen.print("there is no assignment yet")


def _line(report: CampusReport) -> str:
    found = [f"{report.counts[finding]} {finding}" for finding in COMPARISONS if report.counts[finding]]
    skipped = [f"{number} not read ({_text(why)})" for why, number in sorted(report.skipped.items())]
    sent = [f"{report.marked} marked: the daemon sends them again"] if report.marked else []
    words = ", ".join([*found, *sent, *skipped]) or "nothing to read"
    return f"{_text(report.consumer)} at {_text(report.origin)}: {words}"


def _text(words: str) -> str:
    return escape(printable(words))
