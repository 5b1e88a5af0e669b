"""
Consumer secrets at rest: encrypted with the newest of the operator's keys, and decrypted with any of them.

Fernet (AES-128-CBC and HMAC-SHA-256, of ``cryptography``): authenticated, so that a changed secret is noticed.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

#: The prefix of an encrypted secret; without it, a secret is stored as it is.
ENCRYPTED = "fernet:"
#: Decrypted secrets that stay in memory, at most: every attempt needs one.
MAX_DECRYPTED = 4096


def secret_fault(secret: str) -> str | None:
    """What keeps a text from being a consumer's secret, as in "the secret is empty"; None: it can be one."""
    if not secret:
        return "is empty"
    if "\x00" in secret:
        return "holds a NUL character"
    return f"begins with {ENCRYPTED}, by which encrypted ones are known" if secret.startswith(ENCRYPTED) else None


class UndecryptableError(ValueError):
    """No key decrypts a secret."""


class Cipher:
    """
    Args:
        keys: As :func:`new_key` makes them, the newest first; without any, secrets are stored as they are.

    Raises:
        ValueError: One is no key; the message quotes nothing of it.
    """

    def __init__(self, keys: Sequence[str] = ()) -> None:
        self._fernets = [_fernet(key, number) for number, key in enumerate(keys, start=1)]
        self._decrypted = lru_cache(MAX_DECRYPTED)(self._decrypt)

    @property
    def has_key(self) -> bool:
        return bool(self._fernets)

    def encrypt(self, secret: str) -> str:
        """What to store for *secret*."""
        if not self._fernets:
            return secret
        return f"{ENCRYPTED}{self._fernets[0].encrypt(secret.encode()).decode()}"

    def decrypt(self, stored: str) -> str:
        """The secret that was stored; raises :class:`UndecryptableError` if it was encrypted with another key."""
        return self._decrypted(stored) if stored.startswith(ENCRYPTED) else stored

    def _decrypt(self, stored: str) -> str:
        if not self._fernets:
            raise UndecryptableError("it is encrypted, and there is no key")
        from cryptography.fernet import InvalidToken, MultiFernet  # noqa: PLC0415 - heavy, and needless without keys

        try:
            return MultiFernet(self._fernets).decrypt(stored.removeprefix(ENCRYPTED)).decode()
        except InvalidToken:
            raise UndecryptableError("none of the keys decrypts it") from None

    def is_current(self, stored: str) -> bool:
        """Whether it is stored as :meth:`encrypt` would store it today."""
        if not self._fernets or not stored.startswith(ENCRYPTED):
            return self.has_key == stored.startswith(ENCRYPTED)
        from cryptography.fernet import InvalidToken  # noqa: PLC0415 - as above

        try:
            self._fernets[0].decrypt(stored.removeprefix(ENCRYPTED))
        except InvalidToken:
            return False
        return True


def new_key() -> str:
    """A key: 32 random bytes, in base64 for URLs."""
    from cryptography.fernet import Fernet  # noqa: PLC0415 - as above

    return Fernet.generate_key().decode()


def _fernet(key: str, number: int) -> Any:
    from cryptography.fernet import Fernet  # noqa: PLC0415 - as above

    try:
        return Fernet(key)
    except ValueError:
        raise ValueError(f"key {number} is none: `passbackd secrets key` makes one") from None


#: Decrypts what was stored without a key.
PLAINTEXT = Cipher()
