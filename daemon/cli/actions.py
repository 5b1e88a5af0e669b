"""``actions``: what operators did."""

from typing import Annotated

import typer

from daemon.cli.common import quiet_config, run_in_database
from daemon.cli.options import ConfigOption, JsonOption
from daemon.cli.resend import milliseconds
from daemon.cli.screen import console, print_json, table
from daemon.config import zone
from daemon.infra.text import iso, past
from daemon.support.record import action_words
from models.action import actions


def list_actions(
    since: Annotated[str | None, typer.Option("--since", help="Only since then (ISO 8601).")] = None,
    config: ConfigOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """List what was changed by commands, when and by whom. Example: passbackd actions --since 2026-03-02T08:00Z"""
    since_ms = 0 if since is None else milliseconds(since)
    settings = quiet_config(config)
    done = run_in_database(settings, lambda: actions(since_ms))
    if as_json:
        print_json([{**action, "at": iso(action["at"])} for action in done])
        return
    where = zone(settings.log.timezone)
    who, what = ("account", "host", "command"), ("selection", "counts")
    rows = [
        (past(one["at"], where), *(one[name] for name in who), *(action_words(one[name]) for name in what))
        for one in done
    ]
    headings = ("when", "who", "host", "command", "on what", "how many")
    console().print(table(headings, rows) if rows else "nothing was done by a command")
