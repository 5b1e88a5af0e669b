"""What people see: text and tables on standard output, bars on standard error."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.table import Table
from rich.text import Text

from daemon.infra.log import printable

#: Columns of a table in a pipe, which is never folded.
PIPE_WIDTH = 250


def console() -> Console:
    """Standard output for people: colours and bars on a terminal only. No text is read as markup."""
    return Console(highlight=False, emoji=False, markup=False, width=None if sys.stdout.isatty() else PIPE_WIDTH)


def print_json(document: object) -> None:
    """Standard output for programs: one JSON document."""
    say(json.dumps(document))


def cell(text: str) -> Text:
    """Text from elsewhere for a table: it can neither steer the terminal nor be markup."""
    return Text(printable(text))


def say(text: str, *, err: bool = False, nl: bool = True) -> None:
    """Lines of text from anywhere; *err*: on standard error."""
    # Not by click, which writes UTF-8 where the locale is that of C.
    stream = sys.stderr if err else sys.stdout
    stream.write(printable(text, "\n\t") + ("\n" if nl else ""))
    stream.flush()


def table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """A table of :func:`cell`; None becomes an empty one."""
    made = Table(*headings, box=None)
    for row in rows:
        made.add_row(*("" if value is None else cell(str(value)) for value in row))
    return made


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

    columns = (TextColumn(label), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    shown = wanted and sys.stderr.isatty()
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not shown) as bar:
        task = bar.add_task(label, total=None)
        yield lambda done, of: bar.update(task, completed=done, total=of)
