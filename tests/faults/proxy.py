"""A network that fails on demand: a TCP proxy between a daemon and one of its servers, or the campus."""

import asyncio
import socket
import struct
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractContextManager, asynccontextmanager, suppress
from typing import Any, Literal, Self
from urllib.parse import urlsplit

from tests.fakes.thread import in_thread
from tests.servers import HOST, Port

#: Seconds that a call of a proxy may take.
PATIENCE = 30.0


_Side = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class _Link:
    """One client's connection, and the one to the server that belongs to it."""

    def __init__(self, client: _Side) -> None:
        self.client = client
        self.server: _Side | None = None
        #: Whether the server is gone and the client's connection was kept.
        self.lost_server = False
        #: How many of the words to listen for this client has said.
        self.heard = 0

    def reset(self) -> None:
        """Both ends get an RST."""
        for side in (self.client, self.server):
            connection = side and side[1].get_extra_info("socket")
            if connection is not None:
                with suppress(OSError):
                    # A close without lingering is an RST.
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            if side is not None:
                side[1].transport.abort()


class Proxy:
    """
    A way to a server; it passes everything on until one of its methods breaks it.

    Runs in a thread of its own (:meth:`to`); what is called from another thread has taken effect when it returns.
    """

    def __init__(self, host: str, port: int) -> None:
        self._server = host, port
        self._port = Port()
        self.host, self.port = HOST, self._port.number
        self._loop = asyncio.get_running_loop()
        self._listener: socket.socket | None = None
        self._links: set[_Link] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._swallows = False
        self._keeps = False
        self._pause = 0.0
        self._words: tuple[bytes, ...] = ()
        #: How many connections it took.
        self.connections = 0
        #: Set once an answer was lost as :meth:`lose_the_answer_to` has it.
        self.lost = threading.Event()

    @classmethod
    def to(cls, host: str, port: int) -> AbstractContextManager[Self]:
        """A running proxy."""
        return in_thread(cls._running(host, port))

    @classmethod
    @asynccontextmanager
    async def _running(cls, host: str, port: int) -> AsyncIterator[Self]:
        proxy = cls(host, port)
        await proxy._recover()
        try:
            yield proxy
        finally:
            await proxy._cut()
            # Connections that were just accepted begin, find no listener and end; aborted transports are closed.
            await asyncio.sleep(0.01)
            proxy._port.close()

    def before(self, url: str) -> str:
        """The URL with the proxy's address."""
        parts = urlsplit(url)
        return parts._replace(netloc=f"{parts.username or ''}@{self.host}:{self.port}".lstrip("@")).geturl()

    def cut(self) -> None:
        """Reset every connection and refuse new ones."""
        self._do(self._cut)

    def reset(self) -> None:
        """Reset every connection once; new ones are taken."""
        self._do(self._reset)

    def swallow(self) -> None:
        """Take connections and whatever is said on them, and pass nothing on."""
        self._swallows = True

    def keep_open(self) -> None:
        """Keep a client's connection when its server goes, as some proxies do; what it says is lost then."""
        self._keeps = True

    def lead_to(self, host: str, port: int) -> None:
        """New connections go to another server; those that are open stay where they are."""
        self._server = host, port

    def delay(self, seconds: float) -> None:
        """Pass each piece of an answer on so much later."""
        self._pause = seconds

    def lose_the_answer_to(self, *words: bytes) -> None:
        """
        Once a client has said these words one after the other, lose the answer to the last of them, and its connection.

        The server gets all of it and answers; :attr:`lost` is set when it has. Happens once.
        """
        self.lost.clear()
        self._words = words

    def recover(self) -> None:
        """Work as if nothing had been. Connections on which something was swallowed are reset: their ends disagree."""
        self._do(self._recover)

    def _do(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        asyncio.run_coroutine_threadsafe(work(), self._loop).result(PATIENCE)

    async def _recover(self) -> None:
        if self._swallows:
            await self._reset()
        self._swallows, self._keeps, self._words, self._pause = False, False, (), 0.0
        if self._listener is None:
            # Not asyncio's server: closed, it loses connections that it has just accepted (python/cpython#109564).
            self._listener = socket.create_server((self.host, self.port), backlog=100)
            self._listener.setblocking(False)
            self._loop.add_reader(self._listener, self._take, self._listener)

    async def _cut(self) -> None:
        if self._listener is not None:
            self._loop.remove_reader(self._listener)
            self._listener.close()
            self._listener = None
        await self._reset()

    async def _reset(self) -> None:
        for link in list(self._links):
            link.reset()

    def _take(self, listener: socket.socket) -> None:
        try:
            client, _ = listener.accept()
        except OSError:
            return  # it went before it was accepted
        client.setblocking(False)
        self.connections += 1
        task = self._loop.create_task(self._accept(client))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _accept(self, client: socket.socket) -> None:
        with suppress(OSError):  # either end may go at any time
            link = _Link(await asyncio.open_connection(sock=client))
            self._links.add(link)
            try:
                if self._listener is not None:
                    await self._pass_on(link)
            finally:
                link.reset()
                self._links.discard(link)

    async def _pass_on(self, link: _Link) -> None:
        if self._swallows:
            while await link.client[0].read(65536):
                pass
            return
        link.server = await asyncio.open_connection(*self._server)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._pump(link, "up"))
            group.create_task(self._pump(link, "down"))

    async def _pump(self, link: _Link, direction: Literal["up", "down"]) -> None:
        assert link.server is not None
        source, sink = (link.client, link.server) if direction == "up" else (link.server, link.client)
        with suppress(OSError):
            while said := await source[0].read(65536):
                if direction == "down" and self._words and link.heard == len(self._words):
                    self._words = ()
                    link.reset()
                    self.lost.set()
                    return
                if direction == "up":
                    self._listen(link, said)
                else:
                    await asyncio.sleep(self._pause)
                if self._swallows or link.lost_server:
                    continue
                sink[1].write(said)
                await sink[1].drain()
        link.lost_server = self._keeps and direction == "down"
        if not self._swallows and not link.lost_server:
            # The other end hears that this one has gone.
            sink[1].close()

    def _listen(self, link: _Link, said: bytes) -> None:
        for word in self._words[link.heard :]:
            _, found, said = said.partition(word)
            if not found:
                return
            link.heard += 1
