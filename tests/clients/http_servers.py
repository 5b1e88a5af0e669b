"""HTTP servers of tests, each on a loop and a thread of its own."""

import asyncio
import ssl
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager, contextmanager
from typing import TypeVar

from aiohttp import web

from tests.servers import HOST

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Opened = TypeVar("Opened")


@contextmanager
def on_a_thread(opening: Callable[[], AbstractAsyncContextManager[Opened]]) -> Iterator[Opened]:
    """What *opening* opens, for as long as the block lasts."""
    opened: Future[tuple[Opened, Callable[[], object]]] = Future()

    async def run() -> None:
        try:
            async with opening() as value:
                stop, loop = asyncio.Event(), asyncio.get_running_loop()
                opened.set_result((value, lambda: loop.call_soon_threadsafe(stop.set)))
                await stop.wait()
        except BaseException as error:
            if opened.done():
                raise
            opened.set_exception(error)

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    try:
        value, stop = opened.result()
        try:
            yield value
        finally:
            stop()
    finally:
        thread.join()


def served(handler: Handler, tls: ssl.SSLContext | None = None) -> AbstractContextManager[str]:
    """The URL at which *handler* gets every request, however large; with *tls* it is one of https."""

    @asynccontextmanager
    async def opening() -> AsyncIterator[str]:
        async def handle(request: web.Request) -> web.StreamResponse:
            return await handler(request)

        app = web.Application(client_max_size=2**30)
        app.router.add_route("*", "/{path:.*}", handle)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        try:
            await web.TCPSite(runner, HOST, 0, ssl_context=tls).start()
            yield f"{'http' if tls is None else 'https'}://{HOST}:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()

    return on_a_thread(opening)


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
