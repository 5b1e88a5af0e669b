"""Access tokens of LTI 1.3 platforms: one request at a time for each, renewed before they end, in memory alone."""

import asyncio
from collections import defaultdict
from contextvars import copy_context
from copy import copy
from dataclasses import dataclass

import structlog

from actors.breaker import MAX_BLOCK_MS
from actors.client import Abort
from actors.errors import DeliveryError, TryLater
from actors.protocols.lti13.token import AccessToken
from actors.token_requests import TokenRequests
from models.db.clock import Clock

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
    """Gets tokens by *requests* and keeps them. Made while the database is open, outside transactions."""

    def __init__(self, requests: TokenRequests, clock: Clock) -> None:
        self._requests, self._clock, self._abort = requests, clock, Abort()
        self._entries: defaultdict[tuple[int, str], _Entry] = defaultdict(_Entry)
        #: By consumer, when an operator last corrected its set-up.
        self._corrected: dict[int, int] = {}
        self._flights: set[asyncio.Task[AccessToken]] = set()
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
            if self._entry(consumer_id, scope) is not entry and not self._abort.is_set():
                # The set-up was corrected meanwhile: that the old one failed says nothing.
                return await self.fetch(consumer_id, scope)
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

    def corrected(self, consumer_id: int, at: int) -> None:
        """
        Forget all that is known of a platform if an operator has corrected its set-up since the last call.

        *at*: when that was last, as :class:`models.consumer.LtiConsumer` has it; an older one was read before.
        """
        if at <= self._corrected.setdefault(consumer_id, at):
            return
        self._corrected[consumer_id] = at
        self._requests.forget(consumer_id)
        # A request under way asks with the old set-up: what it finds is not known afterwards.
        for known in [known for known in self._entries if known[0] == consumer_id]:
            del self._entries[known]

    async def close(self) -> None:
        """End the requests under way; returns when nothing of them is left."""
        self._abort.set()
        await asyncio.gather(*self._flights, return_exceptions=True)

    def _entry(self, consumer_id: int, scope: str) -> _Entry:
        return self._entries[consumer_id, scope]

    def _begin(self, consumer_id: int, scope: str, entry: _Entry) -> asyncio.Task[AccessToken]:
        asked_at = self._clock.monotonic()
        # A claim may be what begins it: its statements must not go to the claim's transaction.
        entry.flight = asyncio.create_task(self._fetch(consumer_id, scope, asked_at), context=self._context.copy())
        self._flights.add(entry.flight)
        entry.flight.add_done_callback(self._flights.discard)
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
        asked = (error.after if isinstance(error, TryLater) else None) or 0.0
        # As long as a campus: all of its grades wait for this token.
        pause = max(pause, min(asked, MAX_BLOCK_MS / 1000))
        entry.failure, entry.failures, entry.pause_ends = error, entry.failures + 1, now + pause

    async def _fetch(self, consumer_id: int, scope: str, asked_at: float) -> AccessToken:
        token = await self._requests.get(consumer_id, scope, self._abort)
        if token.life < _LEAST_LIFE or self._clock.monotonic() >= _serves_until(token, asked_at):
            # Else each grade would ask for one of its own, without an end.
            raise TryLater(f"no access token: those that it gives end {token.life:g} s after they were asked for")
        return token


def _serves_until(token: AccessToken, asked_at: float) -> float:
    return asked_at + token.life - min(_TOO_LATE, token.life / 4)


def _again(error: DeliveryError, after: float) -> DeliveryError:
    again = copy(error)
    if isinstance(again, TryLater):
        again.after = after
    return again
