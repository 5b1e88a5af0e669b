"""A port that answers HTTP, with bounds on what a stranger can hold: connections, their time, a request's head."""

import asyncio
import logging
from asyncio import Protocol
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, cast

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web_protocol import RequestHandler

#: Bytes of a line or a header of a request.
MAX_HEAD_BYTES = 4096

#: Seconds between two looks for connections that have lasted too long.
SWEEP = 1.0
#: The part of its life after which a connection closes with its next answer, so that none ends under a request. Not
#: with an application's: its clients come seldom.
CLOSING = 0.8

#: Answers every request of a port.
Respond = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

#: What is wrong with a request that is no HTTP, whose body cannot be unpacked, or whose sender has gone.
_NO_REQUEST = (HttpProcessingError, web.RequestPayloadError, ConnectionResetError)


@asynccontextmanager
async def http_server(
    pages: web.Application | Respond,
    host: str,
    port: int,
    *,
    lifetime: float,
    most: int,
    is_busy: Callable[[RequestHandler], bool] = lambda _: False,
    head: int = MAX_HEAD_BYTES,
) -> AsyncIterator[int]:
    """
    Serve within this context; yields the port, which the system chooses for 0.

    Args:
        pages: Without the routes of an application a request takes half the time.
        lifetime: Seconds that a connection may last; one that is busy then ends after its request.
        head: Bytes of a line or a header of a request.
        most: Connections at once, each an open file; a new one ends the oldest that is not busy, or is refused.

    Raises:
        OSError: The port is taken, or the host is not ours.
    """
    connections = _Connections(lifetime, most, is_busy)
    runner = _runner(pages, connections, head)
    await runner.setup()
    try:
        make = partial(connections.make, cast("web.Server", runner.server))
        server = await asyncio.get_running_loop().create_server(make, host, port)
        sweep = asyncio.create_task(connections.end_the_old())
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            sweep.cancel()
            server.close()
    finally:
        await runner.cleanup()


@dataclass(slots=True)
class _Connections:
    """Those of a port; the arguments are those of :func:`http_server`."""

    lifetime: float
    most: int
    is_busy: Callable[[RequestHandler], bool]
    #: When each began, in seconds of the loop's clock.
    _born: dict[RequestHandler, float] = field(default_factory=dict)

    def make(self, server: web.Server) -> Protocol:
        open_ones = [one for one in server.connections if one.transport is not None]
        if len(open_ones) >= self.most:
            idle = next((one for one in open_ones if not self.is_busy(one)), None)
            if idle is None:
                return _Refused()
            _end(idle)
        handler = server()
        self._born[handler] = _now()
        return handler

    async def answer(self, page: Respond, request: web.BaseRequest) -> web.StreamResponse:
        response = await page(request)
        born = self._born.get(request.protocol)
        # Of a client that has gone meanwhile nothing is known any more.
        if born is None or is_near_its_end(_now() - born, self.lifetime):
            response.force_close()
        return response

    async def end_the_old(self) -> None:
        while True:
            await asyncio.sleep(SWEEP)
            for handler, began in list(self._born.items()):
                age = _now() - began
                # One that was made just now has its transport in a moment.
                if handler.transport is None and age > SWEEP:
                    del self._born[handler]
                elif age > self.lifetime and not self.is_busy(handler):
                    _end(handler)


def is_near_its_end(age: float, lifetime: float) -> bool:
    """Whether a connection is to close with its next answer, so that none ends under a request. In seconds. Pure."""
    return age > CLOSING * lifetime


def _now() -> float:
    return asyncio.get_running_loop().time()


def _runner(pages: web.Application | Respond, connections: _Connections, head: int) -> web.BaseRunner:
    logger = logging.getLogger(__name__)
    logger.addFilter(_is_no_request)
    bounds: dict[str, Any] = {
        "logger": logger,
        "access_log": None,
        "max_line_size": head,
        "max_field_size": head,
    }
    if isinstance(pages, web.Application):
        return web.AppRunner(pages, shutdown_timeout=1.0, **bounds)
    return web.ServerRunner(web.Server(partial(connections.answer, pages), **bounds), shutdown_timeout=1.0)


class _Refused(asyncio.Protocol):
    """Closes at once."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast("asyncio.Transport", transport).abort()


def _is_no_request(record: logging.LogRecord) -> bool:
    """Whether a line is about more than a request that is none, of which a stranger can send any number."""
    return not (record.exc_info and isinstance(record.exc_info[1], _NO_REQUEST))


def _end(handler: RequestHandler) -> None:
    transport = handler.transport
    handler.force_close()
    if transport is not None:
        # Without waiting for a client that does not read.
        transport.abort()
