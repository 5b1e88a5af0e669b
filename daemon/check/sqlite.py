"""Whether an SQLite file is whole, and whether there is room for more."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from daemon.check.findings import Finding, fault, ok, warning
from models.db.sql import Statement

_GIB = 1024**3

#: Bytes on its disk: with less, `run` may soon not be able to write; with less still, it is a matter of hours.
LITTLE, HARDLY_ANY = _GIB, _GIB // 16

_VERSION = Statement("SELECT sqlite_version() AS version")
_JOURNAL = Statement("PRAGMA journal_mode")
# The first messages are enough.
_CHECK = Statement("SELECT quick_check AS message FROM pragma_quick_check(3)")


async def check_sqlite(path: Path) -> list[Finding]:
    """
    Ask the open database, which is the file at *path*, and its disk. Reads the whole file.

    Raises:
        Exception: Whatever the driver raises when it cannot be read.
    """
    version, journal = await _VERSION.row(), await _JOURNAL.row()
    messages = [str(row["message"]) for row in await _CHECK.rows()]
    free = shutil.disk_usage(path.parent).free
    return sqlite_findings(
        path, str(version and version["version"]), str(journal and journal["journal_mode"]), messages, free
    )


def check_room(path: Path) -> list[Finding]:
    """A fault if hardly any room is left on the disk of the file; nothing else."""
    free = shutil.disk_usage(path.parent).free
    return [_room(path, free)] if free < HARDLY_ANY else []


def sqlite_findings(path: Path, version: str, journal: str, messages: Sequence[str], free: int) -> list[Finding]:
    """
    What is wrong with a file. Pure.

    Args:
        messages: What the integrity check says.
        free: Bytes left on its disk.
    """
    found = [ok("database", "the file is whole")]
    if messages != ["ok"]:
        problem = f"{path} is damaged ({'; '.join(messages)[:300]})"
        found = [fault("database.url", problem, "stop the daemon and restore a backup")]
    if journal == "wal":
        found.append(ok("database", f"SQLite {version}, journal mode wal"))
    else:
        problem = f"journal mode is {journal} and not wal: the daemon and other commands wait for each other"
        found.append(warning("database.url", problem, f"put {path} on a local disk"))
    return [*found, _room(path, free)]


def _room(path: Path, free: int) -> Finding:
    room = f"{free / _GIB:.1f} GiB free on the disk of {path.parent}"
    if free >= LITTLE:
        return ok("database", room)
    severity = fault if free < HARDLY_ANY else warning
    return severity("database.url", f"only {room}", "make room there, or put the database on another disk")
