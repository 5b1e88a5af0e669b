"""How far the stream has been read; what could not be applied; who must be forgotten."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tortoise import fields
from tortoise.models import Model

from models.consumer import MOST_KEY
from models.statement import Statement

if TYPE_CHECKING:
    from collections.abc import Mapping

#: The most that is kept of a quarantined entry's bytes.
QUARANTINE_BYTES = 4096

#: Characters of a stream entry's id, ``<milliseconds>-<sequence>``, each of 64 bits.
MOST_ENTRY_ID = 48


class Intake(Model):
    """One row: the stream's epoch, and the last entry that was applied in it."""

    id = fields.IntField(primary_key=True)
    # Grows with every reset of the stream.
    epoch = fields.BigIntField(default=0)
    # A stream entry id, ``<milliseconds>-<sequence>``.
    position = fields.CharField(max_length=MOST_ENTRY_ID, default="0-0")
    # Hex; keys the digests of retired learners.
    digest_key = fields.CharField(max_length=64)

    class Meta:
        table = "intake"
        table_description = "Position in the stream"


class QuarantinedEvent(Model):
    """An entry that could not be applied, and why."""

    id = fields.BigIntField(primary_key=True)
    epoch = fields.BigIntField()
    entry_id = fields.CharField(max_length=MOST_ENTRY_ID)
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
    consumer_key = fields.CharField(max_length=MOST_KEY, null=True, db_index=True)

    class Meta:
        table = "quarantined_event"
        table_description = "Events that could not be applied"
        indexes = (("at",),)


class RetiredUser(Model):
    """A learner whose data is deleted: a keyed digest of the id, and the date."""

    id = fields.BigIntField(primary_key=True)
    digest = fields.CharField(max_length=64, unique=True)
    # Microseconds since 1970: older events about this learner are refused.
    retired_us = fields.BigIntField()

    class Meta:
        table = "retired_user"
        table_description = "Learners who must stay forgotten"


@dataclass(frozen=True, slots=True)
class Position:
    """Where intake stands. *entry_id* is the last applied entry of *epoch*."""

    epoch: int
    entry_id: str
    digest_key: str

    def digest_of(self, user_id: str) -> str:
        """The keyed digest of a learner's id, in hex."""
        return hmac.new(bytes.fromhex(self.digest_key), user_id.encode(), hashlib.sha256).hexdigest()


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


_READ = Statement("SELECT epoch, position, digest_key FROM intake WHERE id = 1")
_LOCK = Statement("SELECT epoch, position, digest_key FROM intake WHERE id = 1 {for_update}")
_MOVE = Statement("UPDATE intake SET epoch = :epoch, position = :position WHERE id = 1 RETURNING id")
_FIRST = Statement("""
    INSERT INTO intake (id, epoch, position, digest_key) VALUES (1, 0, '0-0', :digest_key)
    ON CONFLICT (id) DO NOTHING RETURNING id""")


async def read_position() -> Position:
    """Where intake stands now; makes the row on the very first call."""
    row = await _READ.row()
    if row is None:
        await _FIRST.rows(digest_key=secrets.token_hex(32))
        row = await _READ.row()
    assert row is not None  # noqa: S101 - it was just made, and nobody deletes it
    return Position(row["epoch"], row["position"], row["digest_key"])


async def known_position() -> Position | None:
    """Where intake stands now; None before the very first start. Only reads, for a role that may do no more."""
    row = await _READ.row()
    return None if row is None else Position(row["epoch"], row["position"], row["digest_key"])


async def lock_position() -> Position | None:
    """Take the lock that makes intake serial. The first statement of its transaction, always."""
    row = await _LOCK.row()
    return None if row is None else Position(row["epoch"], row["position"], row["digest_key"])


async def move_position(epoch: int, entry_id: str) -> None:
    """Within the transaction that holds the lock."""
    await _MOVE.rows(epoch=epoch, position=entry_id)
