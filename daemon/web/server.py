"""The web port: ``/metrics``, ``/livez``, ``/readyz``, ``/statusz``. Read-only, and nothing about people."""

import asyncio
from asyncio import Protocol
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from actors.metrics import Metrics
from daemon.web.health import Health

#: Seconds that a connection may last.
LIFETIME = 30.0
#: Bytes of a line or a header of a request, and of its body.
MAX_REQUEST_BYTES = 4096
#: These pages are not for browsers.
HEADERS = {
    "Cache-Control": "no-store",
    "Connection": "close",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Server": "passbackd",
    "X-Content-Type-Options": "nosniff",
}


async def _harden(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(HEADERS)
    # One request a connection, so that LIFETIME limits each request.
    response.force_close()


def application(health: Health, metrics: Metrics) -> web.Application:
    """The four pages."""

    async def show_metrics(_request: web.Request) -> web.Response:
        return web.Response(body=generate_latest(metrics.registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def livez(_request: web.Request) -> web.Response:
        alive = health.is_alive()
        return web.Response(text="ok\n" if alive else "a loop is stuck\n", status=200 if alive else 503)

    async def readyz(_request: web.Request) -> web.Response:
        troubles = health.troubles()
        return web.Response(text="".join(f"{line}\n" for line in troubles or ["ok"]), status=503 if troubles else 200)

    async def statusz(_request: web.Request) -> web.Response:
        # Also while the daemon is not ready: without Redis only the lag is missing.
        try:
            document = await health.statusz()
        except Exception as error:  # noqa: BLE001 - the database is away in more ways than its driver names
            return web.json_response({"error": f"{type(error).__name__}: {error}"}, status=503)
        if document is None:
            return web.json_response({"error": "; ".join(health.troubles())}, status=503)
        return web.json_response(document)

    app = web.Application(client_max_size=MAX_REQUEST_BYTES)
    app.on_response_prepare.append(_harden)
    for path, page in (("/metrics", show_metrics), ("/livez", livez), ("/readyz", readyz), ("/statusz", statusz)):
        app.router.add_get(path, page)
    return app


@asynccontextmanager
async def web_server(app: web.Application, host: str, port: int) -> AsyncIterator[int]:
    """
    Serve within this context; yields the port, which the system chooses for 0.

    Raises:
        OSError: The port is taken, or the host is not ours.
    """
    runner = web.AppRunner(
        app, access_log=None, shutdown_timeout=1.0, max_line_size=MAX_REQUEST_BYTES, max_field_size=MAX_REQUEST_BYTES
    )
    await runner.setup()
    loop, serve = asyncio.get_running_loop(), cast("web.Server", runner.server)

    def connection() -> Protocol:
        handler = serve()
        loop.call_later(LIFETIME, handler.force_close)
        return handler

    try:
        server = await loop.create_server(connection, host, port)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()
    finally:
        await runner.cleanup()
