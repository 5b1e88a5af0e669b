"""What ``why`` shows to people: a paragraph an assignment, its deliveries, and the events that were not applied."""

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from daemon.infra.log import printable
from daemon.infra.text import past
from daemon.why.absent import absence
from daemon.why.known import Explanation, Known, Terms, noun, title
from daemon.why.words import reason
from models.queries.grades import Rejected
from models.stale_event import StaleEvent

_Cell = str | int | None


def print_answer(answer: Explanation, terms: Terms, screen: Console) -> None:
    if answer.absent is not None:
        _say(screen, absence(answer.absent, answer.rejected, terms)[1])
    for number, known in enumerate(answer.known):
        if number:
            screen.print()
        _print_assignment(known, terms, screen)
    event = ("read", "type", "course", "block", "event")
    if answer.rejected:
        screen.print()
        _say(screen, "In quarantine, since it could not be applied:")
        rejected = [(*_event(one, terms), one.reason) for one in answer.rejected]
        _print_table(screen, (*event, "reason"), rejected)
    if answer.late:
        screen.print()
        _say(screen, "Came too late to change anything, since something newer was known:")
        late = [(*_event(one, terms), _second(one.modified_us // 1000, terms), one.number) for one in answer.late]
        _print_table(screen, (*event, "of", "times"), late)


def _event(event: Rejected | StaleEvent, terms: Terms) -> tuple[_Cell, ...]:
    return _second(event.at, terms), event.type, event.course_id, event.usage_id, event.entry_id


def _print_assignment(known: Known, terms: Terms, screen: Console) -> None:
    row = known.row
    _say(screen, title(row), style="bold")
    _say(
        screen,
        f"learner {row.user_id}, course {row.course_id}, {noun(row)} {row.usage_id}, assignment {row.id}: {row.state}",
    )
    _say(screen, reason(known, terms))
    if not known.lines:
        return
    lines = [
        (
            _second(line.at, terms),
            line.attempt,
            line.version,
            f"{line.score} (cut)" if line.clamped else line.score,
            line.result,
            line.http_status,
            line.duration_ms,
            line.entry_id,
            line.description,
        )
        for line in known.lines
    ]
    screen.print()
    headings = ("when", "attempt", "version", "score", "result", "HTTP", "ms", "event", "the campus said")
    _print_table(screen, headings, lines)
    if known.more_lines:
        _say(screen, f"The ledger has more; these are the newest {len(known.lines)}.")


def _second(ms: int, terms: Terms) -> str:
    return past(ms, terms.zone, seconds=True)


def _print_table(screen: Console, headings: Sequence[str], rows: Iterable[Sequence[_Cell]]) -> None:
    """On a narrow terminal cells are folded; an id that is cut off would be of no use."""
    first, *others = headings
    # Wide enough for a date.
    columns = [Column(first, overflow="fold", min_width=10), *(Column(name, overflow="fold") for name in others)]
    table = Table(*columns, box=None)
    for row in rows:
        table.add_row(*(Text("" if value is None else printable(str(value))) for value in row))
    screen.print(table)


def _say(screen: Console, text: str, style: str = "") -> None:
    """A paragraph, folded on a terminal and one line in a pipe."""
    screen.print(Text(printable(text), style=style), soft_wrap=not screen.is_terminal)
