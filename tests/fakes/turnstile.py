"""A turnstile before a campus: counts the requests that are under way at once, by what goes over the wire."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager, suppress

from tests.fakes.lms import RecordingLms
from tests.fakes.network import raw_server
from tests.fakes.thread import in_thread
from tests.servers import HOST

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
#: Seconds between two looks at whether a request has ended.
TICK = 0.01


class _Link:
    """One connection of a sender. Requests follow each other on it, and do not overlap."""

    def __init__(self, port: int) -> None:
        #: The sender's.
        self.port = port
        #: When the request under way began (``time.monotonic``); None between two requests.
        self.began: float | None = None
        #: What came of the answer so far.
        self.answer = b""

    def has_ended(self, piece: bytes) -> bool:
        """Whether the answer is whole with this piece."""
        self.answer += piece
        head, blank, body = self.answer.partition(b"\r\n\r\n")
        length = _LENGTH.search(head + b"\r\n")
        assert length or not blank, "this campus says how long its answers are"
        return bool(length) and len(body) >= int(length[1])


class Turnstile:
    """
    Passes everything on to an LMS on this machine. Its attributes may be read from any thread.

    A request is under way from its first byte to the last byte of its answer, also when its sender was killed. A
    sender that hangs up after its time-out ends the request by that.

    Args:
        timeout_seconds: Of the senders.
    """

    def __init__(self, lms: RecordingLms, timeout_seconds: float) -> None:
        self._lms = lms
        self._timeout = timeout_seconds
        self._links: set[_Link] = set()
        self._port = 0
        #: The greatest number of requests at once, ever.
        self.most = 0
        #: How many requests came.
        self.requests = 0

    @classmethod
    def before(cls, lms: RecordingLms, timeout_seconds: float) -> AbstractContextManager[Turnstile]:
        """Open while the context is."""
        return in_thread(cls(lms, timeout_seconds)._open())

    @property
    def url(self) -> str:
        """The LMS's outcome service, by way of this turnstile."""
        return f"http://{HOST}:{self._port}/outcomes"

    @property
    def at_once(self) -> int:
        """The requests under way now."""
        return sum(link.began is not None for link in list(self._links))

    def ports(self) -> set[int]:
        """The senders' ports of the requests under way now."""
        return {link.port for link in list(self._links) if link.began is not None}

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[Turnstile]:
        async with raw_server(self._pass_on) as self._port:
            yield self

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link = _Link(writer.get_extra_info("peername")[1])
        from_lms, to_lms = await asyncio.open_connection(HOST, self._lms.port)
        self._links.add(link)
        answers = asyncio.ensure_future(self._pass_answers_on(link, from_lms, writer))
        try:
            with suppress(ConnectionError):
                while piece := await reader.read(65536):
                    if link.began is None:
                        self._begin(link)
                    to_lms.write(piece)
            while link.began is not None and time.monotonic() - link.began < self._timeout and not answers.done():
                await asyncio.sleep(TICK)
        finally:
            self._links.discard(link)
            answers.cancel()
            writer.transport.abort()
            to_lms.transport.abort()
            await asyncio.gather(answers, return_exceptions=True)

    def _begin(self, link: _Link) -> None:
        link.began, link.answer = time.monotonic(), b""
        self.requests += 1
        self.most = max(self.most, self.at_once)

    async def _pass_answers_on(self, link: _Link, from_lms: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while piece := await from_lms.read(65536):
                if link.has_ended(piece):
                    # Before the sender has it: it may begin the next request at once.
                    link.began, link.answer = None, b""
                writer.write(piece)
        link.began = None
        writer.close()
