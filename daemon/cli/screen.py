"""What people see: text and tables on standard output, bars on standard error."""

import json
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.table import Column, Table
from rich.text import Text

from daemon.infra.text import ALARM, NARROW, printable

#: Columns of a table in a pipe, which is never folded.
PIPE_WIDTH = 250
#: Columns that the last cell of a row is folded to, at least.
LAST = 24


def console() -> Console:
    """Standard output for people: colours and bars on a terminal only. No text is read as markup."""
    return Console(highlight=False, emoji=False, markup=False, width=None if sys.stdout.isatty() else PIPE_WIDTH)


def print_json(document: object) -> None:
    """Standard output for programs: one JSON document."""
    say(json.dumps(document))


def cell(value: object, *, alarms: bool = False) -> Text:
    """Anything for a table: text from elsewhere can neither steer the terminal nor be markup. *alarms*: in red."""
    return Text(printable(str(value)), ALARM if alarms else "")


def say(text: str, *, err: bool = False, nl: bool = True) -> None:
    """Lines of text from anywhere; *err*: on standard error."""
    # Not by click, which writes UTF-8 where the locale is that of C.
    stream = sys.stderr if err else sys.stdout
    stream.write(printable(text, "\n\t") + ("\n" if nl else ""))
    stream.flush()


class Rows:
    """A table, or, where a terminal is too narrow for it, a block a row: no word of it is cut."""

    def __init__(self, headings: Sequence[str], rows: Sequence[Sequence[Text]], numbers: Collection[str]) -> None:
        self._headings = headings
        self._rows = rows
        self._numbers = numbers

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if not console.is_terminal or self._fits(console, options):
            yield self._table(fold=not console.is_terminal)
            return
        width = max(map(len, self._headings))
        for row in self._rows:
            block = Table.grid(Column(width=width + 2, no_wrap=True), Column(overflow="fold"))
            for heading, value in zip(self._headings, row, strict=True):
                if value.plain:
                    block.add_row(heading, value)
            yield block
            yield Text()

    def _table(self, *, fold: bool) -> Table:
        columns = [
            Column(
                name,
                justify="right" if name in self._numbers else "left",
                overflow="fold",
                no_wrap=not fold and number < len(self._headings),
            )
            for number, name in enumerate(self._headings, start=1)
        ]
        made = Table(*columns, box=None)
        for row in self._rows:
            made.add_row(*row)
        return made

    def _fits(self, console: Console, options: ConsoleOptions) -> bool:
        """With its last column folded, on a terminal that is not narrow."""
        unbounded = options.update(max_width=100_000)
        free = options.max_width - Measurement.get(console, unbounded, self._table(fold=False)).maximum
        if options.max_width < NARROW or not self._rows:
            return free >= 0
        last = max(len(self._headings[-1]), *(row[-1].cell_len for row in self._rows))
        return free >= min(0, LAST - last)


def table(headings: Sequence[str], rows: Iterable[Sequence[object]], numbers: Collection[str] = ()) -> Rows:
    """A table of :func:`cell`; None becomes an empty one. *numbers*: the headings of columns of numbers."""
    return Rows(headings, [[_as_cell(value) for value in row] for row in rows], numbers)


def _as_cell(value: object) -> Text:
    return value if isinstance(value, Text) else cell("" if value is None else value)


@contextmanager
def counting_bar(label: str, *, wanted: bool = True) -> Iterator[Callable[[int, int], None]]:
    """
    A bar with the time left on a terminal until all is done, nothing elsewhere.

    Call it with how many are done, and of how many.
    """
    from rich.progress import (  # noqa: PLC0415 - heavy
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    left = TimeRemainingColumn(compact=True)
    columns = (TextColumn(label), BarColumn(), MofNCompleteColumn(), left, TextColumn("left"))
    shown = wanted and sys.stderr.isatty()
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not shown) as bar:
        task = bar.add_task(label, total=None)
        yield lambda done, of: bar.update(task, completed=done, total=of)
