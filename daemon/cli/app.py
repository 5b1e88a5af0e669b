"""The subcommands, put together."""

import sys
from importlib.metadata import version
from typing import Annotated

import typer

from daemon.cli import consumer, feed, parked, quarantine, reconcile, resend, secrets, server, status, why
from daemon.cli.common import WRONG
from daemon.cli.options import ConfigOption
from daemon.demo import run_demo

app = typer.Typer(
    name="passbackd",
    help="Passes grades back from a learning tool to campus LMSs over LTI.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:  # noqa: FBT001 - Typer gives it by position
    if wanted:
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


app.command("run")(server.start_daemon)
app.command("check")(server.check_setup)
app.command("config")(server.show_config)
app.command("migrate")(server.migrate_schema)
app.add_typer(consumer.app, name="consumer")
app.add_typer(secrets.app, name="secrets")
app.command("feed")(feed.feed_events)
app.command("status")(status.show_status)
app.command("why")(why.explain_grades)
app.command("resend")(resend.resend_grades)
app.command("parked")(parked.list_parked)
app.add_typer(quarantine.app, name="quarantine")
app.command("reconcile")(reconcile.reconcile_campuses)


@app.command("demo")
def play_demo(config: ConfigOption = None) -> None:
    """Pass grades back to a sample campus and compare its gradebook. Example: passbackd demo"""
    del config  # taken as everywhere, and not needed: the demo writes its own
    raise typer.Exit(run_demo())


def main() -> None:
    """Run the command. An argument that is not UTF-8 is refused: no database takes it."""
    if any("\ud800" <= character <= "\udfff" for word in sys.argv for character in word):
        typer.echo("an argument is not valid UTF-8: see the locale of this terminal", err=True)
        raise SystemExit(WRONG)
    app(prog_name="passbackd")
