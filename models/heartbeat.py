"""The daemons that run now. Times are milliseconds since 1970 by :mod:`models.db.clock`."""

from dataclasses import dataclass

from tortoise import fields
from tortoise.models import Model

from models.db.sql import Statement

#: Milliseconds after which a daemon without a heartbeat no longer counts as running.
ALIVE_MS = 5_000
#: Milliseconds after which a daemon that did not deregister is forgotten.
_FORGET_MS = 3_600_000


class Heartbeat(Model):
    """When a daemon was seen last."""

    id = fields.CharField(max_length=32, primary_key=True)
    seen_at = fields.BigIntField()

    class Meta:
        table = "heartbeat"
        table_description = "Daemons at work"


_BEAT = Statement("""
    INSERT INTO heartbeat (id, seen_at) VALUES (:id, :now)
    ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at RETURNING id""")

_DEREGISTER = Statement("DELETE FROM heartbeat WHERE id = :id OR seen_at < :before RETURNING id")

# A time long after now is from before the clock was set back.
_MEMBERS = Statement("""
    SELECT SUM(CASE WHEN seen_at > :since AND seen_at <= :until THEN 1 ELSE 0 END) AS alive, MAX(seen_at) AS seen_at
    FROM heartbeat""")


@dataclass(frozen=True, slots=True)
class Members:
    """*alive*: how many daemons are at work. *last_seen*: when any was; None if none was ever seen."""

    alive: int
    last_seen: int | None


async def beat(name: str, *, now: int) -> None:
    """Note that daemon *name* runs."""
    await _BEAT.rows(id=name, now=now)


async def deregister(name: str, *, now: int) -> None:
    """Daemon *name* ends; those that were not seen for an hour are forgotten."""
    await _DEREGISTER.rows(id=name, before=now - _FORGET_MS)


async def read_members(*, now: int) -> Members:
    """Which daemons are at work."""
    row = await _MEMBERS.row(since=now - ALIVE_MS, until=now + ALIVE_MS)
    return Members(int(row["alive"] or 0), row["seen_at"]) if row else Members(0, None)
