"""How ``check`` shows what it found, and how far it is."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from daemon.log import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from daemon.check import Finding


def tell(findings: Sequence[Finding]) -> None:
    """What is well and what is worth a look on standard output; faults, a line each, on standard error."""
    warnings = 0
    for finding in findings:
        if finding.severity == "ok":
            typer.echo(printable(finding.line()))
        elif finding.severity == "warning":
            warnings += 1
            typer.echo(f"warning: {printable(finding.line())}")
    faults = [printable(finding.line()) for finding in findings if finding.severity == "fault"]
    if faults:
        typer.echo("\n".join(faults), err=True)
    else:
        typer.echo("everything answers" + (f"; {warnings} warning{'' if warnings == 1 else 's'}" if warnings else ""))


@contextmanager
def campuses_bar(*, wanted: bool) -> Iterator[Callable[[int, int], None]]:
    """A bar on a terminal that goes when all is done; nothing elsewhere."""
    if not wanted or not sys.stderr.isatty():
        yield lambda _done, _all: None
        return
    columns = (TextColumn("campuses"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("campuses", total=None)
        yield lambda done, of: bar.update(task, completed=done, total=of)
