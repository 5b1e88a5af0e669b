"""
The public key set that ``/jwks`` serves: read from time to time, and the last known one while the database is away.

Strangers ask for it, any number of times: they cause one read at a time, and none for a while after it.
"""

import asyncio
import contextvars
import json
from collections.abc import Callable

import structlog
from aiohttp import web

from daemon.infra.errors import describe
from models.db.clock import Clock
from models.encryption import Cipher
from models.tool_key import public_key_set, published_keys

#: The media type of a key set (RFC 7517, section 8.5.2).
KEY_SET_TYPE = "application/jwk-set+json"
#: Seconds from one read to the next: a withdrawn key is to go soon.
REFRESH = 10.0
#: Seconds that a request waits for a read before it is given what was known.
READ_PATIENCE = 2.0
#: Seconds for which others may keep the set, at most, and as a share of the time in which a key is published only.
MAX_KEPT, KEPT_SHARE = 3600, 8
_EMPTY = json.dumps({"keys": []}).encode()

log = structlog.get_logger(__name__)


class PublishedKeySet:
    """
    Args:
        cipher: What decrypts the keys.
        ahead_ms: Milliseconds for which a new key is published before it signs; it may change.
        monotonic: Seconds that never step back.
    """

    def __init__(self, cipher: Cipher, ahead_ms: int, monotonic: Callable[[], float]) -> None:
        self.ahead_ms = ahead_ms
        self._cipher = cipher
        self._monotonic = monotonic
        self._context = contextvars.copy_context()
        self._clock: Clock | None = None
        self._known: bytes | None = None
        self._read_at = float("-inf")
        self._reading: asyncio.Task[None] | None = None

    def opened(self, clock: Clock) -> None:
        """The database is open. Call it in the context in which the models work: web requests have none."""
        self._context = contextvars.copy_context()
        self._clock = clock

    @property
    def max_age(self) -> int:
        """Seconds for which others may keep the set: much less than passes before a new key signs."""
        return min(MAX_KEPT, self.ahead_ms // 1000 // KEPT_SHARE)

    async def page(self, _request: web.Request) -> web.Response:
        """The page of the set."""
        document = await self.document()
        if document is None:
            return web.Response(text="the key set could not be read yet\n", status=503, headers={"Retry-After": "10"})
        # The first key signs at once: a platform that kept a set without it would refuse that.
        kept = "no-store" if document == _EMPTY else f"public, max-age={self.max_age}"
        return web.Response(body=document, content_type=KEY_SET_TYPE, headers={"Cache-Control": kept})

    async def document(self) -> bytes | None:
        """The set in JSON (RFC 7517, section 5); None as long as it could not be read once."""
        if self._clock is not None and self._monotonic() - self._read_at >= REFRESH:
            if self._reading is None:
                read = self._read(self._clock)
                self._reading = asyncio.get_running_loop().create_task(read, context=self._context)
            # It goes on afterwards: nothing is cancelled while it has a connection to the database.
            await asyncio.wait({self._reading}, timeout=READ_PATIENCE)
        return self._known

    async def _read(self, clock: Clock) -> None:
        try:
            keys = await published_keys(clock.now())
            self._known = json.dumps(public_key_set(keys, self._cipher)).encode()
        except Exception as error:  # noqa: BLE001 - the database is away in more ways than its driver names
            log.warning("the key set cannot be read, the last known one is served", error=describe(error))
        finally:
            self._read_at, self._reading = self._monotonic(), None
