"""Who gave a command: the system user, in the database's record and in the system's log."""

import json
import os
import platform
import pwd
import syslog
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

from daemon.cli.common import SERVER_FAULTS
from daemon.infra.log import printable
from daemon.support import record as shared
from daemon.support.record import Actor
from models.db.database import NoDatabaseError, open_database


def recorded(command: str, selection: Mapping[str, Any]) -> AbstractAsyncContextManager[dict[str, int]]:
    """As :func:`daemon.support.record.recorded_by`, by the system user."""
    return shared.recorded_by(command, selection, system_user())


def recorded_in_steps(command: str, selection: Mapping[str, Any]) -> AbstractAsyncContextManager[dict[str, int]]:
    """As :func:`daemon.support.record.recorded_in_steps_by`, by the system user."""
    return shared.recorded_in_steps_by(command, selection, system_user())


async def record(command: str, selection: Mapping[str, Any], counts: Mapping[str, int]) -> None:
    """As :func:`daemon.support.record.record_by`, by the system user."""
    await shared.record_by(command, selection, counts, system_user())


async def record_where_possible(url: str, command: str, counts: Mapping[str, int]) -> None:
    """As :func:`record`, for a command that needs no database: without one the system's log alone has it."""
    try:
        async with open_database(url, create=False):
            await record(command, {}, counts)
    except (NoDatabaseError, *SERVER_FAULTS):
        _log(command, {}, counts)


def system_user() -> Actor:
    """Who runs this command, for the record of actions."""
    return Actor(account_of(os.environ), platform.node(), _log)


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
