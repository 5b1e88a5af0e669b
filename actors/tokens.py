"""Access tokens of LTI 1.3 platforms: one request at a time for each, renewed before they end, in memory alone."""

import asyncio
import uuid
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from contextvars import copy_context
from copy import copy
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

import structlog

from actors.client import Abort
from actors.errors import Ambiguous, DeliveryError, GiveUp, Misconfigured, TryLater
from actors.protocols.lti13.assertion import sign_assertion
from actors.protocols.lti13.token import AccessToken, read_token, write_token_request
from actors.response import Response
from models.consumer import LtiConsumer
from models.db.clock import Clock
from models.encryption import PLAINTEXT, Cipher, UndecryptableError
from models.tool_key import ToolKey

log = structlog.get_logger(__name__)

#: Seconds before its end from which a token is renewed, while it still serves: time for a slow token server and for a
#: few tries; at half of a shorter life.
RENEWED_BEFORE = 60.0
#: Seconds before its end from which a token serves no request any more, so that it does not end on its way; at three
#: quarters of a shorter life.
_TOO_LATE = 10.0
#: Seconds that a token must be valid for at least: what lasts no longer than a request is of no use.
_LEAST_LIFE = 2.0
#: Seconds after a failure without another request: a hiccup is over soon; doubles with each, up to a request a minute.
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
#: Seconds that a clock may differ without being another time: ``Date`` has whole ones.
CLOCK_TOLERANCE = 2.0
#: Seconds for which a key that was refused is not the first to be tried: platforms keep a key set for about as long.
_REFUSED_FOR = 3600.0
#: Statuses by which a server may refuse an assertion: A+ answers 500 for a wrong or withdrawn key.
_REFUSALS = range(400, 501)
#: Requests of one fetch: one more with another key, or with the right time.
_REQUESTS = 2


class Send(Protocol):
    """:meth:`actors.client.Sender.send`."""

    def __call__(
        self,
        url: str,
        body: bytes,
        headers: dict[str, str],
        *,
        consumer_key: str,
        abort: Abort | None,
        redacted: Sequence[str],
    ) -> Awaitable[Response]: ...


@dataclass(slots=True)
class _Entry:
    """What is known of one consumer and scope. Times are by the monotonic clock."""

    token: AccessToken | None = None
    asked_at: float = 0.0
    flight: asyncio.Task[AccessToken] | None = None
    failure: DeliveryError | None = None
    failures: int = 0
    pause_ends: float = 0.0

    def serves(self, now: float) -> str | None:
        if self.token is None:
            return None
        return self.token.text if now < _serves_until(self.token, self.asked_at) else None

    def is_to_be_renewed(self, now: float) -> bool:
        if self.token is None or now < self.pause_ends:
            return False
        return now >= self.asked_at + self.token.life - min(RENEWED_BEFORE, self.token.life / 2)


class Tokens:
    """
    Made while the database is open, outside transactions.

    Args:
        send: Makes one request.
        consumer: Finds a consumer by its id.
        keys: The tool's keys that may sign at a time (milliseconds since 1970), the newest first.
        note_key: Gets the consumer's id and the key (``kid``) that it accepted, if that is another one than before.
        cipher: Decrypts the keys.
    """

    def __init__(
        self,
        send: Send,
        clock: Clock,
        *,
        consumer: Callable[[int], Awaitable[LtiConsumer | None]],
        keys: Callable[[int], Awaitable[Sequence[ToolKey]]],
        note_key: Callable[[int, str], Awaitable[object]],
        cipher: Cipher = PLAINTEXT,
    ) -> None:
        self._send, self._clock, self._cipher = send, clock, cipher
        self._consumer, self._keys, self._note_key = consumer, keys, note_key
        self._entries: defaultdict[tuple[int, str], _Entry] = defaultdict(_Entry)
        #: By consumer, seconds that its token server's clock is ahead, as the next assertion has it; and as that had it
        #: which was accepted last, and which says more than a ``Date``.
        self._offsets: dict[int, float] = {}
        self._accepted: dict[int, float] = {}
        #: By consumer and kid, when the platform refused it last.
        self._refused: dict[tuple[int, str], float] = {}
        self._abort = Abort()
        #: That of the open models, without a transaction.
        self._context = copy_context()

    def usable(self, consumer_id: int, scope: str) -> str | None:
        """
        A token that serves for a while yet; None if there is none. Call it on the running loop.

        When it is time for a new one, one is fetched in the background.
        """
        entry, now = self._entry(consumer_id, scope), self._clock.monotonic()
        if entry.flight is None and entry.is_to_be_renewed(now) and not self._abort.is_set():
            self._begin(consumer_id, scope, entry)
        return entry.serves(now)

    async def fetch(self, consumer_id: int, scope: str) -> str:
        """
        A token that serves, which is fetched if there is none. Concurrent callers share one request.

        Raises:
            Misconfigured: The platform gives none until a person corrects its set-up.
            TryLater: It gives none now; ``after`` says for how long no other request is made. For that long
                the same error is raised without one.
        """
        entry, now = self._entry(consumer_id, scope), self._clock.monotonic()
        if entry.flight is None:
            token = entry.serves(now)
            if token is not None:
                return token
            if entry.failure is not None and now < entry.pause_ends:
                raise _again(entry.failure, entry.pause_ends - now)
        flight = entry.flight or self._begin(consumer_id, scope, entry)
        try:
            return (await asyncio.shield(flight)).text
        except DeliveryError as error:
            # A copy for each of those who wait.
            raise _again(error, max(entry.pause_ends - self._clock.monotonic(), 0.0)) from None

    def is_paused(self, consumer_id: int, scope: str) -> bool:
        """Whether a fetch would fail at once, since the last one failed too recently."""
        entry = self._entry(consumer_id, scope)
        return entry.flight is None and entry.failure is not None and self._clock.monotonic() < entry.pause_ends

    def drop(self, consumer_id: int, scope: str, token: str) -> None:
        """Forget a token that the platform refused, if it is still the present one."""
        entry = self._entry(consumer_id, scope)
        if entry.token is not None and entry.token.text == token:
            entry.token = None

    async def close(self) -> None:
        """End the requests under way; returns when nothing of them is left."""
        self._abort.set()
        flights = [entry.flight for entry in self._entries.values() if entry.flight is not None]
        await asyncio.gather(*flights, return_exceptions=True)

    def _entry(self, consumer_id: int, scope: str) -> _Entry:
        return self._entries[consumer_id, scope]

    def _begin(self, consumer_id: int, scope: str, entry: _Entry) -> asyncio.Task[AccessToken]:
        asked_at = self._clock.monotonic()
        # A claim may be what begins it: its statements must not go to the claim's transaction.
        entry.flight = asyncio.create_task(self._fetch(consumer_id, scope, asked_at), context=self._context.copy())
        entry.flight.add_done_callback(lambda flight: self._end(consumer_id, entry, asked_at, flight))
        return entry.flight

    def _end(self, consumer_id: int, entry: _Entry, asked_at: float, flight: asyncio.Task[AccessToken]) -> None:
        entry.flight, now = None, self._clock.monotonic()
        if flight.cancelled():
            return
        error = flight.exception()
        if error is None:
            entry.token, entry.asked_at = flight.result(), asked_at
            entry.failure, entry.failures = None, 0
            return
        if not isinstance(error, DeliveryError):
            log.error("token.failed", consumer=consumer_id, exc_info=error)
            error = TryLater("no access token: a fault of passbackd's own; see its log")
        pause = min(FIRST_PAUSE * 2 ** min(entry.failures, 16), LONGEST_PAUSE)
        asked = error.after if isinstance(error, TryLater) else None
        entry.failure, entry.failures, entry.pause_ends = error, entry.failures + 1, now + max(pause, asked or 0.0)

    async def _fetch(self, consumer_id: int, scope: str, asked_at: float) -> AccessToken:
        token = await self._get(consumer_id, scope)
        if token.life < _LEAST_LIFE or self._clock.monotonic() >= _serves_until(token, asked_at):
            # Else each grade would ask for one of its own, without an end.
            raise TryLater(f"no access token: those that it gives end {token.life:g} s after they were asked for")
        return token

    async def _get(self, consumer_id: int, scope: str) -> AccessToken:
        consumer = await self._consumer(consumer_id)
        if consumer is None or not consumer.token_url or not consumer.client_id:
            raise Misconfigured(
                "the platform has no token URL or no client id: add them with `passbackd platform add`",
                bytes_left=False,
            )
        keys = self._in_order(consumer_id, await self._keys(self._clock.now()))
        if not keys:
            raise Misconfigured("the tool has no key that may sign: see `passbackd keys list`", bytes_left=False)
        failure: DeliveryError | None = None
        left = _REQUESTS
        while keys and left > 0:
            key, left, used = keys[0], left - 1, self._offset(consumer_id)
            try:
                token = await self._ask(consumer, scope, key)
            except DeliveryError as error:
                if not _is_refusal(error):
                    raise
                # The answer to the newest key says most.
                failure = failure or error
                if abs(self._offset(consumer_id) - used) < CLOCK_TOLERANCE:
                    self._refused[consumer_id, key.kid] = self._clock.monotonic()
                    self._offsets[consumer_id] = self._accepted.get(consumer_id, used)
                    del keys[0]
                elif left > 0:
                    failure = None  # it may have been the time
                continue
            self._accepted[consumer_id] = used
            if consumer.signing_kid != key.kid:
                await self._note_key(consumer_id, key.kid)
            return token
        raise failure or TryLater("no access token")

    def _in_order(self, consumer_id: int, keys: Sequence[ToolKey]) -> list[ToolKey]:
        """Those that were not refused of late come first."""
        since = self._clock.monotonic() - _REFUSED_FOR
        return sorted(keys, key=lambda key: self._refused.get((consumer_id, key.kid), since) > since)

    def _offset(self, consumer_id: int) -> float:
        return self._offsets.get(consumer_id, 0.0)

    async def _ask(self, consumer: LtiConsumer, scope: str, key: ToolKey) -> AccessToken:
        url = str(consumer.token_url)
        try:
            assertion = sign_assertion(
                self._cipher.decrypt(key.private_pem),
                key.kid,
                client_id=str(consumer.client_id),
                audience=consumer.token_audience or url,
                deployment_id=consumer.deployment_id,
                now=int(self._clock.now() / 1000 + self._offset(consumer.id)),
                jti=uuid.uuid4().hex,
            )
        except UndecryptableError as error:
            why = f"secrets.keys do not read the signing key {key.kid} ({error})"
            raise Misconfigured(f"no access token can be asked for: {why}", bytes_left=False) from None
        except ValueError as error:
            raise Misconfigured(f"no access token can be asked for: {error}", bytes_left=False) from None
        wire = write_token_request(url, assertion, scope)
        try:
            response = await self._send(
                wire.url,
                wire.body,
                wire.headers,
                consumer_key=consumer.consumer_key,
                abort=self._abort,
                redacted=wire.redacted,
            )
        except Ambiguous as error:
            # No score has left.
            raise TryLater(f"no access token: {error.reason}", after=error.after) from None
        except GiveUp as error:
            raise Misconfigured(f"no access token: {error.reason}", bytes_left=False) from None
        now = datetime.fromtimestamp(self._clock.now() / 1000, UTC)
        offset = response.clock_offset(now)
        if offset is not None and response.status in _REFUSALS:
            self._offsets[consumer.id] = offset if abs(offset) >= CLOCK_TOLERANCE else 0.0
        return read_token(response, scope=scope, now=now, redacted=wire.redacted)


def _serves_until(token: AccessToken, asked_at: float) -> float:
    return asked_at + token.life - min(_TOO_LATE, token.life / 4)


def _is_refusal(error: DeliveryError) -> bool:
    """Whether another key or time may help."""
    throttled = isinstance(error, TryLater) and error.throttled
    return error.http_status in _REFUSALS and not throttled


def _again(error: DeliveryError, after: float) -> DeliveryError:
    again = copy(error)
    if isinstance(again, TryLater):
        again.after = after
    return again
