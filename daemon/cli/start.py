"""What a subcommand begins with: exit codes, and the configuration."""

import os
from pathlib import Path
from typing import NoReturn

import typer

from daemon.cli.screen import say
from daemon.config import Config, ConfigError, find_config_file, load

#: Exit codes: something went wrong; wrong use or wrong configuration.
FAILED, WRONG = 1, 2


def fail(message: str, code: int = FAILED) -> NoReturn:
    """Say what is wrong, a line a fault, and exit."""
    say(message, err=True)
    raise typer.Exit(code)


def read_config(given: Path | None) -> Config:
    """The configuration; faults are printed and end the command."""
    try:
        return load(find_config_file(given, Path.cwd()), os.environ, cwd=Path.cwd())
    except ConfigError as error:
        fail(str(error), WRONG)
