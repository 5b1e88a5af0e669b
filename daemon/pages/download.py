"""
Files that are sent while they are made, and what bounds them.

One that breaks off has no last chunk (RFC 9112, section 7.1), so that no one takes a part of it for the whole.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import HttpVersion11, web

from daemon.pages.access import RefusedError

#: Seconds that a download may last, and for which its reader may take nothing of a chunk.
DOWNLOAD_SECONDS, STALL_SECONDS = 600.0, 60.0


@dataclass(frozen=True, slots=True)
class Download:
    """A file of some *content_type*. *name*: what browsers call it. *chunks*: are made when they are asked for."""

    name: str
    content_type: str
    chunks: AsyncGenerator[bytes, None]


def check_breaks_off(request: web.Request) -> None:
    """Raises :class:`RefusedError` where a file that breaks off would look whole."""
    if request.version < HttpVersion11:
        raise RefusedError(
            505,
            "A file is sent by HTTP/1.1 alone, so that one that breaks off does not look whole. The web server before "
            "the daemon has to ask by it: proxy_http_version 1.1.",
        )


class _ReaderGoneError(Exception):
    """The reader went away or took too long, or the daemon stops: no fault, and there is no one to say it to."""


@dataclass(slots=True)
class Downloads:
    """Those under way. *lasts*, *stalls*: :data:`DOWNLOAD_SECONDS` and :data:`STALL_SECONDS`."""

    lasts: float = DOWNLOAD_SECONDS
    stalls: float = STALL_SECONDS
    _open: set[asyncio.Transport] = field(default_factory=set)
    _ended: bool = False

    def end(self) -> None:
        """Begin no more, and break off those under way."""
        self._ended = True
        for transport in self._open:
            # Without waiting for a reader that does not read.
            transport.abort()

    async def send(
        self, request: web.Request, download: Download, note: Callable[[Exception], None]
    ) -> web.StreamResponse:
        """
        Send a file, no quicker than its reader reads.

        Args:
            note: Is handed what went wrong under way.

        Raises:
            Exception: Its first chunk could not be made; nothing was sent.
        """
        headers = {"Content-Disposition": f'attachment; filename="{download.name}"', "Cache-Control": "no-store"}
        headers["Content-Type"] = download.content_type
        if request.method == "HEAD":
            return web.Response(headers=headers)
        if self._ended:
            raise RefusedError(503, "The daemon is stopping: try again in a moment.")
        async with aclosing(download.chunks) as chunks:
            first = await anext(chunks)
            transport = request.transport
            if transport is None:
                return web.Response(status=503)  # which no one reads: the reader has gone
            response = web.StreamResponse(headers=headers)
            response.enable_chunked_encoding()
            self._open.add(transport)
            # So that the last chunk has left when it is written: until then the connection is not taken for idle.
            transport.set_write_buffer_limits(high=0)
            is_whole = False
            try:
                await self._write(request, response, first, chunks)
                is_whole = True
            except Exception as error:  # noqa: BLE001 - the head is sent, so that no page can say it any more
                if not isinstance(error, _ReaderGoneError):
                    note(error)
            finally:
                self._open.discard(transport)
                if not is_whole:
                    transport.abort()
        return response

    async def _write(
        self, request: web.Request, response: web.StreamResponse, first: bytes, chunks: AsyncGenerator[bytes, None]
    ) -> None:
        end = asyncio.get_running_loop().time() + self.lasts
        async with self._reader(end):
            await response.prepare(request)
            await response.write(first)
        async for chunk in chunks:
            # Around what is written alone, so that no read of the database is cut off.
            async with self._reader(end):
                await response.write(chunk)
        async with self._reader(end):
            await response.write_eof()

    @asynccontextmanager
    async def _reader(self, end: float) -> AsyncIterator[None]:
        """Wait for the reader no longer than it may take. *end*: of the whole, by the loop's clock."""
        now = asyncio.get_running_loop().time()
        if now > end:
            raise _ReaderGoneError
        try:
            async with asyncio.timeout_at(min(end, now + self.stalls)):
                yield
        except (ConnectionError, TimeoutError) as error:
            raise _ReaderGoneError from error
