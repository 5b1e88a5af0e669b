"""Appends events to passbackd's Redis stream; needs redis-py (the extra ``redis``)."""

from types import TracebackType
from typing import Any, NoReturn, Self

import redis
import redis.asyncio
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

from passbackd_client.errors import FeedError, NotAllowedError, TryLaterError
from passbackd_client.event import Event
from passbackd_client.patience import Patience
from passbackd_client.sequences import Events, listed

#: passbackd's default for ``redis.stream``.
STREAM = "passback:events"

#: A server that is away, starts, has become a replica, or has no memory left.
_LATER = (redis.ConnectionError, redis.TimeoutError, redis.exceptions.ReadOnlyError, redis.exceptions.OutOfMemoryError)
#: How the answers of one begin that cannot write to its disk, to its replicas, or reaches no primary.
_LATER_WORDS = ("MISCONF", "NOREPLICAS", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN")
_NOT_ALLOWED = (redis.AuthenticationError, redis.exceptions.NoPermissionError)


class RedisFeed:
    """
    The stream of one passbackd; as safe for threads as *client* is.

    Args:
        client: Connected to passbackd's ``redis.url``; its own timeouts bound each try. It may decode answers.
        stream: passbackd's ``redis.stream``.
        give_up_after: Seconds for which it tries again where Redis takes none now; 0 for one try.
    """

    def __init__(self, client: redis.Redis, stream: str = STREAM, *, give_up_after: float = 10.0) -> None:
        self._client = client
        self._stream = stream
        self._patience = Patience(give_up_after)

    @classmethod
    def from_url(
        cls, url: str, stream: str = STREAM, *, timeout: float = 5.0, give_up_after: float = 10.0, **options: Any
    ) -> Self:
        """
        A feed with a client of its own.

        *timeout*: seconds for the connection, and for each answer. *options*: of redis-py, such as ``password``.
        """
        retry = Retry(NoBackoff(), 0)
        bounds = {"socket_timeout": timeout, "socket_connect_timeout": timeout, "retry": retry}
        return cls(redis.Redis.from_url(url, **{**bounds, **options}), stream, give_up_after=give_up_after)

    def send(self, events: Events) -> list[str]:
        """
        Append one event or many, all or nothing; return the ids of their entries.

        Raises:
            FeedError: They were not appended; the class says what to do.
        """
        given = listed(events)
        return self._patience.sending(lambda: self._try(given)) if given else []

    def close(self) -> None:
        """Close the client's connections."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _try(self, events: list[Event]) -> list[str]:
        try:
            # One MULTI: else a crash between two entries leaves the first ones.
            pipeline = self._client.pipeline(transaction=len(events) > 1)
            for event in events:
                pipeline.xadd(self._stream, event.stream_fields())  # type: ignore[arg-type]
            return [_id(answer) for answer in pipeline.execute()]
        except redis.RedisError as error:
            _translate(error)


class AsyncRedisFeed:
    """:class:`RedisFeed` for asyncio, around a client of :mod:`redis.asyncio`."""

    def __init__(self, client: redis.asyncio.Redis, stream: str = STREAM, *, give_up_after: float = 10.0) -> None:
        self._client = client
        self._stream = stream
        self._patience = Patience(give_up_after)

    @classmethod
    def from_url(
        cls, url: str, stream: str = STREAM, *, timeout: float = 5.0, give_up_after: float = 10.0, **options: Any
    ) -> Self:
        """As :meth:`RedisFeed.from_url`."""
        retry = AsyncRetry(NoBackoff(), 0)
        bounds = {"socket_timeout": timeout, "socket_connect_timeout": timeout, "retry": retry}
        return cls(redis.asyncio.Redis.from_url(url, **{**bounds, **options}), stream, give_up_after=give_up_after)

    async def send(self, events: Events) -> list[str]:
        """As :meth:`RedisFeed.send`."""
        given = listed(events)
        return await self._patience.asending(lambda: self._try(given)) if given else []

    async def aclose(self) -> None:
        """Close the client's connections."""
        await self._client.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _try(self, events: list[Event]) -> list[str]:
        try:
            pipeline = self._client.pipeline(transaction=len(events) > 1)
            for event in events:
                pipeline.xadd(self._stream, event.stream_fields())  # type: ignore[arg-type]
            return [_id(answer) for answer in await pipeline.execute()]
        except redis.RedisError as error:
            _translate(error)


def _id(answer: bytes | str) -> str:
    return answer if isinstance(answer, str) else answer.decode()


def _translate(error: redis.RedisError) -> NoReturn:
    # redis-py counts a wrong password among the lost connections.
    if isinstance(error, _NOT_ALLOWED):
        raise NotAllowedError(f"Redis: {error}") from error
    if isinstance(error, _LATER) or str(error).startswith(_LATER_WORDS):
        raise TryLaterError(f"Redis: {type(error).__name__}: {error}") from error
    raise FeedError(f"Redis: {error}") from error
