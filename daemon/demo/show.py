"""What people see of the demo: bars on a terminal, a line now and then in a pipe, and a table at the end."""

from time import monotonic

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from daemon.demo.tally import Tally

#: Seconds between two lines in a pipe.
LINE_EVERY = 4.0


class Show:
    """Shows the demo's progress while its context is open."""

    def __init__(self, console: Console, events: int) -> None:
        columns = TextColumn("{task.description:<16}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
        self._console = console
        self._events = events
        self._bars = Progress(*columns, console=console, disable=not console.is_terminal)
        self._fed = self._bars.add_task("learners at work", total=events)
        self._right = self._bars.add_task("grades as earned")
        self._next_line = 0.0

    def __enter__(self) -> "Show":
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def update(self, fed: int, now: Tally) -> None:
        """Show that *fed* events are on the stream, and what the campuses hold."""
        self._bars.update(self._fed, completed=fed)
        self._bars.update(self._right, completed=now.right, total=now.assignments)
        if not self._console.is_terminal and monotonic() >= self._next_line:
            self._next_line = monotonic() + LINE_EVERY
            line = f"events {fed}/{self._events}, grades as earned {now.right}/{now.assignments}"
            self._console.print(line, highlight=False)


def campus_table(result: Tally) -> Table:
    """What became of each campus."""
    table = Table(title="Campus by campus", title_justify="left")
    for heading in ("Campus", "Protocol"):
        table.add_column(heading, no_wrap=True)
    for heading in ("Requests", "Grades", "Mismatches"):
        table.add_column(heading, justify="right")
    for one in result.campuses:
        numbers = one.requests, one.grades, one.mismatches
        style = "bold red" if one.mismatches else None
        table.add_row(one.plan.name, one.plan.protocol, *map(str, numbers), style=style)
    return table


def final_table(result: Tally, seconds: float) -> Table:
    """The result of a demo that took so many *seconds*."""
    table = Table(title="What became of it", title_justify="left", show_header=False)
    table.add_column()
    table.add_column(justify="right")
    for name, number in result.rows.items():
        table.add_row(name, str(number), style="bold red" if name == "Mismatches" and number else None)
    table.add_row("Seconds", f"{seconds:.0f}")
    return table
