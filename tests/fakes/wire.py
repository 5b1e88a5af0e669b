"""A wire to a server that can go dead as a firewall makes it: everything is accepted and nothing is answered."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager, suppress
from urllib.parse import urlsplit, urlunsplit

from tests.fakes.network import raw_server
from tests.fakes.thread import in_thread


class Wire:
    """
    A port before the port of a server on this machine. Its methods may be called from any thread.

    Args:
        server: The URL of what is behind it.
    """

    def __init__(self, server: str) -> None:
        self._server = urlsplit(server)
        self._dead = threading.Event()
        self._port = 0

    @property
    def url(self) -> str:
        """The server's URL, by way of this wire."""
        account, at, _ = self._server.netloc.rpartition("@")
        return urlunsplit(self._server._replace(netloc=f"{account}{at}127.0.0.1:{self._port}"))

    def cut(self) -> None:
        """From now on nothing comes through. A connection that is used meanwhile stays dead for ever."""
        self._dead.set()

    def restore(self) -> None:
        """New connections work again, and old ones that were not used since the cut."""
        self._dead.clear()

    @classmethod
    def to(cls, server: str) -> AbstractContextManager[Wire]:
        """Open while the context is."""
        return in_thread(cls(server)._open())

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[Wire]:
        async with raw_server(self._connect) as self._port:
            yield self

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._dead.is_set():
            await reader.read()  # until the other end gives up
            return
        back, forth = await asyncio.open_connection(self._server.hostname, self._server.port)
        ways = [asyncio.ensure_future(self._pass(*way)) for way in ((reader, forth), (back, writer))]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            forth.close()

    async def _pass(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        lost = False
        with suppress(OSError):
            while data := await source.read(65_536):
                lost = lost or self._dead.is_set()
                if not lost:
                    target.write(data)
                    await target.drain()
