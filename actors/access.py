"""
No claim without an access token: rule 12 of the design.

A slow or failing token server spends neither lease nor attempt. Its failures count for the breaker of the campuses that
wait for the token, and leave nothing in doubt.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Protocol, TypeVar

import structlog
from tortoise.transactions import in_transaction

from actors.errors import BadToken, DeliveryError, Misconfigured, TryLater
from actors.instrumentation import record_breaker
from actors.metrics import Metrics
from models.campus import Breaker, Campus, Signal, read_breakers
from models.clock_watch import hold_still
from models.consumer import LtiConsumer
from models.db.clock import Clock
from models.due import Capacity
from models.scopes import SCORE_SCOPE
from models.signals import apply_signals
from models.unoffered import park_unoffered

log = structlog.get_logger(__name__)
_Answer = TypeVar("_Answer")
#: The breaker of a campus after a signal, at that time (milliseconds since 1970).
NextBreaker = Callable[[int, Breaker, Signal], Breaker]


class AccessTokens(Protocol):
    """The access tokens of platforms, by the consumer's id and the scope: :class:`actors.tokens.Tokens`."""

    def usable(self, consumer_id: int, scope: str) -> str | None:
        """A token that is valid for a while yet; None if there is none."""

    async def fetch(self, consumer_id: int, scope: str) -> str:
        """Get one that serves; raises DeliveryError, at once while the last failure is too recent."""

    def is_paused(self, consumer_id: int, scope: str) -> bool:
        """Whether the last failure is too recent."""

    def drop(self, consumer_id: int, scope: str, token: str) -> None:
        """Forget a token that the platform refused."""

    def corrected(self, consumer_id: int, at: int) -> None:
        """*at*: when an operator last corrected the platform, milliseconds since 1970; forget what failed before."""


class NoTokens:
    """Where there is no platform."""

    def usable(self, consumer_id: int, scope: str) -> str | None:  # noqa: ARG002 - there is none of any
        return None

    async def fetch(self, consumer_id: int, scope: str) -> str:  # noqa: ARG002 - as above
        raise TryLater("there is no access token")

    def is_paused(self, consumer_id: int, scope: str) -> bool:  # noqa: ARG002 - as above
        return True

    def drop(self, consumer_id: int, scope: str, token: str) -> None:
        """Nothing to forget."""

    def corrected(self, consumer_id: int, at: int) -> None:
        """Nothing to forget."""


async def with_token(
    tokens: AccessTokens, consumer_id: int, scope: str, ask: Callable[[str], Awaitable[_Answer]]
) -> _Answer:
    """
    What *ask* returns, which gets a token; once more with another one if the platform refuses the first.

    Raises:
        BadToken: It refuses both.
        DeliveryError: There is no token; or what *ask* raises.
    """
    token = await tokens.fetch(consumer_id, scope)
    try:
        return await ask(token)
    except BadToken:
        # It may have been withdrawn since it was got.
        tokens.drop(consumer_id, scope, token)
    token = await tokens.fetch(consumer_id, scope)
    try:
        return await ask(token)
    except BadToken:
        tokens.drop(consumer_id, scope, token)
        raise


class Access:
    """
    Lets those campuses have requests for which there is a token, and gets one for the others.

    Args:
        tokens: Those of all platforms.
        next_breaker: The breaker of a campus after a signal, at that time (milliseconds since 1970).
        notify: Called when a token has come.
        metrics: Counts who refuses to give one until key or client id is corrected, and what is parked.
    """

    def __init__(
        self,
        tokens: AccessTokens,
        clock: Clock,
        next_breaker: NextBreaker,
        notify: Callable[[], None],
        metrics: Metrics,
    ) -> None:
        self._tokens = tokens
        self._clock = clock
        self._next_breaker = next_breaker
        self._notify = notify
        self._metrics = metrics
        #: By platform, who waits for its token, and the task that gets it.
        self._waiting: dict[int, set[int]] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}
        #: By platform, how many failures there were since a token came.
        self._failures: dict[int, int] = {}
        #: By platform, the reason of the last failure: what stays so for hours is logged once.
        self._reasons: dict[int, str] = {}

    def has_token(self, platform_id: int) -> bool:
        """Whether a grade may go to that platform now, by its consumer's id: there is a token for scores."""
        return self._tokens.usable(platform_id, SCORE_SCOPE) is not None

    def admit(self, campuses: Sequence[Capacity]) -> list[Capacity]:
        """Those that may have requests now; a token is got for the others, in the background."""
        admitted = []
        for campus in campuses:
            if campus.platform_id is not None:
                self._tokens.corrected(campus.platform_id, campus.corrected_at)
            if campus.platform_id is None or self.has_token(campus.platform_id):
                admitted.append(campus)
            elif campus.free > 0 and not self._tokens.is_paused(campus.platform_id, SCORE_SCOPE):
                self._waiting.setdefault(campus.platform_id, set()).add(campus.campus_id)
                if campus.platform_id not in self._tasks:
                    self._tasks[campus.platform_id] = asyncio.create_task(self._get(campus.platform_id))
        return admitted

    async def close(self) -> None:
        """Wait for the tasks under way; their requests have a deadline."""
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _get(self, platform_id: int) -> None:
        try:
            if parked := await park_unoffered(platform_id, now=self._clock.now()):
                name = (await LtiConsumer.get(id=platform_id)).consumer_name
                self._metrics.parked.labels(name, "campus").inc(parked)
                log.warning("grades.scope_not_offered", consumer=name, parked=parked)
                # What is left, if anything, is asked for in the next round.
                self._notify()
                return
            await self._tokens.fetch(platform_id, SCORE_SCOPE)
        except DeliveryError as error:
            await self._failed(platform_id, error)
        except Exception:
            log.exception("token.not_fetched", platform=platform_id)
        else:
            self._failures.pop(platform_id, None)
            self._reasons.pop(platform_id, None)
            self._notify()
        finally:
            self._waiting.pop(platform_id, None)
            del self._tasks[platform_id]

    async def _failed(self, platform_id: int, error: DeliveryError) -> None:
        number = self._failures[platform_id] = self._failures.get(platform_id, 0) + 1
        now = self._clock.now()
        try:
            name = (await LtiConsumer.get(id=platform_id)).consumer_name
            if self._reasons.get(platform_id) != error.reason:
                self._reasons[platform_id] = error.reason
                log.warning("token.refused", consumer=name, reason=error.reason)
            if _is_refusal(error):
                self._metrics.signature_refused.labels(name).inc()
            await signal_campuses(
                self._waiting.get(platform_id, ()),
                lambda breaker: _signal(breaker, error, number, now),
                clock=self._clock,
                next_breaker=self._next_breaker,
                consumer=name,
            )
        except Exception:
            log.warning("token.failure_not_noted", platform=platform_id, reason=error.reason, exc_info=True)


async def signal_campuses(
    campus_ids: Iterable[int],
    signal_of: Callable[[Breaker], Signal],
    *,
    clock: Clock,
    next_breaker: NextBreaker,
    consumer: str,
) -> None:
    """
    Apply what no attempt says of campuses: their breakers, each with the signal of the stored one.

    *consumer*: the name of theirs. Outside transactions.
    """
    now = clock.now()
    async with in_transaction():
        await hold_still()
        signals = [signal_of(breaker) for breaker in await read_breakers(campus_ids)]
        changes = await apply_signals(signals, lambda breaker, signal: next_breaker(now, breaker, signal), clock.steps)
    for change in changes:
        record_breaker(change, consumer=consumer, origin=(await Campus.get(id=change.after.campus_id)).origin)


def _is_refusal(error: DeliveryError) -> bool:
    """Whether the token server refused what signs the request: it has answered, and by no redirect."""
    status = error.http_status
    return isinstance(error, Misconfigured) and status is not None and not 300 <= status <= 399


def _signal(breaker: Breaker, error: DeliveryError, number: int, now: int) -> Signal:
    """What a failure says of a campus. Each counts as that of another assignment: no grade can go there."""
    throttled = isinstance(error, TryLater) and error.throttled
    return Signal(
        "throttled" if throttled else "failure",
        campus_id=breaker.campus_id,
        assignment_id=-number,
        claimed_at=now,
        tripped_at=breaker.tripped_at,
        answered=False,
        after=error.after if isinstance(error, TryLater) else None,
        error=error.reason,
    )
