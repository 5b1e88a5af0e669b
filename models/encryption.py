"""
Consumer secrets at rest: encrypted with the newest of the operator's keys, and read with any of them.

Fernet (AES-128-CBC and HMAC-SHA-256, of ``cryptography``): what is sealed tells nothing and cannot be changed unseen.
"""

from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

#: What stands before a sealed secret; without it, it is stored as it is.
SEALED = "fernet:"
#: Secrets that stay open in memory, at most.
MAX_OPENED = 4096


class UndecryptableError(ValueError):
    """None of the keys opens a secret."""


class Cipher:
    """
    Args:
        keys: As :func:`new_key` makes them, the newest first; without any, secrets are stored as they are.

    Raises:
        ValueError: One is none; the message quotes nothing of it.
    """

    def __init__(self, keys: Sequence[str] = ()) -> None:
        self._fernets = [_fernet(key, number) for number, key in enumerate(keys, start=1)]
        # Every attempt needs one, and what was sealed opens to the same for ever.
        self._opened: dict[str, str] = {}

    @property
    def locks(self) -> bool:
        """Whether it has a key."""
        return bool(self._fernets)

    def encrypt(self, secret: str) -> str:
        """What to store for *secret*."""
        if not self._fernets:
            return secret
        return SEALED + self._fernets[0].encrypt(secret.encode()).decode()

    def decrypt(self, stored: str) -> str:
        """
        The secret that was stored.

        Raises:
            UndecryptableError: It was sealed with another key.
        """
        if not stored.startswith(SEALED):
            return stored
        if not self._fernets:
            raise UndecryptableError("it is encrypted, and there is no key")
        secret = self._opened.get(stored)
        if secret is None:
            try:
                secret = MultiFernet(self._fernets).decrypt(stored.removeprefix(SEALED).encode()).decode()
            except InvalidToken:
                raise UndecryptableError("none of the keys opens it") from None
            while len(self._opened) >= MAX_OPENED:
                del self._opened[next(iter(self._opened))]
            self._opened[stored] = secret
        return secret

    def is_current(self, stored: str) -> bool:
        """Whether it is stored as :meth:`seal` would store it today."""
        if not self._fernets:
            return not stored.startswith(SEALED)
        if not stored.startswith(SEALED):
            return False
        try:
            self._fernets[0].decrypt(stored.removeprefix(SEALED).encode())
        except InvalidToken:
            return False
        return True


def new_key() -> str:
    """A key: 32 random bytes, in base64 for URLs."""
    return Fernet.generate_key().decode()


def _fernet(key: str, number: int) -> Fernet:
    try:
        return Fernet(key)
    except ValueError:
        raise ValueError(f"key {number} is none: `passbackd secrets key` makes one") from None


#: Opens what was never sealed.
OPEN = Cipher()
