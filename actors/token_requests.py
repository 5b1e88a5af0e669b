"""One request for an access token, or two: with another of the tool's keys, or with the token server's time."""

import secrets
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from actors.client import Abort
from actors.errors import Ambiguous, DeliveryError, GiveUp, Misconfigured, TryLater
from actors.protocols.lti13.assertion import sign_assertion
from actors.protocols.lti13.token import AccessToken, read_token, write_token_request
from actors.response import Response
from models.consumer import LtiConsumer
from models.db.clock import Clock
from models.encryption import Cipher, UndecryptableError
from models.tool_key import ToolKey

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


class TokenRequests:
    """*abort* ends the requests under way; the other arguments are those of :class:`actors.tokens.Tokens`."""

    def __init__(
        self,
        send: Send,
        clock: Clock,
        *,
        consumer: Callable[[int], Awaitable[LtiConsumer | None]],
        keys: Callable[[int], Awaitable[Sequence[ToolKey]]],
        note_key: Callable[[int, str], Awaitable[object]],
        cipher: Cipher,
        abort: Abort,
    ) -> None:
        self._send, self._clock, self._cipher, self._abort = send, clock, cipher, abort
        self._consumer, self._keys, self._note_key = consumer, keys, note_key
        #: By consumer, seconds that its token server's clock is ahead, as the next assertion has it; and as that had it
        #: which was accepted last, and which says more than a ``Date``.
        self._offsets: dict[int, float] = {}
        self._accepted: dict[int, float] = {}
        #: By consumer and kid, when the platform refused it last.
        self._refused: dict[tuple[int, str], float] = {}

    def forget(self, consumer_id: int) -> None:
        """What the token server did before says nothing any more."""
        self._offsets.pop(consumer_id, None)
        self._accepted.pop(consumer_id, None)
        for known in [known for known in self._refused if known[0] == consumer_id]:
            del self._refused[known]

    async def get(self, consumer_id: int, scope: str) -> AccessToken:
        """
        A token of one scope.

        Raises:
            Misconfigured: The platform gives none until a person corrects its set-up.
            TryLater: It gives none now.
        """
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
                jti=secrets.token_hex(16),
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
        now = self._clock.now_utc()
        offset = response.clock_offset(now)
        if offset is not None and response.status in _REFUSALS:
            self._offsets[consumer.id] = offset if abs(offset) >= CLOCK_TOLERANCE else 0.0
        return read_token(response, scope=scope, now=now, redacted=wire.redacted)


def _is_refusal(error: DeliveryError) -> bool:
    """Whether another key or time may help."""
    throttled = isinstance(error, TryLater) and error.throttled
    return error.http_status in _REFUSALS and not throttled
