"""The fast path: events onto passbackd's stream from within the platform's processes, without ever being in the way."""

import functools
import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import redis
from django.conf import settings
from django.db import transaction
from redis.backoff import NoBackoff
from redis.retry import Retry

from openedx_passbackd import counters
from openedx_passbackd.events import Event

log = logging.getLogger(__name__)

#: Seconds that a request waits for Redis, with the look-up of its name, the connection and all answers.
TIMEOUT = 0.2
#: Seconds without another try after one that failed; meanwhile the relay has to find what was not sent.
PAUSE = 30.0


def connect(url: str, timeout: float) -> redis.Redis:
    """A client that tries once, and waits *timeout* seconds at most for a connection and for an answer."""
    return redis.Redis.from_url(
        url,
        socket_connect_timeout=timeout,
        socket_timeout=timeout,
        retry=Retry(NoBackoff(), 0),
        retry_on_error=[],
        # The newer protocol needs one more answer before the first command.
        protocol=2,
        decode_responses=True,
    )


def _within(seconds: float, action: Callable[[], Any]) -> None:
    """
    Do it in a thread of its own, since nothing else bounds the look-up of a name.

    :raises TimeoutError: if it is not done by then; it may still be done afterwards, and an event comes twice.
    """
    failures: list[Exception] = []

    def run() -> None:
        try:
            action()
        except Exception as error:  # noqa: BLE001 - raised by the waiting thread
            failures.append(error)

    thread = threading.Thread(target=run, name="passbackd", daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise TimeoutError(f"not done within {seconds} s")
    if failures:
        raise failures[0]


class Publisher:
    """Writes onto Redis, never raises, and leaves Redis alone for a while after a failure."""

    def __init__(self, client: redis.Redis | None, stream: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.stream = stream
        self._client = client
        self._clock = clock
        self._paused_until = float("-inf")

    def publish(self, events: Sequence[Event]) -> bool:
        """Append *events*, at least one; whether Redis has them."""

        def append(client: redis.Redis) -> None:
            pipeline = client.pipeline(transaction=False)
            for event in events:
                pipeline.xadd(self.stream, event)  # type: ignore[arg-type]
            pipeline.execute()

        return self.run(append, what=events[0]["type"])

    def run(self, action: Callable[[redis.Redis], Any], *, what: str) -> bool:
        """Do something with Redis, unless it is known to be unwell; whether that was done. *what* is for the log."""
        if self._client is None or self._clock() < self._paused_until:
            counters.count("skipped")
            return False
        try:
            _within(TIMEOUT, functools.partial(action, self._client))
        except Exception as error:
            self._paused_until = self._clock() + PAUSE
            number = counters.count("failed")
            log.warning(
                "passbackd: Redis did not take %s (failure %d of this process), none is tried for %.0f s: %s",
                what,
                number,
                PAUSE,
                type(error).__name__,
                exc_info=True,
            )
            return False
        counters.count("published")
        return True


@functools.lru_cache
def _publisher(url: str | None, stream: str) -> Publisher:
    return Publisher(connect(url, TIMEOUT) if url else None, stream)


def publisher() -> Publisher:
    """The one of this process, as the settings have it."""
    return _publisher(settings.PASSBACKD_REDIS_URL, settings.PASSBACKD_STREAM)


def publish_after_commit(*events: Event) -> None:
    """Append *events* once the transaction is committed; at once where there is none."""

    after_commit(lambda: publisher().publish(events))


def after_commit(hook: Callable[[], Any]) -> None:
    """
    Call *hook* once the transaction is committed; at once where there is none.

    It must not be a partial, which lacks the ``__qualname__`` that Django wants for its log where a robust hook fails.
    """
    transaction.on_commit(hook, robust=True)
