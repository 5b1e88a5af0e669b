"""The daemons that run now. Times are milliseconds since 1970 by :mod:`models.db.clock`."""

from collections.abc import Sequence
from dataclasses import dataclass

from tortoise import fields
from tortoise.models import Model

from models.db.sql import Statement, storable

#: Milliseconds after which a daemon without a heartbeat no longer counts as running.
ALIVE_MS = 5_000
#: Milliseconds after which a daemon that did not deregister is forgotten.
_FORGET_MS = 3_600_000
#: Characters of a daemon's troubles.
MAX_TROUBLES = 2000


class Heartbeat(Model):
    """When a daemon was seen last."""

    id = fields.CharField(max_length=32, primary_key=True)
    seen_at = fields.BigIntField()
    # Of the stream that it reads; NULL while it reads none.
    stream_token = fields.CharField(max_length=32, null=True)
    # Why it is not ready, a line each; NULL while it is.
    troubles = fields.TextField(null=True)

    class Meta:
        table = "heartbeat"
        table_description = "Daemons at work"


_BEAT = Statement("""
    INSERT INTO heartbeat (id, seen_at, stream_token, troubles) VALUES (:id, :now, :stream_token, :troubles)
    ON CONFLICT (id) DO UPDATE
    SET seen_at = excluded.seen_at, stream_token = excluded.stream_token, troubles = excluded.troubles
    RETURNING id""")

_DEREGISTER = Statement("DELETE FROM heartbeat WHERE id = :id OR seen_at < :before RETURNING id")

# A time long after now is from before the clock was set back.
_ALIVE = "seen_at > :since AND seen_at <= :until"
_MEMBERS = Statement(f"""
    SELECT SUM(CASE WHEN {_ALIVE} THEN 1 ELSE 0 END) AS alive, MAX(seen_at) AS seen_at FROM heartbeat""")
_TROUBLES = Statement(f"SELECT DISTINCT troubles FROM heartbeat WHERE {_ALIVE} AND troubles IS NOT NULL")
_READER = Statement(f"""
    SELECT MAX(seen_at) AS seen_at FROM heartbeat
    WHERE {_ALIVE} AND id <> :except_for AND stream_token = :stream_token""")

_KNOWN = Statement("SELECT id FROM heartbeat WHERE id = :id AND seen_at > :since")


@dataclass(frozen=True, slots=True)
class Members:
    """
    *alive*: how many daemons are at work. *last_seen*: when any was; None if none was ever seen. *troubles*: why some
    of those at work are not ready.
    """

    alive: int
    last_seen: int | None
    troubles: tuple[str, ...] = ()


async def beat(name: str, *, now: int, stream_token: str | None = None, troubles: Sequence[str] = ()) -> None:
    """Note that daemon *name* runs, which stream it reads, and why it is not ready."""
    text = storable("\n".join(troubles), MAX_TROUBLES) or None
    await _BEAT.rows(id=name, now=now, stream_token=stream_token, troubles=text)


async def deregister(name: str, *, now: int) -> None:
    """Daemon *name* ends; those that were not seen for an hour are forgotten."""
    await _DEREGISTER.rows(id=name, before=now - _FORGET_MS)


async def read_members(*, now: int) -> Members:
    """Which daemons are at work."""
    lately = {"since": now - ALIVE_MS, "until": now + ALIVE_MS}
    row = await _MEMBERS.row(**lately)
    if row is None:
        return Members(0, None)
    lines = [line for troubled in await _TROUBLES.rows(**lately) for line in troubled["troubles"].splitlines()]
    return Members(int(row["alive"] or 0), row["seen_at"], tuple(dict.fromkeys(sorted(lines))))


async def reader_seen_at(stream_token: str, *, except_for: str, now: int) -> int | None:
    """When another daemon at work than *except_for* was seen last that reads that stream; None if there is none."""
    row = await _READER.row(
        since=now - ALIVE_MS, until=now + ALIVE_MS, except_for=except_for, stream_token=stream_token
    )
    return None if row is None else row["seen_at"]


async def was_seen(name: str, *, since: int) -> bool:
    """Whether daemon *name* was seen since then in this database and has not ended in good order."""
    return await _KNOWN.row(id=name, since=since) is not None
