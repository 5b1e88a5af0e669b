"""
The web port: ``/metrics``, ``/jwks``, ``/livez``, ``/readyz``, ``/statusz``, read-only and without people.

:mod:`daemon.pages` adds those for people.
"""

import re
from collections.abc import Collection
from contextlib import AbstractAsyncContextManager
from ipaddress import IPv4Address, IPv6Address

from aiohttp import web
from aiohttp.typedefs import Handler
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from actors.metrics import Metrics
from daemon.infra.http_server import http_server
from daemon.web.health import Health
from daemon.web.key_set import PublishedKeySet

#: Seconds that a connection may last.
LIFETIME = 30.0
#: Connections at once, each an open file; a new one ends the oldest.
MAX_OPEN = 64
#: Bytes of a line or a header of a request: a browser sends the cookies of the whole domain, and a search is a line.
MAX_HEAD = 16 * 1024
#: Bytes of a request's body.
MAX_REQUEST_BYTES = 64 * 1024
#: The path of the public key set, the only page that is for everybody.
KEY_SET_PATH = "/jwks"
#: What a page does not say of its own; those of this module are not for browsers.
HEADERS = {
    "Cache-Control": "no-store",
    "Connection": "close",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Server": "passbackd",
    "X-Content-Type-Options": "nosniff",
}

_OF_PAGE = {"Cache-Control", "Content-Security-Policy", "Referrer-Policy"}


async def _harden(_request: web.Request, response: web.StreamResponse) -> None:
    # What a page says of its own comes first.
    response.headers.update(
        {**HEADERS, **{name: response.headers[name] for name in _OF_PAGE & response.headers.keys()}}
    )
    # One request a connection, so that LIFETIME limits each request.
    response.force_close()


def is_ours(host: str | None, names: Collection[str]) -> bool:
    """
    Whether a ``Host`` header (RFC 9110, section 7.2) names this port. Pure.

    Someone else's name may lead here too, and then a browser gives our pages to that name's site (DNS rebinding). It
    does not for an address, and every browser sends the header.
    """
    if host is None:
        return True
    name = re.sub(r":[0-9]*$", "", host).lower().rstrip(".")
    if name == "localhost" or name in names:
        return True
    try:
        if name.startswith("[") and name.endswith("]"):
            IPv6Address(name[1:-1])
        else:
            IPv4Address(name)
    except ValueError:
        return False
    return True


def application(
    health: Health, metrics: Metrics, key_set: PublishedKeySet, names: Collection[str] = ()
) -> web.Application:
    """The pages, for those who ask for them by an address or one of *names*, in lower case; the key set by any name."""

    @web.middleware
    async def refuse_other_names(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path != KEY_SET_PATH and not is_ours(request.headers.get("Host"), names):
            return web.Response(text="this is not the host that you asked for: see web.names\n", status=421)
        return await handler(request)

    async def show_metrics(_request: web.Request) -> web.Response:
        return web.Response(body=generate_latest(metrics.registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def livez(_request: web.Request) -> web.Response:
        stuck = health.stuck()
        text = f"a loop is stuck: {', '.join(stuck)}\n" if stuck else "ok\n"
        return web.Response(text=text, status=503 if stuck else 200)

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

    app = web.Application(client_max_size=MAX_REQUEST_BYTES, middlewares=[refuse_other_names])
    app.on_response_prepare.append(_harden)
    pages = {
        "/metrics": show_metrics,
        KEY_SET_PATH: key_set.page,
        "/livez": livez,
        "/readyz": readyz,
        "/statusz": statusz,
    }
    for path, page in pages.items():
        app.router.add_get(path, page)
    return app


def web_server(
    app: web.Application, host: str, port: int, *, busy: Collection[object] = ()
) -> AbstractAsyncContextManager[int]:
    """As :func:`daemon.infra.http_server.http_server`, within the bounds of this port. *busy*: its connections."""
    return http_server(app, host, port, lifetime=LIFETIME, most=MAX_OPEN, is_busy=busy.__contains__, head=MAX_HEAD)
