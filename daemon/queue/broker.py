"""Dramatiq's broker: it reports faults of Redis at once, and its consumers notice a new message at once."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event
from typing import Any

import redis
import structlog
from dramatiq import Message
from dramatiq.brokers.redis import RedisBroker, _RedisConsumer
from dramatiq.errors import ConnectionClosed
from redis.exceptions import NoScriptError
from redis.retry import Retry

from daemon.infra.errors import describe
from daemon.infra.redis import TIMEOUT, OccupiedKeyError, Pool, is_of_wrong_type, options
from daemon.queue.messages import RefusedMessageError, check_message

log = structlog.get_logger(__name__)

#: Seconds between two fetches from a queue without a notification; and once the worker stops.
IDLE, IDLE_AT_STOP = 1.0, 0.02


# A fetch gives messages without their ids. Else the message would come back once this worker is gone.
_DROP = """
for _, id in ipairs(redis.call('smembers', KEYS[1])) do
    if redis.call('hget', KEYS[2], id) == ARGV[1] then
        redis.call('srem', KEYS[1], id)
        redis.call('hdel', KEYS[2], id)
    end
end
"""


#: Seconds for which a queue counts as occupied after a key of it was found to be: it is asked more often.
OCCUPIED_FOR = 10.0


def kinds_of(namespace: str, queue: str) -> dict[str, str]:
    """The keys of a queue that one command or another cannot do without, and their types (Dramatiq's dispatch.lua)."""
    names = (queue, f"{queue}.DQ")
    lists = {f"{namespace}:{name}": "list" for name in names}
    hashes = {f"{namespace}:{name}.msgs": "hash" for name in names}
    dead = {f"{namespace}:{queue}.XQ": "zset", f"{namespace}:{queue}.XQ.msgs": "hash"}
    return {f"{namespace}:__heartbeats__": "zset", **lists, **hashes, **dead}


class BrokerClient(redis.Redis):
    """Turns every fault of Redis into the one that Dramatiq handles, which is to wait."""

    #: The error of the last command, if it failed.
    trouble: str | None = None

    def execute_command(self, *args: Any, **options: Any) -> Any:
        try:
            answer = super().execute_command(*args, **options)  # type: ignore[no-untyped-call]
        except NoScriptError:
            raise  # the client loads the script
        except redis.RedisError as error:
            self.trouble = describe(error)
            # Dramatiq expects redis-py's own error from some commands only; elsewhere it ends a consumer for good.
            raise ConnectionClosed(error) from error  # type: ignore[no-untyped-call]
        self.trouble = None
        return answer


class Broker(RedisBroker):
    """Its consumers fetch when this process enqueues a message, and seldom otherwise; Dramatiq's poll constantly."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)  # type: ignore[no-untyped-call]
        self._notified: dict[str, Event] = {}
        self._idle = IDLE
        #: By queue, when it was last asked for messages (``time.monotonic``).
        self.looked: dict[str, float] = {}
        #: By queue, what occupies a key of it, and when that was found (``time.monotonic``).
        self._occupied: dict[str, tuple[float, str]] = {}

    @property
    def consumer_class(self) -> Any:
        return _Consumer

    def wait_for_message(self, queue_name: str) -> None:
        """Wait until this process enqueues a message, or for :data:`IDLE` seconds."""
        notified = self._notified.setdefault(queue_name, Event())
        notified.wait(self._idle)
        notified.clear()

    def enqueue(self, message: Message[Any], *, delay: int | None = None) -> Message[Any]:
        with self._noting_occupied(message.queue_name):
            enqueued = super().enqueue(message, delay=delay)
        self._notified.setdefault(enqueued.queue_name, Event()).set()
        return enqueued

    def do_fetch(self, queue_name: str, prefetch: int) -> list[bytes]:
        """Up to *prefetch* messages; those that cannot be worked on are dropped and logged."""
        self.looked[queue_name] = time.monotonic()
        with self._noting_occupied(queue_name):
            fetched = self._dispatch("fetch")(queue_name, prefetch)  # type: ignore[no-untyped-call]
        return [data for data in fetched if data is not None and self._is_taken(queue_name, data)]

    def occupied(self) -> str | None:
        """What another program has put in place of a queue, of which there are several; None if nothing lately."""
        since = time.monotonic() - OCCUPIED_FOR
        return next((what for found, what in list(self._occupied.values()) if found > since), None)

    @contextmanager
    def _noting_occupied(self, queue_name: str) -> Iterator[None]:
        try:
            yield
        except ConnectionClosed as error:
            if is_of_wrong_type(error.__cause__ or error):
                what = describe(OccupiedKeyError(*self._of_wrong_type(queue_name)))
                self._occupied[queue_name] = time.monotonic(), what
            raise

    def _of_wrong_type(self, queue: str) -> list[str]:
        """The keys of a queue that have another type; where TYPE is forbidden, those that may."""
        kinds = kinds_of(self.namespace, queue.removesuffix(".DQ"))
        try:
            found = [key for key, kind in kinds.items() if self.client.type(key) not in (b"none", kind.encode())]
        except ConnectionClosed:
            found = []
        return found or [key for key in kinds if key.endswith((f":{queue}", f":{queue}.msgs", ":__heartbeats__"))]

    def _is_taken(self, queue_name: str, data: bytes) -> bool:
        try:
            check_message(data, queue_name, now_ms=time.time() * 1000)
        except RefusedMessageError as refusal:
            log.error("a queue message was refused", queue=queue_name, reason=str(refusal))  # noqa: TRY400
            self.drop(queue_name, data)
            return False
        return True

    def drop(self, queue_name: str, data: bytes) -> None:
        """Delete messages that were fetched and are equal to this one."""
        acks = f"{self.namespace}:__acks__.{self.broker_id}.{queue_name}"
        self.client.eval(_DROP, 2, acks, f"{self.namespace}:{queue_name}.msgs", data)

    def end_waits(self) -> None:
        """The worker is about to stop: no consumer waits any more."""
        self._idle = IDLE_AT_STOP
        for notified in list(self._notified.values()):
            notified.set()


class _Consumer(_RedisConsumer):
    def __init__(self, broker: Broker, queue_name: str, prefetch: int, _timeout: int) -> None:
        # With a time-out of 0 Dramatiq's own never sleeps.
        super().__init__(broker, queue_name, prefetch, 0)  # type: ignore[no-untyped-call]
        broker.looked[queue_name] = time.monotonic()

    def __next__(self) -> Any:
        message = super().__next__()  # type: ignore[no-untyped-call]
        if message is None:
            self.broker.wait_for_message(self.queue_name)
        return message


def dramatiq_broker(url: str, namespace: str) -> Broker:
    """Dramatiq's broker, without middleware: the database decides when an actor that failed is retried."""
    client = BrokerClient.from_pool(Pool.from_url(url, **options(Retry, TIMEOUT)))
    return Broker(client=client, namespace=namespace, middleware=[])
