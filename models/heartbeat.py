"""What each daemon says of itself, that it runs. Times are milliseconds since 1970 by :mod:`models.db.clock`."""

from collections.abc import Sequence

from tortoise import fields
from tortoise.models import Model

from models.db.sql import Statement, storable
from models.members import ALIVE, ALIVE_MS

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

_READER = Statement(f"""
    SELECT MAX(seen_at) AS seen_at FROM heartbeat
    WHERE {ALIVE} AND id <> :except_for AND stream_token = :stream_token""")

_KNOWN = Statement("SELECT id FROM heartbeat WHERE id = :id AND seen_at > :since")


async def beat(name: str, *, now: int, stream_token: str | None = None, troubles: Sequence[str] = ()) -> None:
    """Note that daemon *name* runs, which stream it reads, and why it is not ready."""
    text = storable("\n".join(troubles), MAX_TROUBLES) or None
    await _BEAT.rows(id=name, now=now, stream_token=stream_token, troubles=text)


async def deregister(name: str, *, now: int) -> None:
    """Daemon *name* ends; those that were not seen for an hour are forgotten."""
    await _DEREGISTER.rows(id=name, before=now - _FORGET_MS)


async def reader_seen_at(stream_token: str, *, except_for: str, now: int) -> int | None:
    """When another daemon at work than *except_for* was seen last that reads that stream; None if there is none."""
    row = await _READER.row(
        since=now - ALIVE_MS, until=now + ALIVE_MS, except_for=except_for, stream_token=stream_token
    )
    return None if row is None else row["seen_at"]


async def was_seen(name: str, *, since: int) -> bool:
    """Whether daemon *name* was seen since then in this database and has not ended in good order."""
    return await _KNOWN.row(id=name, since=since) is not None
