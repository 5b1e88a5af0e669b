"""The subcommands, put together."""

import sys
from io import TextIOWrapper
from typing import Annotated

import typer

from daemon.cli.lazy import LazyGroup

app = typer.Typer(
    name="passbackd",
    help="Passes grades back from a learning tool to campus LMSs over LTI.",
    cls=LazyGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:  # noqa: FBT001 - Typer gives it by position
    if wanted:
        from importlib.metadata import version  # noqa: PLC0415 - heavy

        typer.echo(f"passbackd {version('passbackd')}")
        raise typer.Exit


@app.callback()
def _passbackd(
    *,
    show_version: Annotated[
        bool, typer.Option("--version", help="Show the release and exit.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    del show_version  # its callback does the work


def _write_anything() -> None:
    """Have characters that the encoding of this terminal or file lacks escaped, in place of failing on them."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def run_app() -> None:
    """Run the command. An argument that is not UTF-8 is refused: no database takes it."""
    _write_anything()
    if any("\ud800" <= character <= "\udfff" for word in sys.argv for character in word):
        typer.echo("an argument is not valid UTF-8: see the locale of this terminal", err=True)
        raise SystemExit(2)
    app(prog_name="passbackd")
