"""
The stored secrets, of consumers and of signing keys: which cannot be decrypted, encrypting them anew, promoting a
pending one.

A database in which a key has been used once takes no secret any more that is not encrypted.
"""

from typing import NamedTuple

from tortoise import fields
from tortoise.models import Model

from models.consumer import LtiConsumer
from models.db.sql import Statement
from models.encryption import ENCRYPTED, Cipher, UndecryptableError
from models.tool_key import ToolKey


class KeysUsed(Model):
    """At most one row: whether this database has been used with keys. Who stores a secret locks it."""

    id = fields.IntField(primary_key=True)
    used = fields.BooleanField()

    class Meta:
        table = "keys_used"
        table_description = "Whether secrets must be encrypted"


class PlaintextRefusedError(ValueError):
    """A secret would be stored as it is, in a database that has been used with keys."""


# One statement, which locks the row for the rest of the transaction whether it changes or not.
_USE = Statement("""
    INSERT INTO keys_used (id, used) VALUES (1, :used)
    ON CONFLICT (id) DO UPDATE SET used = (keys_used.used OR excluded.used) RETURNING used""")


async def check_stored(secret: str) -> None:
    """
    Check that *secret* may be stored as it is given, until the end of the transaction, of which it is the first step.

    Raises:
        PlaintextRefusedError: It is not encrypted, and keys have been used; the message says what to do.
    """
    encrypted = secret.startswith(ENCRYPTED)
    (row,) = await _USE.rows(used=encrypted)
    # The second: a database that an earlier release has used.
    if not encrypted and (row["used"] or await any_encrypted()):
        raise PlaintextRefusedError(
            "secrets.keys: secrets are encrypted in this database, and there is no key to encrypt this one with: "
            "give this command the keys that the daemon has"
        )


async def note_keys(cipher: Cipher) -> None:
    """Remember that keys are used in this database, if *cipher* has one."""
    if cipher.has_key:
        await _USE.rows(used=True)


class _Stored(NamedTuple):
    """A secret as it is stored, and where."""

    row: LtiConsumer | ToolKey
    column: str
    secret: str


async def _stored() -> list[_Stored]:
    """Every secret: those of consumers by their names, then the private keys, the oldest first."""
    consumers = await LtiConsumer.all().order_by("consumer_name")
    places: list[tuple[LtiConsumer | ToolKey, str]] = [
        (consumer, column) for consumer in consumers for column in ("consumer_secret", "pending_secret")
    ]
    places += [(key, "private_pem") for key in await ToolKey.all().order_by("id")]
    return [_Stored(row, column, secret) for row, column in places if (secret := getattr(row, column))]


async def undecryptable(cipher: Cipher) -> list[str]:
    """The names of the consumers that have a secret which *cipher* cannot decrypt, and "the signing key KID"."""
    names = []
    for row, _, secret in await _stored():
        try:
            cipher.decrypt(secret)
        except UndecryptableError:
            names.append(f"the signing key {row.kid}" if isinstance(row, ToolKey) else row.consumer_name)
    return list(dict.fromkeys(names))


async def any_encrypted() -> bool:
    """Whether any secret is stored encrypted."""
    return any(stored.secret.startswith(ENCRYPTED) for stored in await _stored())


async def count_outdated(cipher: Cipher) -> int:
    """How many secrets are not stored as *cipher* would store them."""
    return sum(not cipher.is_current(stored.secret) for stored in await _stored())


async def re_encrypt(cipher: Cipher) -> int:
    """
    Store every secret as *cipher* stores secrets today; returns how many were stored anew.

    Raises:
        UndecryptableError: One cannot be decrypted; nothing was changed.
    """
    await note_keys(cipher)
    done = 0
    # Again until none is left: a pending secret may be promoted between the read and the update.
    while outdated := [
        (stored, cipher.decrypt(stored.secret)) for stored in await _stored() if not cipher.is_current(stored.secret)
    ]:
        for (row, column, old), secret in outdated:
            # Only if it is still what was read: a secret that was changed meanwhile is newer.
            unchanged = type(row).filter(id=row.id, **{column: old})
            done += await unchanged.update(**{column: cipher.encrypt(secret)})
    return done


async def promote(consumer_key: str, stored: str) -> bool:
    """Make the pending secret, which the campus accepted, the secret. False if another attempt already did."""
    consumer = LtiConsumer.filter(consumer_key=consumer_key, pending_secret=stored)
    return bool(await consumer.update(consumer_secret=stored, pending_secret=None))
