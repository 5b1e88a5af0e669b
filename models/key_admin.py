"""Making, listing and withdrawing the tool's signing keys."""

from asyncio import to_thread
from collections.abc import Iterable
from typing import Any

from tortoise.transactions import in_transaction

from models.consumer import LtiConsumer
from models.encryption import Cipher, UndecryptableError
from models.secrets import check_stored
from models.tool_key import KEY_BITS, MAX_KID, ToolKey, in_use, key_id, published, published_until, signing


class KeyRefusedError(ValueError):
    """This cannot be done with the signing keys; the message says why and what to do."""


async def new_pair() -> Any:
    """A new ``RSAKey`` of joserfc. It takes a part of a second, in which others work on: not within a transaction."""
    from joserfc.jwk import RSAKey  # noqa: PLC0415 - heavy, and needless without LTI 1.3

    return await to_thread(RSAKey.generate_key, KEY_BITS)


async def make_signing_key(cipher: Cipher, *, now: int, ahead_ms: int, pair: Any = None) -> ToolKey:
    """
    Make a key, which is published at once.

    Args:
        cipher: What encrypts its private half.
        now: Milliseconds since 1970 by the database's clock.
        ahead_ms: After how many milliseconds it signs: platforms keep a key set for a while. Where no key signs, or
            will, it signs at once: with none, nothing can be sent.
        pair: From :func:`new_pair`, by those who are in a transaction already.

    Raises:
        PlaintextRefusedError: There is no key to encrypt it with, though this database has been used with one.
        KeyRefusedError: *cipher* does not read a key that is in use: who reads that would not read the new one.
    """
    pair = pair or await new_pair()
    private_pem = cipher.encrypt(pair.as_pem(private=True).decode())
    async with in_transaction():
        # It locks too: of two first keys, which would both sign at once, the second one waits.
        await check_stored(private_pem)
        others = in_use(await ToolKey.all())
        _check_read(cipher, others)
        signs_from = now + ahead_ms if others else now
        return await ToolKey.create(
            kid=key_id(pair.thumbprint()), private_pem=private_pem, created_at=now, signs_from=signs_from
        )


def _check_read(cipher: Cipher, keys: Iterable[ToolKey]) -> None:
    """The daemon publishes all of them with one set of ``secrets.keys``."""
    for key in keys:
        try:
            cipher.decrypt(key.private_pem)
        except UndecryptableError as error:
            raise KeyRefusedError(
                f"secrets.keys do not read the signing key {key.kid} ({error}), and no key was made: give this command "
                f"the keys that the daemon has; if they are lost, first run `passbackd keys withdraw {key.kid}`"
            ) from None


async def ensure_key(cipher: Cipher, *, now: int) -> ToolKey | None:
    """Make the first key, which is returned, unless one is in use; errors as :func:`make_signing_key`."""
    return None if in_use(await ToolKey.all()) else await make_signing_key(cipher, now=now, ahead_ms=0)


async def find_key(kid: str) -> ToolKey:
    """The key with that id, or a :class:`KeyRefusedError`."""
    key = await ToolKey.get_or_none(kid=kid) if len(kid) <= MAX_KID else None
    if key is None:
        raise KeyRefusedError(f"there is no key {kid!r}: see `passbackd keys list`")
    return key


async def is_last_that_signs(kid: str, *, now: int) -> bool:
    """Whether no other key signs at *now*."""
    return [key.kid for key in signing(await ToolKey.all(), now=now)] == [kid]


async def withdraw_key(kid: str, *, now: int) -> str | None:
    """
    Withdraw a key: it is neither published nor used any more, and its private half is deleted.

    Returns:
        The ``kid`` of the key that signs at once because of this, which platforms that keep a key set may not know
        yet; None if there is none such.

    Raises:
        KeyRefusedError: It is unknown, or withdrawn already.
    """
    async with in_transaction():
        await find_key(kid)
        withdrawn = await ToolKey.filter(kid=kid, withdrawn_at=None).update(withdrawn_at=now, private_pem="")
        if not withdrawn:
            raise KeyRefusedError(f"the key {kid!r} is withdrawn already")
        keys = await ToolKey.all()
        if signing(keys, now=now) or not (waiting := in_use(keys)):
            return None
        # The one that was published first is the most widely known.
        await ToolKey.filter(id=waiting[-1].id).update(signs_from=now)
        return waiting[-1].kid


async def key_listing(now: int) -> list[dict[str, Any]]:
    """
    Every key, the newest last: ``kid``, ``created_at``, ``signs_from``, ``published_until``, ``withdrawn_at``
    (milliseconds since 1970, or None), ``state`` ("published": it does not sign yet; "signs": the one that is used;
    "kept": still published, for platforms that do not know a newer one; "retired", "withdrawn"), ``platforms`` (the
    names of those that accepted it last).
    """
    keys = await ToolKey.all().order_by("id")
    accepted: dict[str, list[str]] = {}
    for platform in await LtiConsumer.exclude(signing_kid=None).order_by("consumer_name"):
        accepted.setdefault(str(platform.signing_kid), []).append(platform.consumer_name)
    return [
        {
            "kid": key.kid,
            "state": _state(key, keys, now),
            "created_at": key.created_at,
            "signs_from": key.signs_from,
            "published_until": published_until(key, keys),
            "withdrawn_at": key.withdrawn_at,
            "platforms": accepted.get(key.kid, []),
        }
        for key in keys
    ]


def _state(key: ToolKey, keys: list[ToolKey], now: int) -> str:
    if key.withdrawn_at is not None:
        return "withdrawn"
    if key not in published(keys, now=now):
        return "retired"
    if key.signs_from > now:
        return "published"
    return "signs" if key == signing(keys, now=now)[0] else "kept"
