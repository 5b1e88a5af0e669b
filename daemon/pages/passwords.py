"""Passwords, hashed with Argon2id (RFC 9106) in a thread, one at a time: a hash takes 19 MiB and some 50 ms."""

import asyncio

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

#: Characters of a password.
MIN_PASSWORD, MAX_PASSWORD = 12, 200
#: Log-ins that may wait for their turn.
MAX_LOGINS = 8


class PasswordError(ValueError):
    """This cannot be a password; the message says why."""


class BusyError(Exception):
    """Too many log-ins at once."""


def _hasher() -> PasswordHasher:
    # The least that OWASP's Password Storage Cheat Sheet recommends: the daemon has other work.
    return PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


def hash_password(password: str) -> str:
    """
    In the PHC string format, with the parameters and the salt.

    Raises:
        PasswordError: It is too short or too long.
    """
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise PasswordError(f"a password has {MIN_PASSWORD} to {MAX_PASSWORD} characters: this one has {len(password)}")
    return _hasher().hash(password)


class PasswordVerifier:
    """
    Compares passwords with hashes.

    Args:
        hasher: Makes new ones, with parameters of its own.
    """

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or _hasher()
        self._one_at_a_time = asyncio.Lock()
        self._waiting = 0
        self._of_no_user: str | None = None

    async def verify(self, password: str, password_hash: str | None) -> bool:
        """
        Whether *password* is the one of *password_hash*.

        Args:
            password_hash: None for a user that is not known, empty for one without a password.

        Raises:
            BusyError: Others are waiting.
        """
        if self._waiting >= MAX_LOGINS:
            raise BusyError
        self._waiting += 1
        try:
            async with self._one_at_a_time:
                return await asyncio.to_thread(self._verify, password, password_hash)
        finally:
            self._waiting -= 1

    async def renewed(self, password: str, password_hash: str) -> str | None:
        """Another hash of a password that was right, if *password_hash* has other parameters than a new one would."""
        if not self._hasher.check_needs_rehash(password_hash):
            return None
        async with self._one_at_a_time:
            return await asyncio.to_thread(self._hasher.hash, password[:MAX_PASSWORD])

    def _verify(self, password: str, password_hash: str | None) -> bool:
        if self._of_no_user is None:
            self._of_no_user = self._hasher.hash("a password that no user has")
        try:
            # So that a name that is not known, or has no password, takes as long as one that has.
            self._hasher.verify(password_hash or self._of_no_user, password[:MAX_PASSWORD])
        except (VerificationError, InvalidHashError):
            return False
        return bool(password_hash)
