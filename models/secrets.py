"""The stored secrets of all consumers: which cannot be decrypted, encrypting them anew, promoting a pending one."""

from models.consumer import LtiConsumer
from models.encryption import ENCRYPTED, Cipher, UndecryptableError


async def _stored() -> list[tuple[LtiConsumer, str, str]]:
    """Every secret with its consumer and its column, by the consumers' names."""
    return [
        (consumer, column, secret)
        for consumer in await LtiConsumer.all().order_by("consumer_name")
        for column in ("consumer_secret", "pending_secret")
        if (secret := getattr(consumer, column))
    ]


async def undecryptable(cipher: Cipher) -> list[str]:
    """The names of the consumers that have a secret which *cipher* cannot decrypt."""
    names = []
    for consumer, _, secret in await _stored():
        try:
            cipher.decrypt(secret)
        except UndecryptableError:
            names.append(consumer.consumer_name)
    return list(dict.fromkeys(names))


async def any_encrypted() -> bool:
    """Whether any secret is stored encrypted."""
    return any(secret.startswith(ENCRYPTED) for _, _, secret in await _stored())


async def count_outdated(cipher: Cipher) -> int:
    """How many consumers have a secret that is not stored as *cipher* would store it."""
    return len({consumer.id for consumer, _, secret in await _stored() if not cipher.is_current(secret)})


async def re_encrypt(cipher: Cipher) -> int:
    """
    Store every secret as *cipher* stores secrets today; returns how many were stored anew.

    Raises:
        UndecryptableError: One cannot be decrypted; nothing was changed.
    """
    done = 0
    # Again until none is left: a pending secret may be promoted between the read and the update.
    while outdated := [
        (consumer.id, column, secret, cipher.decrypt(secret))
        for consumer, column, secret in await _stored()
        if not cipher.is_current(secret)
    ]:
        for consumer_id, column, old, secret in outdated:
            # Only if it is still what was read: a secret that was changed meanwhile is newer.
            row = LtiConsumer.filter(id=consumer_id, **{column: old})
            done += await row.update(**{column: cipher.encrypt(secret)})
    return done


async def promote(consumer_key: str, stored: str) -> bool:
    """Make the pending secret, which the campus accepted, the secret. False if another attempt already did."""
    consumer = LtiConsumer.filter(consumer_key=consumer_key, pending_secret=stored)
    return bool(await consumer.update(consumer_secret=stored, pending_secret=None))
