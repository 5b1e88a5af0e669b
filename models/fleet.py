"""
The daemons that are alive, so that they can divide what a campus bears among them.

Times are milliseconds since 1970 by :mod:`models.db.clock`.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from tortoise import fields
from tortoise.models import Model

from models.db.sql import Statement

#: Milliseconds. Who was not seen for so long is not waited for. Its share is another matter: its last requests may
#: still be under way.
AWAKE_MS = 5_000


#: What the names of those begin with who have a share, and are no daemons.
READER = "reader-"


class LiveDaemon(Model):
    """One daemon, and with whom it divides."""

    id = fields.CharField(max_length=32, primary_key=True)
    seen_at = fields.BigIntField()
    # The daemons among which it divides by now, sorted, with commas between.
    roster = fields.TextField()

    class Meta:
        table = "live_daemon"
        table_description = "Daemons at work"


@dataclass(frozen=True, slots=True)
class Peer:
    """
    A daemon that has a share.

    *roster*: among whom it divides by now. *awake*: whether it can be waited for.
    """

    name: str
    roster: frozenset[str]
    awake: bool = True


_BEAT = Statement("""
    INSERT INTO live_daemon (id, seen_at, roster) VALUES (:id, :now, :roster)
    ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at, roster = excluded.roster
    RETURNING id""")

_ALIVE = Statement(
    "SELECT id, roster, seen_at FROM live_daemon WHERE seen_at > :since AND seen_at <= :until ORDER BY id"
)

_LEAVE = Statement("DELETE FROM live_daemon WHERE id = :id OR seen_at < :long_ago RETURNING id")


def new_name(*, is_reader: bool) -> str:
    """A name that nobody has. *is_reader*: whether it is for a command that reads from campuses, and no daemon."""
    name = uuid.uuid4().hex
    return READER + name[len(READER) :] if is_reader else name


async def beat(name: str, *, roster: frozenset[str], now: int, lapse_ms: int) -> list[Peer]:
    """Say that daemon *name* is alive and divides among *roster*. Returns whoever was seen within the lapse, it too."""
    await _BEAT.rows(id=name, now=now, roster=",".join(sorted(roster)))
    return [
        Peer(row["id"], frozenset(filter(None, row["roster"].split(","))), awake=is_awake(row["seen_at"], now))
        for row in await _ALIVE.rows(since=now - lapse_ms, until=now + lapse_ms)
    ]


def is_awake(seen_at: int, now: int) -> bool:
    """
    Whether a daemon that was seen then can be waited for. Pure.

    One that was seen long after now was seen before the clock was set back, and says nothing of now.
    """
    return now - AWAKE_MS < seen_at <= now + AWAKE_MS


async def leave(name: str, *, now: int) -> None:
    """Daemon *name* ends, and sends no more; whoever was not seen for an hour is forgotten."""
    await _LEAVE.rows(id=name, long_ago=now - 3_600_000)
