"""How far the stream has been read."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field

from tortoise import fields
from tortoise.models import Model

from models.db.sql import Statement

#: Characters of a stream entry's id, ``<milliseconds>-<sequence>``, each of 64 bits.
MAX_ENTRY_ID = 48


class Intake(Model):
    """One row: the stream's epoch, and the last entry that was applied in it."""

    id = fields.IntField(primary_key=True)
    # Grows with every reset of the stream.
    epoch = fields.BigIntField(default=0)
    # A stream entry id, ``<milliseconds>-<sequence>``.
    position = fields.CharField(max_length=MAX_ENTRY_ID, default="0-0")
    # Hex; keys the digests of retired learners, and makes the database's identity.
    digest_key = fields.CharField(max_length=64)
    # Of the stream in which the position was read; NULL before the first one.
    stream_token = fields.CharField(max_length=32, null=True)

    class Meta:
        table = "intake"
        table_description = "Position in the stream"


@dataclass(frozen=True, slots=True)
class Position:
    """
    How far intake has read: *entry_id* is the last applied entry of *epoch*.

    *stream_token*: of the stream in which it was read; None before the first one.
    """

    epoch: int
    entry_id: str
    digest_key: str
    stream_token: str | None = field(default=None, compare=False)

    @property
    def database_id(self) -> str:
        """Names this database and its copies, 32 hex digits: a dump or a move to another server keeps it."""
        return self.keyed_digest("database id")[:32]

    def keyed_digest(self, text: str) -> str:
        """What remains of a name that must stay forgotten: HMAC-SHA256 by the database's own key, 64 hex digits."""
        return hmac.new(bytes.fromhex(self.digest_key), text.encode(), hashlib.sha256).hexdigest()


_SELECT = "SELECT epoch, position AS entry_id, digest_key, stream_token FROM intake WHERE id = 1"
_READ = Statement(_SELECT)
_LOCK = Statement(f"{_SELECT} {{for_update}}")
_MOVE = Statement("UPDATE intake SET epoch = :epoch, position = :position WHERE id = 1 RETURNING id")
_ADOPT = Statement("UPDATE intake SET stream_token = :stream_token WHERE id = 1 RETURNING id")
_FIRST = Statement("""
    INSERT INTO intake (id, epoch, position, digest_key) VALUES (1, 0, '0-0', :digest_key)
    ON CONFLICT (id) DO NOTHING RETURNING id""")


async def read_position() -> Position:
    """The position; inserts the row on the very first call."""
    position = await known_position()
    if position is None:
        await _FIRST.rows(digest_key=secrets.token_hex(32))
        position = await known_position()
    assert position is not None  # noqa: S101 - it was just inserted, and is never deleted
    return position


async def known_position() -> Position | None:
    """The position; None before the very first start. Reads only, for a role that may do no more."""
    row = await _READ.row()
    return None if row is None else Position(**row)


async def lock_position() -> Position | None:
    """Take the lock that makes intake serial. The first statement of its transaction, always."""
    row = await _LOCK.row()
    return None if row is None else Position(**row)


async def move_position(epoch: int, entry_id: str) -> None:
    """Within the transaction that holds the lock."""
    await _MOVE.rows(epoch=epoch, position=entry_id)


async def adopt_stream(stream_token: str) -> None:
    """Within the transaction that holds the lock: from now on this database's events are those of that stream."""
    await _ADOPT.rows(stream_token=stream_token)
