"""How ``check`` shows what it found."""

from collections.abc import Sequence

import typer

from daemon.check import Finding
from daemon.infra.log import printable


def print_findings(findings: Sequence[Finding]) -> None:
    """What is well and what is a warning on standard output; faults, a line each, on standard error."""
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
