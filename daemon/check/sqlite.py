"""Whether an SQLite file is whole, and whether there is room for more."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from daemon.check.findings import Finding, fault, ok, warning
from models.db.sql import Statement

_GIB = 1024**3

#: Bytes on its disk: with less, `run` may soon not be able to write; with less still, it is a matter of hours.
LITTLE, HARDLY_ANY = _GIB, _GIB // 16

_VERSION = Statement("SELECT sqlite_version() AS version")
_JOURNAL = Statement("PRAGMA journal_mode")
# At most so many words of what is broken: the first tell enough.
_CHECK = Statement("SELECT quick_check AS words FROM pragma_quick_check(3)")


@dataclass(frozen=True, slots=True)
class Facts:
    """*broken*: what the check of integrity says; empty where all is well. *free*: bytes left on its disk."""

    version: str
    broken: list[str]
    journal: str
    free: int


async def look(path: Path) -> list[Finding]:
    """
    Ask the open database, and the disk on which *path* is. Reads the whole file.

    Raises:
        Exception: Whatever the driver raises when it cannot be read.
    """
    version, journal = await _VERSION.row(), await _JOURNAL.row()
    words = [str(row["words"]) for row in await _CHECK.rows()]
    facts = Facts(
        version=str(version and version["version"]),
        broken=[] if words == ["ok"] else words,
        journal=str(journal and journal["journal_mode"]),
        free=shutil.disk_usage(path.parent).free,
    )
    return judge(facts, path)


def judge(facts: Facts, path: Path) -> list[Finding]:
    """What is wrong with it. Pure."""
    found = [_integrity(facts, path)]
    if facts.journal == "wal":
        found.append(ok("database", f"SQLite {facts.version}, journal mode wal"))
    else:
        problem = f"journal mode is {facts.journal} and not wal: the daemon and other commands wait for each other"
        found.append(warning("database.url", problem, f"put {path} on a local disk"))
    return [*found, _disk(facts.free, path)]


def _integrity(facts: Facts, path: Path) -> Finding:
    if not facts.broken:
        return ok("database", "the file is whole")
    problem = f"{path} is damaged ({'; '.join(facts.broken)[:300]})"
    return fault("database.url", problem, "stop the daemon and restore a backup")


def _disk(free: int, path: Path) -> Finding:
    room = f"{free / _GIB:.1f} GiB free on the disk of {path.parent}"
    if free >= LITTLE:
        return ok("database", room)
    judged = fault if free < HARDLY_ANY else warning
    return judged("database.url", f"only {room}", "make room there, or put the database on another disk")
