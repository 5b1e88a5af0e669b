"""The web port: ``/metrics``, ``/livez``, ``/readyz``, ``/statusz``. Read-only, and nothing about people."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from actors.metrics import Metrics
    from daemon.health import Health


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
        # Not by what readiness says: without Redis the status lacks no more than the lag.
        try:
            document = await health.statusz()
        except Exception as error:  # noqa: BLE001 - the database is away in more ways than its driver names
            return web.json_response({"error": f"{type(error).__name__}: {error}"}, status=503)
        if document is None:
            return web.json_response({"error": "; ".join(health.troubles())}, status=503)
        return web.json_response(document)

    app = web.Application(client_max_size=1024)
    app.add_routes(
        [
            web.get("/metrics", show_metrics),
            web.get("/livez", livez),
            web.get("/readyz", readyz),
            web.get("/statusz", statusz),
        ]
    )
    return app


@asynccontextmanager
async def web_server(app: web.Application, host: str, port: int) -> AsyncIterator[int]:
    """
    Serve within this context; gives the port, which the system chooses for 0.

    Raises:
        OSError: The port is taken, or the host is not ours.
    """
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()
