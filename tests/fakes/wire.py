"""A wire to a server that can go dead as a firewall makes it: everything is accepted and nothing is answered."""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

if TYPE_CHECKING:
    from collections.abc import Iterator


class Wire:
    """
    A port before the port of a server on this machine. Its methods may be called from any thread.

    Args:
        server: The URL of what is behind it.
    """

    def __init__(self, server: str) -> None:
        self._server = urlsplit(server)
        self._loop = asyncio.new_event_loop()
        self._dead = threading.Event()
        self._stopped = asyncio.Event()
        self._port = 0

    @property
    def url(self) -> str:
        """The server's URL, by way of this wire."""
        account, at, _ = self._server.netloc.rpartition("@")
        return urlunsplit(self._server._replace(netloc=f"{account}{at}127.0.0.1:{self._port}"))

    def cut(self) -> None:
        """From now on nothing comes through. A connection that is used meanwhile stays dead for ever."""
        self._dead.set()

    def mend(self) -> None:
        """New connections work again, and old ones that nobody has used since the cut."""
        self._dead.clear()

    @classmethod
    @contextmanager
    def to(cls, server: str) -> Iterator[Wire]:
        """Open while the context is."""
        wire = cls(server)
        ready = threading.Event()
        thread = threading.Thread(target=wire._run, args=(ready,), daemon=True)
        thread.start()
        ready.wait()
        try:
            yield wire
        finally:
            wire._loop.call_soon_threadsafe(wire._stopped.set)
            thread.join()

    def _run(self, ready: threading.Event) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve(ready))

    async def _serve(self, ready: threading.Event) -> None:
        tasks: set[asyncio.Task[None]] = set()

        def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            tasks.add(task := asyncio.ensure_future(self._connect(reader, writer)))
            task.add_done_callback(tasks.discard)

        server = await asyncio.start_server(connected, "127.0.0.1", 0)
        self._port = server.sockets[0].getsockname()[1]
        ready.set()
        await self._stopped.wait()
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if self._dead.is_set():
                await reader.read()  # until the other end gives up
                return
            with suppress(OSError):
                back, forth = await asyncio.open_connection(self._server.hostname, self._server.port)
                try:
                    ways = [asyncio.ensure_future(self._pass(*way)) for way in ((reader, forth), (back, writer))]
                    try:
                        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
                    finally:
                        for way in ways:
                            way.cancel()
                        await asyncio.gather(*ways, return_exceptions=True)
                finally:
                    forth.close()
        finally:
            writer.close()

    async def _pass(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        lost = False
        with suppress(OSError):
            while data := await source.read(65_536):
                lost = lost or self._dead.is_set()
                if not lost:
                    target.write(data)
                    await target.drain()
