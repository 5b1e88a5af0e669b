"""``run``, ``check``, ``config``, ``migrate``: the daemon and what it stands on."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from daemon.check import faults_of_servers
from daemon.cli.common import FAILED, WRONG, ConfigOption, fail, load_config, quiet_config
from daemon.cli.common import run as run_work
from daemon.config import ConfigError, effective, find_config_file
from daemon.embedded import EmbeddedError
from daemon.faults import why
from daemon.run import run_daemon
from daemon.startup import UnusableError
from models.migrate import SchemaError
from models.migrate import migrate as apply_migrations


def run(config: ConfigOption = None) -> None:
    """Run the daemon in the foreground; SIGTERM or Ctrl-C drains it. Example: passbackd run --config config.toml"""
    loaded = load_config(config)
    try:
        run_daemon(loaded.config)
    except (SchemaError, EmbeddedError, UnusableError) as error:
        fail(str(error), WRONG)


def check(config: ConfigOption = None) -> None:
    """Validate the configuration and reach every server that it names. Example: passbackd check"""
    settings = quiet_config(config)

    async def work() -> None:
        faults, notes = await faults_of_servers(settings)
        for note in notes:
            typer.echo(note)
        if faults:
            fail("\n".join(faults), WRONG)
        typer.echo("everything answers")

    run_work(work())


def config(config: ConfigOption = None) -> None:
    """Show the effective configuration, secrets masked. Example: passbackd config"""
    try:
        text, faults = effective(find_config_file(config, Path.cwd()), os.environ, cwd=Path.cwd())
    except ConfigError as error:
        fail(str(error), WRONG)
    typer.echo(text, nl=False)
    if faults:
        fail("\n".join(map(str, faults)), WRONG)


def migrate(
    config: ConfigOption = None,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only print the SQL.")] = False,
) -> None:
    """Apply schema migrations, one daemon at a time. Example: passbackd migrate --dry-run"""
    settings = quiet_config(config)

    async def work() -> None:
        try:
            pending, sql = await apply_migrations(settings.database.url, dry_run=dry_run)
        except SchemaError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever the driver says, the operator needs the key
            fail(f"database.url: the migration failed: {why(error)}", FAILED)
        for statement in sql:
            typer.echo(f"{statement.rstrip(';')};")
        if not pending:
            typer.echo("nothing to migrate")
        elif not dry_run:
            typer.echo(f"applied {', '.join(pending)}")

    run_work(work())
