"""Who did what: a command that changes something leaves a row in the database and a line in the system's log."""

import json
import os
import platform
import pwd
import syslog
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from tortoise.transactions import in_transaction

from daemon.cli.common import SERVER_FAULTS, measured_clock
from daemon.infra.log import printable
from models.action import record_action
from models.db.database import NoDatabaseError, open_database
from models.retirement import is_forgotten


@asynccontextmanager
async def recorded(command: str, selection: Mapping[str, Any]) -> AsyncIterator[dict[str, int]]:
    """
    Record *command* once its change is done, with the counts that the body fills in, in one transaction with it.

    Args:
        selection: What it was to change, without secrets.
    """
    async with in_transaction():
        counts: dict[str, int] = {}
        yield counts
        await record(command, selection, counts)


@asynccontextmanager
async def recorded_in_steps(command: str, selection: Mapping[str, Any]) -> AsyncIterator[dict[str, int]]:
    """As :func:`recorded`, for changes of many transactions: what was done before a fault is recorded too."""
    counts: dict[str, int] = {}
    try:
        yield counts
    finally:
        await record(command, selection, counts)


async def record(command: str, selection: Mapping[str, Any], counts: Mapping[str, int]) -> None:
    """Record what a command did, in the caller's transaction if there is one."""
    now = (await measured_clock()).now()
    chosen = {name: value for name, value in selection.items() if name != "user"}
    user = selection.get("user")
    kept = chosen if user is None or await is_forgotten(user) else selection
    await record_action(command, kept, counts, account=account_of(os.environ), host=platform.node(), now=now)
    _log(command, chosen, counts)


async def record_where_possible(url: str, command: str, counts: Mapping[str, int]) -> None:
    """As :func:`record`, for a command that needs no database: without one the system's log alone has it."""
    try:
        async with open_database(url, create=False):
            await record(command, {}, counts)
    except (NoDatabaseError, *SERVER_FAULTS):
        _log(command, {}, counts)


def _log(command: str, chosen: Mapping[str, Any], counts: Mapping[str, int]) -> None:
    # The terminal shows it already; the system's log is what outlives this database.
    syslog.openlog("passbackd", facility=syslog.LOG_AUTHPRIV)
    syslog.syslog(printable(f"{account_of(os.environ)}: {command} {json.dumps(chosen)} {json.dumps(dict(counts))}"))


def account_of(environ: Mapping[str, str]) -> str:
    """The system user of this process; "NAME (by sudo: OTHER)" where another one became it."""
    try:
        name = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        name = str(os.getuid())
    other = environ.get("SUDO_USER")
    return f"{name} (by sudo: {other})" if other and other != name else name
