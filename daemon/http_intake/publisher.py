"""Writes the events of many requests onto the stream, those that come together in one round trip."""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from daemon.ingest.stream import Stream

#: Events that one round trip takes, unless one request has more.
MAX_EVENTS = 500


@dataclass(frozen=True, slots=True, eq=False)
class _Request:
    events: Sequence[dict[str, str]]
    ids: asyncio.Future[list[str]]


class Publisher:
    """*stream*: of a client that returns bytes."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._waiting: deque[_Request] = deque()
        self._work: asyncio.Task[None] | None = None

    async def add(self, events: Sequence[dict[str, str]]) -> list[str]:
        """
        Put these events onto the stream, in their order, all or none; returns their entry ids.

        Raises:
            Exception: Redis failed. Whether it has them is not known.
        """
        if not events:
            return []
        request = _Request(events, asyncio.get_running_loop().create_future())
        self._waiting.append(request)
        if self._work is None:
            self._work = asyncio.create_task(self._write_all())
        return await request.ids

    async def _write_all(self) -> None:
        try:
            while self._waiting:
                batch = [self._waiting.popleft()]
                number = len(batch[0].events)
                while self._waiting and (number := number + len(self._waiting[0].events)) <= MAX_EVENTS:
                    batch.append(self._waiting.popleft())
                await self._write(batch)
        finally:
            self._work = None

    async def _write(self, batch: Sequence[_Request]) -> None:
        try:
            ids = await self._stream.add_all([event for request in batch for event in request.events])
        except Exception as error:  # noqa: BLE001 - each of those who wait hears of it
            for request in batch:
                if not request.ids.done():
                    request.ids.set_exception(error)
            return
        start = 0
        for request in batch:
            end = start + len(request.events)
            if not request.ids.done():
                request.ids.set_result(ids[start:end])
            start = end
