"""Events that could not be applied: storing them, looking at them, dropping them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tortoise import fields
from tortoise.models import Model

from models.consumer import MAX_KEY
from models.db.sql import Statement
from models.stream_position import MAX_ENTRY_ID

#: The most that is kept of a quarantined entry's bytes.
QUARANTINE_BYTES = 4096


class QuarantinedEvent(Model):
    """An entry that could not be applied, and why."""

    id = fields.BigIntField(primary_key=True)
    epoch = fields.BigIntField()
    entry_id = fields.CharField(max_length=MAX_ENTRY_ID)
    # Milliseconds since 1970.
    at = fields.BigIntField()
    type = fields.CharField(max_length=64)
    reason = fields.TextField()
    # The first bytes of the entry, by :func:`content_of`.
    content = fields.BinaryField()
    # Whether there were more.
    truncated = fields.BooleanField(db_default=False)
    # Whom it is about, where that can be read: a retired learner's entries go.
    user_id = fields.CharField(max_length=255, null=True, db_index=True)
    sourcedid_digest = fields.CharField(max_length=64, null=True)
    # Which campus it names, where that can be one: its launches can be replayed once it is added.
    consumer_key = fields.CharField(max_length=MAX_KEY, null=True, db_index=True)

    class Meta:
        table = "quarantined_event"
        table_description = "Events that could not be applied"
        indexes = (("at",),)


def content_of(entry: Mapping[bytes, bytes]) -> tuple[bytes, bool]:
    """
    What quarantine keeps of an entry: a ``name=value`` line a field, at most :data:`QUARANTINE_BYTES`.

    Within names and values a backslash, a line feed and (in names) an equals sign are written ``\\\\``, ``\\n`` and
    ``\\e``, so that :func:`fields_of` reads the same entry again.

    Returns:
        The bytes, and whether there were more.
    """
    lines = (
        _escaped(name).replace(b"=", b"\\e") + b"=" + _escaped(value[: QUARANTINE_BYTES + 1])
        for name, value in entry.items()
    )
    content = b"\n".join(lines)
    return content[:QUARANTINE_BYTES], len(content) > QUARANTINE_BYTES


def fields_of(content: bytes) -> dict[bytes, bytes]:
    """The entry whose whole content quarantine kept: names and values, as :func:`content_of` got them."""
    lines = (line.partition(b"=") for line in content.split(b"\n") if line)
    return {_plain(name): _plain(value) for name, _, value in lines}


_ESCAPES = {b"\\\\": b"\\", b"\\n": b"\n", b"\\e": b"="}


def _escaped(text: bytes) -> bytes:
    return text.replace(b"\\", b"\\\\").replace(b"\n", b"\\n")


def _plain(text: bytes) -> bytes:
    return re.sub(rb"\\[\\ne]", lambda match: _ESCAPES[match[0]], text)


_COLUMNS = "id, epoch, entry_id, at, type, reason, content, truncated, user_id, consumer_key"


@dataclass(frozen=True, slots=True)
class Kept:
    """A quarantined event. *at*: when it was read, milliseconds since 1970."""

    id: int
    epoch: int
    entry_id: str
    at: int
    type: str
    reason: str
    #: By :func:`content_of`.
    content: bytes
    truncated: bool
    user_id: str | None
    consumer_key: str | None


@dataclass(frozen=True, slots=True)
class Which:
    """Which events; what is None or empty selects nothing out."""

    ids: tuple[int, ...] = ()
    type: str | None = None
    user_id: str | None = None
    consumer_key: str | None = None

    @property
    def condition(self) -> str:
        parts = {
            # Numbers, and ours: no list is a parameter on both databases.
            f"id IN ({', '.join(map(str, self.ids))})": bool(self.ids),
            "type = :type": self.type is not None,
            "user_id = :user_id": self.user_id is not None,
            "consumer_key = :consumer_key": self.consumer_key is not None,
        }
        return " AND ".join(["1 = 1", *(part for part, wanted in parts.items() if wanted)])

    @property
    def parameters(self) -> dict[str, Any]:
        return {"type": self.type, "user_id": self.user_id, "consumer_key": self.consumer_key}


async def count(which: Which) -> int:
    row = await Statement(f"SELECT COUNT(*) AS number FROM quarantined_event WHERE {which.condition}").row(
        **which.parameters
    )
    return int(row["number"]) if row else 0


async def newest(which: Which, *, most: int) -> list[Kept]:
    """The newest first, at most so many."""
    statement = Statement(
        f"SELECT {_COLUMNS} FROM quarantined_event WHERE {which.condition} ORDER BY id DESC LIMIT :most"
    )
    return [_kept(row) for row in await statement.rows(**which.parameters, most=most)]


async def in_order(which: Which) -> list[int]:
    """The ids of all, in the order in which their entries stood in the stream."""
    statement = Statement(f"SELECT id, epoch, entry_id FROM quarantined_event WHERE {which.condition}")
    rows = await statement.rows(**which.parameters)
    return [row["id"] for row in sorted(rows, key=lambda row: (row["epoch"], *_numbers(row["entry_id"])))]


async def find(event_id: int) -> Kept | None:
    row = await Statement(f"SELECT {_COLUMNS} FROM quarantined_event WHERE id = :id").row(id=event_id)
    return None if row is None else _kept(row)


async def drop(which: Which) -> int:
    """Forget them; returns how many."""
    return len(
        await Statement(f"DELETE FROM quarantined_event WHERE {which.condition} RETURNING id").rows(**which.parameters)
    )


async def note_reason(event_id: int, reason: str) -> None:
    """It was looked at again and is still refused, for that reason."""
    statement = Statement("UPDATE quarantined_event SET reason = :reason WHERE id = :id RETURNING id")
    await statement.rows(id=event_id, reason=reason)


def _kept(row: dict[str, Any]) -> Kept:
    return Kept(**{**row, "content": bytes(row["content"]), "truncated": bool(row["truncated"])})


def _numbers(entry_id: str) -> tuple[int, int]:
    ms, _, sequence = entry_id.partition("-")
    return int(ms), int(sequence or 0)
