"""The subcommands, put together."""

import sys
from importlib.metadata import version
from typing import Annotated

import typer

from daemon.cli import consumer, feed, parked, quarantine, reconcile, resend, secrets, server, status, why
from daemon.cli.common import WRONG, ConfigOption
from daemon.demo import run_demo

app = typer.Typer(
    name="passbackd",
    help="Passes grades back from a learning tool to campus LMSs over LTI.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(*, wanted: bool) -> None:
    if wanted:
        typer.echo(f"passbackd {version('passbackd')}")
        raise typer.Exit


@app.callback()
def _passbackd(
    *,
    show_version: Annotated[
        bool,
        typer.Option(
            "--version",
            help="Show the release and exit.",
            callback=lambda value: _show_version(wanted=value),
            is_eager=True,
        ),
    ] = False,
) -> None:
    del show_version  # its callback has done all


app.command("run")(server.run_passbackd)
app.command("check")(server.check_all)
app.command("config")(server.show_config)
app.command("migrate")(server.migrate_schema)
app.add_typer(consumer.app, name="consumer")
app.add_typer(secrets.app, name="secrets")
app.command("feed")(feed.feed_events)
app.command("status")(status.show_status)
app.command("why")(why.show_why)
app.command("resend")(resend.resend_grades)
app.command("parked")(parked.list_parked)
app.add_typer(quarantine.app, name="quarantine")
app.command("reconcile")(reconcile.reconcile_grades)


@app.command()
def demo(config: ConfigOption = None) -> None:
    """Play the main job against a sample campus and compare its gradebook. Example: passbackd demo"""
    del config  # taken as everywhere, and not needed: the demo writes its own
    raise typer.Exit(run_demo())


def main() -> None:
    """The command. No id, name or key holds what is not UTF-8, and no database takes it."""
    if any("\ud800" <= character <= "\udfff" for word in sys.argv for character in word):
        typer.echo("an argument is not valid UTF-8: see the locale of this terminal", err=True)
        raise SystemExit(WRONG)
    app(prog_name="passbackd")
