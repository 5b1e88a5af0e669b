"""
``run``, ``check``, ``config``, ``migrate``: the daemon, its configuration and its schema.

What only some commands need is imported by them, so that a short question is answered quickly.
"""

# ruff: noqa: PLC0415

import json
import os
from pathlib import Path
from typing import Annotated

import typer

from daemon.cli.common import (
    FAILED,
    WRONG,
    ConfigOption,
    JsonOption,
    asynchronous,
    counting_bar,
    fail,
    load_config,
    quiet_config,
)
from daemon.cli.findings import print_findings
from daemon.config import Config, ConfigError, effective, find_config_file, load
from daemon.infra.embedded_lock import EmbeddedError
from daemon.infra.errors import describe
from daemon.infra.startup import UnusableError
from models.db.migrate import SchemaError, migrate


def run_passbackd(config: ConfigOption = None) -> None:
    """
    Run the daemon in the foreground; SIGTERM or Ctrl-C drains it, on SIGHUP it reads its settings anew.

    Example: passbackd run --config config.toml
    """
    from daemon.lifespan import Environment
    from daemon.loops.systemd import notifier
    from daemon.run import run_daemon

    settings, file = load_config(config), find_config_file(config, Path.cwd())

    def reread() -> Config:
        return load(file, os.environ, cwd=Path.cwd())

    try:
        run_daemon(settings, Environment(notifier=notifier(os.environ, os.getpid())), reread=reread)
    except (SchemaError, EmbeddedError, UnusableError) as error:
        fail(str(error), WRONG)


@asynchronous
async def check_all(
    config: ConfigOption = None,
    *,
    deep: Annotated[
        bool,
        typer.Option("--deep", help="Also look for what may go wrong later, and at every campus; no grade is sent."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """
    Validate the configuration and reach every server that it names.

    Exit codes: 0 without faults, 2 with a fault of the configuration or a server, 1 with one of a campus only.

    Example: passbackd check --deep
    """
    from daemon.check import check_campuses, check_servers, exit_code, report

    if as_json:
        _print_faults_of_config(config)
    settings = quiet_config(config)
    servers = await check_servers(settings, deep=deep)
    campuses = []
    if deep:
        with counting_bar("campuses", wanted=not as_json) as progress:
            campuses = await check_campuses(settings, progress)
    if as_json:
        typer.echo(json.dumps(report([*servers, *campuses])))
    else:
        print_findings([*servers, *campuses])
    if code := exit_code(servers, campuses):
        raise typer.Exit(code)


def _print_faults_of_config(given: Path | None) -> None:
    """As one JSON document, if there are any."""
    from daemon.check import faults_of_config, report

    try:
        load(find_config_file(given, Path.cwd()), os.environ, cwd=Path.cwd())
    except ConfigError as error:
        typer.echo(json.dumps(report(faults_of_config(error))))
        raise typer.Exit(WRONG) from None


def show_config(config: ConfigOption = None) -> None:
    """Show the effective configuration, secrets masked. Example: passbackd config"""
    try:
        text, faults = effective(find_config_file(config, Path.cwd()), os.environ, cwd=Path.cwd())
    except ConfigError as error:
        fail(str(error), WRONG)
    typer.echo(text, nl=False)
    if faults:
        fail("\n".join(map(str, faults)), WRONG)


@asynchronous
async def migrate_schema(
    config: ConfigOption = None,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only print the SQL.")] = False,
) -> None:
    """Apply schema migrations, one daemon at a time. Example: passbackd migrate --dry-run"""
    try:
        pending, sql = await migrate(quiet_config(config).database.url, dry_run=dry_run)
    except SchemaError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever the driver says, the operator needs the key
        fail(f"database.url: the migration failed: {describe(error)}", FAILED)
    for statement in sql:
        typer.echo(f"{statement.rstrip(';')};")
    if not pending:
        typer.echo("nothing to migrate")
    elif not dry_run:
        typer.echo(f"applied {', '.join(pending)}")
