"""What people see of the demo: bars on a terminal, a line now and then in a pipe, and a table at the end."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from daemon.demo.tally import Tally

#: Seconds between two lines in a pipe.
LINE_EVERY = 4.0


class Show(Protocol):
    """Takes the state of the play, several times a second."""

    def update(self, fed: int, now: Tally) -> None:
        """Show that *fed* events are on the stream, and how the campus stands."""


@contextmanager
def live(console: Console, *, events: int, assignments: int) -> Iterator[Show]:
    """Show progress for as long as the context is open."""
    if not console.is_terminal:
        yield _Lines(console, events, assignments)
        return
    columns = (
        TextColumn("{task.description:<16}"),
        BarColumn(),
        MofNCompleteColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=console) as progress:
        yield _Bars(progress, events, assignments)


class _Bars:
    def __init__(self, progress: Progress, events: int, assignments: int) -> None:
        self._progress = progress
        self._fed = progress.add_task("learners at work", total=events, note="")
        self._right = progress.add_task("grades as earned", total=assignments, note="")

    def update(self, fed: int, now: Tally) -> None:
        self._progress.update(self._fed, completed=fed, note="events")
        self._progress.update(self._right, completed=now.right, note=f"{now.requests} requests, {now.retried} retried")


class _Lines:
    def __init__(self, console: Console, events: int, assignments: int) -> None:
        self._console = console
        self._of = events, assignments
        self._next = 0.0

    def update(self, fed: int, now: Tally) -> None:
        if monotonic() < self._next:
            return
        self._next = monotonic() + LINE_EVERY
        self._console.print(
            f"events {fed}/{self._of[0]}, grades as earned {now.right}/{self._of[1]}, "
            f"requests {now.requests}, retried {now.retried}",
            highlight=False,
        )


def final_table(result: Tally, seconds: float) -> Table:
    """Lay out *result*, of a play that took so many *seconds*."""
    table = Table(title="What became of it", title_justify="left", show_header=False)
    table.add_column()
    table.add_column(justify="right")
    rows = [
        ("Learners", result.learners),
        ("Assignments", result.leaves + result.composites),
        ("  on one problem (leaf)", result.leaves),
        ("  on several (composite)", result.composites),
        ("Score events fed", result.events),
        ("  duplicates", result.duplicates),
        ("  late (out of order)", result.late),
        ("Requests at the campus", result.requests),
        ("  answered 503", result.answered_503),
        ("  retried outcomes", result.retried),
        ("Requests saved by debounce", result.saved),
        ("Most requests for a composite, less retries", result.most_per_composite),
        ("Grades earned", result.grades),
        ("Mismatches", result.mismatches),
    ]
    for name, number in rows:
        table.add_row(name, str(number), style="bold red" if name == "Mismatches" and number else None)
    table.add_row("Seconds", f"{seconds:.0f}")
    return table
