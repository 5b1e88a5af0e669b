"""One request for an access token, or two: with another of the tool's keys, or with the token server's time."""

import secrets
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from actors.client import Abort
from actors.errors import Ambiguous, DeliveryError, GiveUp, Misconfigured, TryLater
from actors.protocols.lti13.assertion import sign_assertion
from actors.protocols.lti13.token import AccessToken, read_token, write_token_request
from actors.response import Response
from models.consumer import LtiConsumer
from models.db.clock import Clock
from models.encryption import PLAINTEXT, Cipher, UndecryptableError
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


@dataclass(slots=True)
class _Known:
    """
    What a consumer's token server has shown since its set-up was corrected last.

    *offset*: seconds that its clock is ahead, as the next assertion has it. *accepted*: as that had it which was
    accepted last, and which says more than a ``Date``. *refused*: by kid, when it refused a key last.
    """

    offset: float = 0.0
    accepted: float | None = None
    refused: dict[str, float] = field(default_factory=dict)


class TokenRequests:
    """
    Asks the token servers of platforms.

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
        self._known: defaultdict[int, _Known] = defaultdict(_Known)

    def forget(self, consumer_id: int) -> None:
        """What the token server did before says nothing any more, nor what it does to requests under way."""
        self._known.pop(consumer_id, None)

    async def get(self, consumer_id: int, scope: str, abort: Abort) -> AccessToken:
        """
        A token of one scope. *abort* ends the request under way.

        Raises:
            Misconfigured: The platform gives none until a person corrects its set-up.
            TryLater: It gives none now.
        """
        known = self._known[consumer_id]
        consumer = await self._consumer(consumer_id)
        if consumer is None or not consumer.token_url or not consumer.client_id:
            raise Misconfigured(
                "the platform has no token URL or no client id: add them with `passbackd platform add`",
                bytes_left=False,
            )
        keys = self._in_order(known, await self._keys(self._clock.now()))
        if not keys:
            raise Misconfigured("the tool has no key that may sign: see `passbackd keys list`", bytes_left=False)
        failure: DeliveryError | None = None
        left = _REQUESTS
        while keys and left > 0:
            key, left, used = keys[0], left - 1, known.offset
            try:
                token = await self._ask(consumer, scope, key, known, abort)
            except DeliveryError as error:
                if not _is_refusal(error):
                    raise
                # The answer to the newest key says most.
                failure = failure or error
                if abs(known.offset - used) < CLOCK_TOLERANCE:
                    known.refused[key.kid] = self._clock.monotonic()
                    known.offset = used if known.accepted is None else known.accepted
                    del keys[0]
                elif left > 0:
                    failure = None  # it may have been the time
                continue
            known.accepted = used
            if consumer.signing_kid != key.kid and self._known.get(consumer_id) is known:
                await self._note_key(consumer_id, key.kid)
            return token
        raise failure or TryLater("no access token")

    def _in_order(self, known: _Known, keys: Sequence[ToolKey]) -> list[ToolKey]:
        """Those that were not refused of late come first."""
        since = self._clock.monotonic() - _REFUSED_FOR
        return sorted(keys, key=lambda key: known.refused.get(key.kid, since) > since)

    async def _ask(self, consumer: LtiConsumer, scope: str, key: ToolKey, known: _Known, abort: Abort) -> AccessToken:
        url = str(consumer.token_url)
        try:
            assertion = sign_assertion(
                self._cipher.decrypt(key.private_pem),
                key.kid,
                client_id=str(consumer.client_id),
                audience=consumer.token_audience or url,
                deployment_id=consumer.deployment_id,
                now=int(self._clock.now() / 1000 + known.offset),
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
                abort=abort,
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
            known.offset = offset if abs(offset) >= CLOCK_TOLERANCE else 0.0
        return read_token(response, scope=scope, now=now, redacted=wire.redacted)


def _is_refusal(error: DeliveryError) -> bool:
    """Whether another key or time may help."""
    throttled = isinstance(error, TryLater) and error.throttled
    return error.http_status in _REFUSALS and not throttled
