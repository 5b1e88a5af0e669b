"""What ``reconcile`` found, for people: mismatches of one kind together, then a line for each campus."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from actors.comparison import COMPARISONS, Comparison
from daemon.cli.screen import cell
from daemon.infra.log import printable
from daemon.infra.text import counted
from daemon.support.report import CampusReport, Mismatch

#: Grades that are shown one by one, of all groups together and of one; ``--json`` has all.
MAX_MISMATCHES, MAX_IN_GROUP = 200, 20

IN_WORDS: dict[Comparison, str] = {
    "equal": "holds what it acknowledged",
    "rounded": "holds what it acknowledged, rounded to its own scale or as passed or failed",
    "empty": "holds no grade",
    "outdated": "holds a grade that was sent earlier",
    "modified": "holds a grade that was never sent: changed there, or sent before the ledger begins",
    "kept": "took this grade again and shows another: it keeps the best, or a teacher's override; it is not sent again",
    "gone": "does not know the learner any more: nothing is to be done",
    "unreadable": "gives no grade back",
}
_CURES: dict[Comparison, str] = {
    "empty": "--fix has it sent again",
    "outdated": "--fix has it sent again",
    "modified": "--overwrite has it sent again",
    "kept": "ask the campus; `passbackd resend --assignment ID --force` sends it all the same",
}


def show_reports(reports: Sequence[CampusReport], screen: Console) -> None:
    """Print them."""
    groups = [(report, some) for report in reports for some in _alike(report.mismatches)]
    left = MAX_MISMATCHES
    for report, some in groups:
        shown = some[: min(left, MAX_IN_GROUP)]
        left -= len(shown)
        _say(screen, _heading(report, some))
        if shown:
            screen.print(_table(shown))
        if len(shown) < len(some):
            _say(screen, f"  and {len(some) - len(shown)} more: --json lists all")
        screen.print()
    for report in reports:
        _say(screen, _line(report))
    if not reports:
        _say(screen, "there is no assignment yet")


def _alike(mismatches: Sequence[Mismatch]) -> list[list[Mismatch]]:
    """Those of one finding, course and reason together; the most grades first."""
    found: dict[tuple[object, ...], list[Mismatch]] = {}
    for one in mismatches:
        # Why one is kept names its own grades.
        why = "" if one.finding == "kept" else one.why
        found.setdefault((one.finding, one.marked, one.acknowledged.course_id, why), []).append(one)
    return sorted(found.values(), key=len, reverse=True)


def _heading(report: CampusReport, some: Sequence[Mismatch]) -> str:
    first = some[0]
    where = printable(f"{report.consumer} ({report.origin}), course {first.acknowledged.course_id}")
    said = f"the campus {IN_WORDS[first.finding]}"
    if first.finding == "kept" and len(some) == 1:
        said = first.why
    elif first.finding != "kept" and first.why:
        said += f" ({first.why})"
    todo = "marked: the daemon sends it again" if first.marked else _CURES.get(first.finding, "")
    return f"{counted(len(some), 'grade')} at {where}: {printable(said)}{f'; {todo}' if todo else ''}"


def _table(some: Sequence[Mismatch]) -> Table:
    headings = ("assignment", "learner", "block", "acknowledged", "shown")
    table = Table(*(Column(name, overflow="fold") for name in headings), box=None)
    for one in some:
        grade = one.acknowledged
        shown = "nothing" if not one.held else one.held
        table.add_row(*map(cell, (str(grade.id), grade.user_id, grade.usage_id, grade.sent_score, shown)))
    return table


def _line(report: CampusReport) -> str:
    found = [f"{report.counts[finding]} {finding}" for finding in COMPARISONS if report.counts[finding]]
    skipped = [f"{number} not read ({printable(why)})" for why, number in sorted(report.skipped.items())]
    sent = [f"{report.marked} marked: the daemon sends them again"] if report.marked else []
    words = ", ".join([*found, *sent, *skipped]) or "nothing to read"
    return f"{printable(report.consumer)} at {printable(report.origin)}: {words}"


def _say(screen: Console, line: str) -> None:
    screen.print(Text(line), soft_wrap=not screen.is_terminal)
