"""``run``, ``check``, ``config``, ``migrate``: the daemon and the servers that it needs."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from daemon.check.findings import Finding, exit_code, faults_of_config, report
from daemon.cli.common import WRONG, fail, load_config, quiet_config, run_work
from daemon.cli.options import ConfigOption, JsonOption
from daemon.cli.record import record
from daemon.cli.screen import counting_bar, print_json, say
from daemon.cli.whereabouts import say_whereabouts, whereabouts
from daemon.config import ConfigError, effective, find_config_file, load
from daemon.infra.embedded_lock import EmbeddedError
from daemon.infra.errors import describe
from daemon.infra.startup import UnusableError
from daemon.infra.text import counted, printable
from models.db.database import NoDatabaseError, open_database
from models.db.migrate import SchemaError, migrate


def start_daemon(config: ConfigOption = None) -> None:
    """
    Run the daemon in the foreground; SIGTERM or Ctrl-C drains it, SIGHUP has it read its settings anew.

    Example: passbackd run --config config.toml
    """
    # Imported here, so that the other commands start quickly.
    from daemon.infra.embedded import EmbeddedServerLostError  # noqa: PLC0415
    from daemon.lifespan import Environment  # noqa: PLC0415
    from daemon.loops.systemd import notifier  # noqa: PLC0415
    from daemon.run import run_daemon  # noqa: PLC0415

    settings, file = load_config(config), find_config_file(config, Path.cwd())
    environment = Environment(notifier=notifier(os.environ, os.getpid()), whereabouts=whereabouts(config, settings))
    try:
        run_daemon(settings, environment, reread=lambda: load(file, os.environ, cwd=Path.cwd()))
    except (SchemaError, EmbeddedError, UnusableError) as error:
        fail(str(error), WRONG)
    except EmbeddedServerLostError as error:
        fail(f"{error}; start the daemon again, and it starts both")


def check_setup(
    config: ConfigOption = None,
    *,
    deep: Annotated[bool, typer.Option("--deep", help="Also find later risks, and contact every campus.")] = False,
    as_json: JsonOption = False,
) -> None:
    """
    Validate the configuration and reach every server that it names; no grade is sent.

    Exit codes: 0 without faults, 2 with one of the configuration, a server or a daemon, 1 with one of a campus only.

    Example: passbackd check --deep
    """
    # Imported here, so that the other commands start quickly.
    from daemon.check.campuses import check_campuses  # noqa: PLC0415
    from daemon.check.servers import check_servers  # noqa: PLC0415
    from daemon.check.tokens import check_tokens  # noqa: PLC0415
    from daemon.check.work import check_work  # noqa: PLC0415

    if as_json:
        try:
            load(find_config_file(config, Path.cwd()), os.environ, cwd=Path.cwd())
        except ConfigError as error:
            print_json(report(faults_of_config(error)))
            raise typer.Exit(WRONG) from None
    settings = quiet_config(config)
    if not as_json:
        say_whereabouts(config, settings)

    async def work() -> tuple[list[Finding], list[Finding]]:
        servers = await check_servers(settings, deep=deep)
        if not deep:
            return servers, []
        servers += await check_work(settings)
        with counting_bar("campuses", wanted=not as_json) as progress:
            return servers, [*await check_campuses(settings, progress), *await check_tokens(settings)]

    servers, campuses = run_work(work())
    if as_json:
        print_json(report([*servers, *campuses]))
    else:
        _show([*servers, *campuses])
    raise typer.Exit(exit_code(servers, campuses))


def _show(findings: Sequence[Finding]) -> None:
    """Print a line each, faults last and on standard error."""
    for finding in sorted(findings, key=lambda finding: finding.severity == "fault"):
        prefix = "warning: " if finding.severity == "warning" else ""
        say(prefix + printable(finding.line()), err=finding.severity == "fault")
    severities = [finding.severity for finding in findings]
    if "fault" not in severities:
        warnings = severities.count("warning")
        say("everything answers" + (f"; {counted(warnings, 'warning')}" if warnings else ""))


def show_config(
    config: ConfigOption = None,
    *,
    changed: Annotated[bool, typer.Option("--changed", help="Only what differs from the defaults.")] = False,
) -> None:
    """Show the effective configuration, secrets masked. Example: passbackd config --changed"""
    try:
        text, faults = effective(find_config_file(config, Path.cwd()), os.environ, cwd=Path.cwd(), changed=changed)
    except ConfigError as error:
        fail(str(error), WRONG)
    say(text, nl=False)
    if faults:
        fail("\n".join(map(str, faults)), WRONG)


def migrate_schema(
    config: ConfigOption = None,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only print the SQL.")] = False,
) -> None:
    """Apply schema migrations, one daemon at a time. Example: passbackd migrate --dry-run"""
    settings = quiet_config(config)

    async def work() -> tuple[list[str], list[str]]:
        try:
            return await _migrate(settings.database.url, dry_run=dry_run)
        except (SchemaError, NoDatabaseError):
            raise
        except Exception as error:  # noqa: BLE001 - whatever the driver says, the operator needs the key
            fail(f"database.url: the migration failed: {describe(error)}")

    pending, sql = run_work(work())
    for statement in sql:
        say(f"{statement.rstrip(';')};")
    if not pending:
        say("nothing to migrate")
    elif not dry_run:
        say(f"applied {', '.join(pending)}")


async def _migrate(url: str, *, dry_run: bool) -> tuple[list[str], list[str]]:
    pending, sql = await migrate(url, dry_run=dry_run)
    if pending and not dry_run:
        async with open_database(url):
            await record("migrate", {}, {"migrations": len(pending)})
    return pending, sql
