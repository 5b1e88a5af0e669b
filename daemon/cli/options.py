"""Options that several subcommands share."""

from pathlib import Path
from typing import Annotated

import typer

from daemon.config.sources import CONFIG_VARIABLE
from models.db.sql import MAX_ID

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        envvar=CONFIG_VARIABLE,
        help="Without it ./config.toml, else /etc/passbackd/config.toml.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
AllOption = Annotated[bool, typer.Option("--all", help="All of them, unless another option narrows it down.")]
UserOption = Annotated[str | None, typer.Option("--user", help="Only this learner, by the tool's id.")]
CourseOption = Annotated[str | None, typer.Option("--course", help="Only this course of the tool.")]
CampusOption = Annotated[str | None, typer.Option("--consumer", help="Only the campus with this consumer key.")]
AssignmentOption = Annotated[
    int | None,
    typer.Option(
        "--assignment", metavar="ID", min=1, max=MAX_ID, help="An assignment's id, as the log and `parked` have it."
    ),
]
