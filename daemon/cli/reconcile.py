"""``reconcile``: does each campus still hold what it acknowledged?"""

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from actors.comparison import Comparison
from daemon.cli.common import FAILED, consumer_id, quiet_config, run_in_database
from daemon.cli.options import CampusOption, ConfigOption, CourseOption, JsonOption
from daemon.cli.reconciled import IN_WORDS, show_reports
from daemon.cli.record import recorded_in_steps
from daemon.cli.screen import console, counting_bar, print_json
from daemon.infra.text import iso
from daemon.support.report import CampusReport, Mismatch
from models.queries.filter import AssignmentFilter


def reconcile_campuses(
    consumer: CampusOption = None,
    course: CourseOption = None,
    config: ConfigOption = None,
    *,
    fix: Annotated[bool, typer.Option("--fix", help="Send again where it holds no grade, or an earlier one.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="As --fix, also over grades never sent.")] = False,
    as_json: JsonOption = False,
) -> None:
    """
    Ask each campus for the grades that it acknowledged, and compare; only --fix and --overwrite change anything.

    A grade that was sent again, and of which the campus shows the same as before, is not sent a third time.

    Exit codes: 0 if every campus was read, and each grade is there, is sent again, or its learner has left; else 1.

    Example: passbackd reconcile --consumer example --fix
    """
    # Imported here, so that the other commands start quickly.
    from daemon.support.reconcile import reading, reconcile  # noqa: PLC0415

    settings = quiet_config(config)
    fixed: set[Comparison] = {
        *(("empty", "outdated") if fix or overwrite else ()),
        *(("modified",) if overwrite else ()),
    }

    async def work() -> list[CampusReport]:
        wanted = AssignmentFilter(consumer_id=await consumer_id(consumer), course_id=course)
        async with reading(settings) as reader:
            with counting_bar("readings", wanted=not as_json) as progress:
                if not fixed:
                    return await reconcile(wanted, reader, fix=fixed, progress=progress)
                selection = {"consumer": consumer, "course": course, "fix": fix, "overwrite": overwrite}
                async with recorded_in_steps("reconcile", selection) as counts:
                    reports = await reconcile(wanted, reader, fix=fixed, progress=progress)
                    counts["marked"] = sum(report.marked for report in reports)
                    return reports

    reports = run_in_database(settings, work)
    if as_json:
        print_json(_document(reports))
    else:
        show_reports(reports, console())
    if any(report.is_failure for report in reports):
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
        "meaning": f"the campus {IN_WORDS[mismatch.finding]}",
        "held": mismatch.held,
        "acknowledged": grade.sent_score,
        "acknowledged_at": iso(grade.sent_at),
        "why": mismatch.why,
        "marked": mismatch.marked,
    }
