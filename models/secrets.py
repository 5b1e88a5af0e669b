"""The secrets of consumers: whether they can be opened, sealing them anew, and the change from one to the next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.db.sql import Statement
from models.encryption import SEALED, SealedError

if TYPE_CHECKING:
    from models.encryption import Vault

_ALL = Statement(
    "SELECT id, consumer_name, consumer_key, consumer_secret, pending_secret FROM lti_consumer ORDER BY consumer_name"
)

# Each only if it is still what was read: a secret that was changed meanwhile is newer.
_RESEAL = {
    column: Statement(f"UPDATE lti_consumer SET {column} = :new WHERE id = :id AND {column} = :old RETURNING id")
    for column in ("consumer_secret", "pending_secret")
}

# After a refusal with one of the two it is the other's turn, unless another attempt has found that before.
_TURN = Statement("""
    UPDATE lti_consumer SET pending_turn = NOT pending_turn
    WHERE id = :id AND pending_secret IS NOT NULL AND pending_turn = CAST(:refused AS BOOLEAN) RETURNING id""")

_PROMOTE = Statement("""
    UPDATE lti_consumer SET consumer_secret = pending_secret, pending_secret = NULL, pending_turn = (1 = 0)
    WHERE id = :id AND pending_secret = :stored RETURNING id""")

_PEND = Statement("""
    UPDATE lti_consumer SET pending_secret = :stored, pending_turn = (1 = 0) WHERE id = :id RETURNING id""")


async def locked_out(vault: Vault) -> list[str]:
    """The names of the consumers that have a secret which *vault* does not open."""
    return [row["consumer_name"] for row in await _ALL.rows() if not _opens(vault, row)]


def _opens(vault: Vault, row: dict[str, str | None]) -> bool:
    try:
        for column in _RESEAL:
            vault.open(row[column] or "")
    except SealedError:
        return False
    return True


async def any_sealed() -> bool:
    """Whether any secret is stored encrypted."""
    rows = await _ALL.rows()
    return any((row[column] or "").startswith(SEALED) for row in rows for column in _RESEAL)


async def count_unsealed(vault: Vault) -> int:
    """How many consumers have a secret that is not stored as *vault* would store it."""
    rows = await _ALL.rows()
    return sum(any(row[column] and not vault.is_current(row[column]) for column in _RESEAL) for row in rows)


async def reseal(vault: Vault) -> int:
    """
    Store every secret as *vault* does today.

    Returns:
        How many were stored anew.

    Raises:
        SealedError: One cannot be opened; nothing was changed.
    """
    done = 0
    # Again until nothing is left: a pending secret may become the secret between our look and our change.
    while stale := [
        (column, row["id"], row[column], vault.open(row[column]))
        for row in await _ALL.rows()
        for column in _RESEAL
        if row[column] and not vault.is_current(row[column])
    ]:
        for column, consumer_id, old, secret in stale:
            done += len(await _RESEAL[column].rows(id=consumer_id, old=old, new=vault.seal(secret)))
    return done


async def pend(consumer_id: int, stored: str) -> None:
    """Keep a secret for when the campus has changed its own; *stored*: as the vault seals it."""
    await _PEND.rows(id=consumer_id, stored=stored)


async def take_turns(consumer_id: int, *, refused_pending: bool) -> None:
    """The campus refused one of the two secrets: the next attempt is made with the other."""
    await _TURN.rows(id=consumer_id, refused=refused_pending)


async def promote(consumer_id: int, stored: str) -> bool:
    """The campus accepted the pending secret: from now on it is the secret. False if somebody was quicker."""
    return bool(await _PROMOTE.rows(id=consumer_id, stored=stored))
