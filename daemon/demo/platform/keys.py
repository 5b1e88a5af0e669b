"""Where a platform has the public keys of a tool from: the tool's own key set, or a key that was pasted into it."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import aiohttp
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, RSAKey


class ToolKeys(Protocol):
    """Public keys of one tool."""

    async def find(self, kid: str | None) -> RSAKey | None:
        """The key of that name; None: there is none, or the key set could not be had."""


@dataclass(slots=True)
class PublishedKeys:
    """
    A key set at an address, kept for *cached_for* seconds.

    *refetches*: also an unknown key makes the platform fetch it anew. *fetches* counts.
    """

    url: str
    cached_for: float = 3600.0
    refetches: bool = False
    clock: Callable[[], float] = time.monotonic
    fetches: int = 0
    _keys: dict[str, RSAKey] = field(default_factory=dict)
    _fetched: float | None = None

    async def find(self, kid: str | None) -> RSAKey | None:
        is_old = self._fetched is None or self.clock() - self._fetched >= self.cached_for
        if is_old or (self.refetches and kid not in self._keys):
            await self._fetch()
        return self._keys.get(kid or "")

    async def _fetch(self) -> None:
        self.fetches += 1
        try:
            async with aiohttp.ClientSession() as session, session.get(self.url) as response:
                keys = _rsa_keys(await response.json(content_type=None)) if response.status == 200 else None
        except (aiohttp.ClientError, TimeoutError, ValueError, JoseError):
            keys = None
        if keys is not None:  # else those of the last time go on
            self._keys, self._fetched = keys, self.clock()


class PastedKey:
    """One public key in PEM; what an assertion calls it does not matter."""

    def __init__(self, pem: str) -> None:
        self._key = RSAKey.import_key(pem)

    async def find(self, kid: str | None) -> RSAKey | None:  # noqa: ARG002 - as ToolKeys has it
        return self._key


def _rsa_keys(document: Any) -> dict[str, RSAKey]:
    found = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(found, list):
        raise ValueError("no key set")  # noqa: TRY004 - of a document, not of an argument
    keys = KeySet.import_key_set({"keys": found}).keys if found else []
    return {key.kid: key for key in keys if isinstance(key, RSAKey) and key.kid}
