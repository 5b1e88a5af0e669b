"""Bytes as an attacker sends them, over a connection of their own."""

import asyncio
import re
from contextlib import asynccontextmanager
from dataclasses import dataclass

#: Seconds until what does not answer counts as silent.
PATIENCE = 20


@dataclass(frozen=True)
class Raw:
    """What came back until the connection closed."""

    data: bytes

    @property
    def statuses(self):
        """Of every answer, in order; empty where the connection closed without one."""
        return tuple(map(int, re.findall(rb"(?:^|\n|>)HTTP/[01]\.[019] (\d{3})", self.data)))

    @property
    def head(self):
        """The lines before the body."""
        return self.data.partition(b"\r\n\r\n")[0].decode(errors="replace")

    @property
    def text(self):
        return self.data.decode(errors="replace")


async def exchange(port, data):
    """Send *data*, and read until the other end closes the connection."""
    async with connection(port) as (reader, writer):
        writer.write(data)
        async with asyncio.timeout(PATIENCE):
            try:
                return Raw(await reader.read(-1))
            except ConnectionResetError:
                return Raw(b"")


@asynccontextmanager
async def connection(port):
    """A reader and a writer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.close()
