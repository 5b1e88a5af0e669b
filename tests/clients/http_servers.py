"""HTTP servers of tests, each on a loop and a thread of its own."""

import asyncio
import ssl
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@contextmanager
def served(handler: Handler, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """The URL at which *handler* gets every request, however large; with *tls* it is one of https."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def done(what):
        return asyncio.run_coroutine_threadsafe(what, loop).result(30)

    async def handle(request: web.Request) -> web.StreamResponse:
        return await handler(request)

    async def start() -> tuple[web.AppRunner, int]:
        app = web.Application(client_max_size=2**30)
        app.router.add_route("*", "/{path:.*}", handle)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
        return runner, runner.addresses[0][1]

    runner, port = done(start())
    try:
        yield f"{'http' if tls is None else 'https'}://127.0.0.1:{port}"
    finally:
        done(runner.cleanup())
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


class Script:
    """Answers one request after the other as it was given, the last one again and again; remembers what came."""

    def __init__(self, *answers: tuple[int, str] | tuple[int, str, dict[str, str]]) -> None:
        self._answers = list(answers)
        self.requests: list[tuple[web.Request, bytes]] = []
        self.connections: set[object] = set()

    async def __call__(self, request: web.Request) -> web.Response:
        self.requests.append((request, await request.read()))
        self.connections.add(request.transport)
        status, text, *headers = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        return web.Response(status=status, text=text, headers=headers[0] if headers else None)
