"""The tool's own signing keys (1EdTech Security Framework 1.0, section 6), and which of them are in use."""

from collections.abc import Sequence
from typing import Any

from tortoise import fields
from tortoise.models import Model

from models.encryption import Cipher

#: The algorithm of every signature (1EdTech Security Framework 1.0, section 5.1.2), and the bits of a key.
ALGORITHM, KEY_BITS = "RS256", 2048
#: Characters of a key's id, at most: a thumbprint has 43.
MAX_KID = 64
#: Milliseconds that a key stays published after a newer one has begun to sign: what it signed is still on its way, and
#: a platform that has not fetched the newer one yet still takes it.
KEPT_MS = 30 * 86_400_000


class ToolKey(Model):
    """An RSA key pair. Published from the start, it signs from ``signs_from`` until it is withdrawn or replaced."""

    id = fields.BigIntField(primary_key=True)
    # As :func:`key_id` makes it.
    kid = fields.CharField(max_length=MAX_KID, unique=True)
    # In PEM, as :mod:`models.encryption` stores secrets; empty once it is withdrawn.
    private_pem = fields.TextField()
    # Milliseconds since 1970.
    created_at = fields.BigIntField()
    signs_from = fields.BigIntField()
    withdrawn_at = fields.BigIntField(null=True)

    class Meta:
        table = "tool_key"
        table_description = "Keys with which the tool signs"


def key_id(thumbprint: str) -> str:
    """
    The id of the key with that thumbprint (RFC 7638, base64url): all of it but hyphens at its start, with which a
    command would take it for an option. Pure.
    """
    return thumbprint.lstrip("-")


def in_use(keys: Sequence[ToolKey]) -> list[ToolKey]:
    """Those that are not withdrawn, the newest first. Pure."""
    return sorted((key for key in keys if key.withdrawn_at is None), key=lambda key: (-key.signs_from, -key.id))


def published_until(key: ToolKey, keys: Sequence[ToolKey]) -> int | None:
    """
    Until when one of *keys* is published, milliseconds since 1970; None as long as there is no newer one. Pure.

    A newer one that was withdrawn takes no other's place.
    """
    if key.withdrawn_at is not None:
        return int(key.withdrawn_at)
    newer = [other.signs_from for other in in_use(keys) if (other.signs_from, other.id) > (key.signs_from, key.id)]
    return min(newer) + KEPT_MS if newer else None


def published(keys: Sequence[ToolKey], *, now: int) -> list[ToolKey]:
    """Those of *keys* that are published at *now* (milliseconds since 1970), the newest first. Pure."""
    ends = [(key, published_until(key, keys)) for key in in_use(keys)]
    return [key for key, end in ends if end is None or now < end]


def signing(keys: Sequence[ToolKey], *, now: int) -> list[ToolKey]:
    """Those of *keys* that may sign at *now*, the newest first: no platform takes one that is not published. Pure."""
    return [key for key in published(keys, now=now) if key.signs_from <= now]


async def published_keys(now: int) -> list[ToolKey]:
    """The keys to publish, the newest first. *now*: milliseconds since 1970 by the database's clock."""
    return published(await ToolKey.all(), now=now)


async def signing_keys(now: int) -> list[ToolKey]:
    """
    The keys to sign with, the one to use first, and the others for platforms that do not know it yet.

    *now*: milliseconds since 1970 by the database's clock.
    """
    return signing(await ToolKey.all(), now=now)


def public_key_set(keys: Sequence[ToolKey], cipher: Cipher) -> dict[str, Any]:
    """
    The JSON Web Key Set (RFC 7517, section 5) of *keys*, ``{"keys": [...]}``: their public halves alone.

    Raises:
        UndecryptableError: One cannot be decrypted.
    """
    from joserfc.jwk import RSAKey  # noqa: PLC0415 - heavy, and needless without LTI 1.3

    return {
        "keys": [
            {
                **RSAKey.import_key(public_pem(key, cipher)).as_dict(private=False),
                "alg": ALGORITHM,
                "use": "sig",
                "kid": key.kid,
            }
            for key in keys
        ]
    }


def public_pem(key: ToolKey, cipher: Cipher) -> str:
    """The public half in PEM (RFC 7468, section 13); errors as :func:`public_key_set`."""
    from joserfc.jwk import RSAKey  # noqa: PLC0415 - as above

    return RSAKey.import_key(cipher.decrypt(key.private_pem)).as_pem(private=False).decode()
