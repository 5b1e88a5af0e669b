"""A port that answers HTTP, with bounds on what a stranger can hold: connections, their time, a request's head."""

import asyncio
import logging
from asyncio import Protocol
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import cast

from aiohttp import ClientConnectionResetError, web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web_protocol import RequestHandler

#: Bytes of a line or a header of a request.
MAX_HEAD_BYTES = 4096

#: Seconds between two looks for connections that have lasted too long.
SWEEP = 1.0

#: What is wrong with a request that is no HTTP, whose body cannot be unpacked, or whose sender has gone.
_NO_REQUEST = (HttpProcessingError, web.RequestPayloadError, ClientConnectionResetError)


@asynccontextmanager
async def http_server(
    app: web.Application,
    host: str,
    port: int,
    *,
    lifetime: float,
    most: int,
    is_busy: Callable[[RequestHandler], bool] = lambda _: False,
) -> AsyncIterator[int]:
    """
    Serve within this context; yields the port, which the system chooses for 0.

    Args:
        lifetime: Seconds that a connection may last; one that is busy then ends after its request.
        most: Connections at once, each an open file; a new one ends the oldest that is not busy, or is refused.

    Raises:
        OSError: The port is taken, or the host is not ours.
    """
    logger = logging.getLogger(__name__)
    logger.addFilter(_is_no_request)
    runner = web.AppRunner(
        app,
        logger=logger,
        access_log=None,
        shutdown_timeout=1.0,
        max_line_size=MAX_HEAD_BYTES,
        max_field_size=MAX_HEAD_BYTES,
    )
    await runner.setup()
    loop, serve = asyncio.get_running_loop(), cast("web.Server", runner.server)
    born: dict[RequestHandler, float] = {}

    def connection() -> Protocol:
        open_ones = [one for one in serve.connections if one.transport is not None]
        if len(open_ones) >= most:
            idle = next((one for one in open_ones if not is_busy(one)), None)
            if idle is None:
                return _Refused()
            _end(idle)
        handler = serve()
        born[handler] = loop.time()
        return handler

    async def end_the_old() -> None:
        while True:
            await asyncio.sleep(SWEEP)
            known = set(serve.connections)
            for handler, began in list(born.items()):
                age = loop.time() - began
                # One that was made just now is known in a moment.
                if handler not in known and age > SWEEP:
                    del born[handler]
                elif age > lifetime and not is_busy(handler):
                    _end(handler)

    try:
        server = await loop.create_server(connection, host, port)
        sweep = asyncio.create_task(end_the_old())
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            sweep.cancel()
            server.close()
    finally:
        await runner.cleanup()


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
