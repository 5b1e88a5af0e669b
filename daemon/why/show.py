"""What ``why`` shows to people: a paragraph an assignment, its ledger, and what did not get that far."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from daemon.infra.log import printable
from daemon.infra.text import past
from daemon.why.absent import absence
from daemon.why.known import Explanation, Known, Terms
from daemon.why.names import noun, title
from daemon.why.words import reason
from models.queries.grades import AssignmentView, Rejected
from models.stale_event import StaleEvent


def show(answer: Explanation, terms: Terms, screen: Console) -> None:
    """Print it all."""
    if answer.absent is not None:
        _say(screen, absence(answer.absent, answer.rejected, terms)[1])
    for number, known in enumerate(answer.known):
        if number:
            screen.print()
        _show_assignment(known, terms, screen)
    if answer.rejected:
        _show_rejected(answer.rejected, terms, screen)
    if answer.late:
        _show_late(answer.late, terms, screen)


def _show_assignment(known: Known, terms: Terms, screen: Console) -> None:
    _say(screen, title(known.row), style="bold")
    _say(screen, f"{_ids(known.row)}: {known.row.state}")
    _say(screen, reason(known, terms))
    if not known.lines:
        return
    table = _table("when", "attempt", "version", "score", "result", "HTTP", "ms", "event", "the campus said")
    for line in known.lines:
        table.add_row(
            *_cells(
                past(line.at, terms.zone, seconds=True),
                line.attempt,
                line.version,
                f"{line.score} (cut)" if line.clamped else line.score,
                line.result,
                line.http_status,
                line.duration_ms,
                line.entry_id,
                line.description,
            )
        )
    screen.print()
    screen.print(table)
    if known.more_lines:
        _say(screen, f"The ledger has more; these are the newest {len(known.lines)}.")


def _ids(row: AssignmentView) -> str:
    return f"learner {row.user_id}, course {row.course_id}, {noun(row)} {row.usage_id}, assignment {row.id}"


def _show_rejected(events: Sequence[Rejected], terms: Terms, screen: Console) -> None:
    table = _table("read", "type", "course", "block", "event", "reason")
    for event in events:
        table.add_row(
            *_cells(
                past(event.at, terms.zone, seconds=True),
                event.type,
                event.course_id,
                event.usage_id,
                event.entry_id,
                event.reason,
            )
        )
    _headed(screen, "In quarantine, since it could not be applied:", table)


def _show_late(events: Sequence[StaleEvent], terms: Terms, screen: Console) -> None:
    table = _table("read", "type", "course", "block", "event", "of", "times")
    for event in events:
        table.add_row(
            *_cells(
                past(event.at, terms.zone, seconds=True),
                event.type,
                event.course_id,
                event.usage_id,
                event.entry_id,
                past(event.modified_us // 1000, terms.zone, seconds=True),
                event.number,
            )
        )
    _headed(screen, "Came too late to change anything, since something newer was known:", table)


def _headed(screen: Console, heading: str, table: Table) -> None:
    screen.print()
    _say(screen, heading)
    screen.print(table)


def _table(*headings: str) -> Table:
    """On a narrow terminal cells are folded; an id that is cut off would be of no use."""
    first, *others = headings
    # Wide enough for a date.
    columns = [Column(first, overflow="fold", min_width=10), *(Column(name, overflow="fold") for name in others)]
    return Table(*columns, box=None)


def _cells(*values: str | int | None) -> list[Text]:
    return [Text("" if value is None else printable(str(value))) for value in values]


def _say(screen: Console, text: str, style: str = "") -> None:
    """A paragraph, folded on a terminal and one line in a pipe."""
    screen.print(Text(printable(text), style=style), soft_wrap=not screen.is_terminal)
