"""The secrets of consumers: whether they can be opened, sealing them anew, and the change from one to the next."""

from models.db.sql import Statement
from models.encryption import SEALED, Cipher, UndecryptableError

_ALL = Statement(
    "SELECT id, consumer_name, consumer_key, consumer_secret, pending_secret FROM lti_consumer ORDER BY consumer_name"
)

# Each only if it is still what was read: a secret that was changed meanwhile is newer.
_RESEAL = {
    column: Statement(f"UPDATE lti_consumer SET {column} = :new WHERE id = :id AND {column} = :old RETURNING id")
    for column in ("consumer_secret", "pending_secret")
}

_PROMOTE = Statement("""
    UPDATE lti_consumer SET consumer_secret = pending_secret, pending_secret = NULL
    WHERE consumer_key = :key AND pending_secret = :stored RETURNING id""")

_PEND = Statement("""
    UPDATE lti_consumer SET pending_secret = :stored WHERE id = :id RETURNING id""")


async def locked_out(cipher: Cipher) -> list[str]:
    """The names of the consumers that have a secret which *cipher* does not open."""
    return [row["consumer_name"] for row in await _ALL.rows() if not _opens(cipher, row)]


def _opens(cipher: Cipher, row: dict[str, str | None]) -> bool:
    try:
        for column in _RESEAL:
            cipher.decrypt(row[column] or "")
    except UndecryptableError:
        return False
    return True


async def any_sealed() -> bool:
    """Whether any secret is stored encrypted."""
    rows = await _ALL.rows()
    return any((row[column] or "").startswith(SEALED) for row in rows for column in _RESEAL)


async def count_unsealed(cipher: Cipher) -> int:
    """How many consumers have a secret that is not stored as *cipher* would store it."""
    rows = await _ALL.rows()
    return sum(any(row[column] and not cipher.is_current(row[column]) for column in _RESEAL) for row in rows)


async def reseal(cipher: Cipher) -> int:
    """
    Store every secret as *cipher* does today.

    Returns:
        How many were stored anew.

    Raises:
        UndecryptableError: One cannot be opened; nothing was changed.
    """
    done = 0
    # Again until nothing is left: a pending secret may become the secret between our look and our change.
    while stale := [
        (column, row["id"], row[column], cipher.decrypt(row[column]))
        for row in await _ALL.rows()
        for column in _RESEAL
        if row[column] and not cipher.is_current(row[column])
    ]:
        for column, consumer_id, old, secret in stale:
            done += len(await _RESEAL[column].rows(id=consumer_id, old=old, new=cipher.encrypt(secret)))
    return done


async def pend(consumer_id: int, stored: str) -> None:
    """Keep a secret for when the campus has changed its own; *stored*: as the cipher seals it."""
    await _PEND.rows(id=consumer_id, stored=stored)


async def promote(consumer_key: str, stored: str) -> bool:
    """The campus accepted the pending secret: from now on it is the secret. False if somebody was quicker."""
    return bool(await _PROMOTE.rows(key=consumer_key, stored=stored))
