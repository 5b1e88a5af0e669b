"""Everything on the side of this machine: the database, Redis, the certificates that are trusted."""

import os
from collections.abc import Iterable
from pathlib import Path

from actors.tls import trust
from daemon.check.egress import check_egress
from daemon.check.findings import Finding, fault, ok, split_cure, warning
from daemon.check.owner import check_owner
from daemon.check.postgres import check_postgres, check_session
from daemon.check.redis import check_redis
from daemon.check.sqlite import check_room, check_sqlite
from daemon.check.stored import check_stored_set_up
from daemon.check.trust import check_trust
from daemon.config import Config
from daemon.infra.errors import Trouble, describe, trouble
from models.db.database import NoDatabaseError, open_database, sqlite_path
from models.db.migrate import SchemaError, applied, check_applied, known


async def check_servers(config: Config, *, deep: bool = False) -> list[Finding]:
    """
    What keeps the daemon from working, and how the servers are.

    Args:
        deep: Also what may go wrong later: settings that lose data, clocks, memory, disk.
    """
    found = [*await check_database(config, deep=deep), *await check_redis(config, deep=deep)]
    if deep:
        found += check_trust(config)
    if all(finding.severity != "fault" for finding in found):
        found += await check_owner(config)
    found += await check_stored_set_up(config)
    return [*found, *check_egress(config.egress), *_certificates(config)]


async def check_database(config: Config, *, deep: bool) -> list[Finding]:
    """Reads only; no SQLite database is made."""
    url = config.database.url
    path = sqlite_path(url)
    try:
        async with open_database(url, create=False):
            found = [await _schema(may_migrate=config.database.migrate_on_start)]
            if path is None:
                found += await check_session()
                found += await check_postgres(url) if deep else []
            else:
                found += await check_sqlite(path) if deep else check_room(path)
            return found
    except NoDatabaseError as error:
        return [_no_database(path, str(error), may_migrate=config.database.migrate_on_start)]
    except Exception as error:  # noqa: BLE001 - whatever the driver says, the operator needs the key
        lost = trouble(error)
        words = "" if lost is None or lost == Trouble("database") else f"{lost.words}: "
        problem = f"the database cannot be reached ({words}{describe(error)})"
        cure = "" if lost is None else lost.cure
        return [fault("database.url", problem, cure or "is it running, is the URL right?")]


def _no_database(path: Path | None, problem: str, *, may_migrate: bool) -> Finding:
    folder = next((one for one in (path.parents if path else ()) if one.exists()), None)
    if folder is not None and not os.access(folder, os.W_OK | os.X_OK):
        return fault("database.url", f"{problem}, and {folder} may not be written", "name another, or give the right")
    if not may_migrate:
        return _fits([])
    cure = "the daemon makes it at its start; if there is one, name its configuration with --config"
    return warning("database.url", problem, cure)


async def _schema(*, may_migrate: bool) -> Finding:
    have, want = set(await applied()), set(known())
    if may_migrate and want - have and not have - want:
        return ok("database", f"answers; {len(want - have)} migrations will be applied at start")
    return _fits(have)


def _fits(migrations: Iterable[str]) -> Finding:
    try:
        check_applied(migrations)
    except SchemaError as error:
        problem, cure = split_cure(error)
        return fault("database.url", problem.removeprefix("database.url: "), cure)
    return ok("database", "answers, the schema fits")


def _certificates(config: Config) -> list[Finding]:
    egress, found = config.egress, []
    files = {"egress.ca_file": egress.ca_file}
    files |= {f"egress.campuses.{key}.ca_file": own.ca_file for key, own in egress.campuses.items()}
    for name, file in files.items():
        try:
            trust(file)
        except OSError as error:
            problem = f"{file} cannot be used ({error.strerror or error})"
            found.append(fault(name, problem, "name a file of certificates in PEM"))
    return found
