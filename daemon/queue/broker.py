"""Dramatiq's broker: says at once what is wrong, and has its consumers look at once when there is a message."""

from threading import Event
from typing import Any

import redis
from dramatiq import Message
from dramatiq.brokers.redis import RedisBroker, _RedisConsumer
from dramatiq.errors import ConnectionClosed
from redis.exceptions import NoScriptError
from redis.retry import Retry

from daemon.infra.errors import describe
from daemon.infra.redis import TIMEOUT, options

#: Seconds between two looks at a queue on which this process has put nothing; and once it stops.
IDLE, IDLE_AT_STOP = 1.0, 0.02


class BrokerClient(redis.Redis):
    """Has Dramatiq told of every fault of Redis in the one way for which it is prepared: by waiting."""

    #: What is wrong at the moment, as far as the last command knows.
    trouble: str | None = None

    def execute_command(self, *args: Any, **options: Any) -> Any:
        try:
            answer = super().execute_command(*args, **options)  # type: ignore[no-untyped-call]
        except NoScriptError:
            raise  # has the client load the script
        except redis.RedisError as error:
            self.trouble = describe(error)
            # Dramatiq expects redis-py's own error from some commands only; elsewhere it ends a consumer for good.
            raise ConnectionClosed(error) from error  # type: ignore[no-untyped-call]
        self.trouble = None
        return answer


class Broker(RedisBroker):
    """
    Has each of its consumers look at once when this process has put a message on its queue, and seldom otherwise.

    Dramatiq's own look ten times a second, which is a twentieth of a core for a daemon that has nothing to do.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)  # type: ignore[no-untyped-call]
        self._news: dict[str, Event] = {}
        self._idle = IDLE

    @property
    def consumer_class(self) -> Any:
        return _Consumer

    def news_of(self, queue_name: str) -> Event:
        """Set when there is something to look for."""
        return self._news.setdefault(queue_name, Event())

    def wait_for_news(self, queue_name: str) -> None:
        """Until there is something to look for, or for :data:`IDLE` seconds."""
        news = self.news_of(queue_name)
        news.wait(self._idle)
        news.clear()

    def enqueue(self, message: Message[Any], *, delay: int | None = None) -> Message[Any]:
        enqueued = super().enqueue(message, delay=delay)
        self.news_of(enqueued.queue_name).set()
        return enqueued

    def hurry(self) -> None:
        """Nobody waits any more: the worker is about to stop."""
        self._idle = IDLE_AT_STOP
        for news in list(self._news.values()):
            news.set()


class _Consumer(_RedisConsumer):
    def __init__(self, broker: Broker, queue_name: str, prefetch: int, _timeout: int) -> None:
        # With a time-out of 0 Dramatiq's own never sleeps.
        super().__init__(broker, queue_name, prefetch, 0)  # type: ignore[no-untyped-call]

    def __next__(self) -> Any:
        message = super().__next__()  # type: ignore[no-untyped-call]
        if message is None:
            self.broker.wait_for_news(self.queue_name)
        return message


def dramatiq_broker(url: str, namespace: str) -> Broker:
    """
    Dramatiq's broker, without middleware.

    An actor that fails is not retried by Dramatiq: its row is dirty, and SQL is the one retry clock.
    """
    return Broker(client=BrokerClient.from_url(url, **options(Retry, TIMEOUT)), namespace=namespace, middleware=[])
