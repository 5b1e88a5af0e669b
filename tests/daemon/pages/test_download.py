"""Files that are sent while they are made, over a real socket: how they end, and what a slow reader can hold."""

import asyncio
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web

from daemon.infra.http_server import http_server
from daemon.pages.access import RefusedError
from daemon.pages.download import Download, Downloads, check_breaks_off

CHUNK = b"0123456789abcdef" * 4096
#: What ends a file that is whole.
LAST_CHUNK = b"0\r\n\r\n"
#: Bytes that the sockets of this machine hold, and more.
SOCKETS = 64 * 1024 * 1024
#: Seconds after which a test fails.
PATIENCE = 60


class Made:
    """Makes chunks, a number of them or without end; counts them."""

    def __init__(self, most=None, error=None):
        self.most, self.error, self.number, self.closed = most, error, 0, False

    async def chunks(self):
        try:
            while self.most is None or self.number < self.most:
                self.number += 1
                yield CHUNK
                await asyncio.sleep(0)
            if self.error is not None:
                raise self.error
        finally:
            self.closed = True

    async def settled(self):
        """Wait until no more chunks are made."""
        async with asyncio.timeout(PATIENCE):
            before = -1
            while before != self.number or self.number == 0:
                before = self.number
                await asyncio.sleep(0.5)

    async def ended(self):
        async with asyncio.timeout(PATIENCE):
            while not self.closed:
                await asyncio.sleep(0.01)


@asynccontextmanager
async def serving(made, downloads, noted=None):
    """The port of a server that sends what is made."""

    async def handle(request):
        download = Download("file.csv", "text/csv", made.chunks())
        return await downloads.send(request, download, (noted if noted is not None else []).append)

    app = web.Application()
    app.router.add_get("/", handle)
    async with http_server(app, "127.0.0.1", 0, lifetime=600, most=10) as port:
        yield port


@asynccontextmanager
async def asking(port):
    """A reader, who has asked and reads when it wants to."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    try:
        yield reader
    finally:
        writer.transport.abort()


async def all_of(reader):
    """What comes until the connection ends, in whichever way."""
    found = bytearray()
    async with asyncio.timeout(PATIENCE):
        try:
            while piece := await reader.read(1 << 20):
                found += piece
        except ConnectionResetError:
            return bytes(found)
    return bytes(found)


async def test_a_file_that_is_whole_has_its_last_chunk():
    made = Made(3)
    async with serving(made, Downloads()) as port:
        async with asking(port) as reader:
            found = await all_of(reader)
        assert found.endswith(LAST_CHUNK)
        made.number = 0
        async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/") as answer:
            assert len(await answer.read()) == 3 * len(CHUNK)
    assert made.closed


@pytest.mark.parametrize("error", [OSError("away"), ConnectionRefusedError("away"), TimeoutError(), ValueError("x")])
async def test_a_file_that_breaks_off_does_not_look_whole_and_is_noted(error):
    made, noted = Made(3, error), []
    async with serving(made, Downloads(), noted) as port, asking(port) as reader:
        found = await all_of(reader)
    assert found.startswith(b"HTTP/1.1 200 OK")
    assert not found.endswith(LAST_CHUNK)
    assert noted == [error]


async def test_a_client_takes_a_file_that_breaks_off_for_an_error():
    made = Made(3, OSError("away"))
    async with serving(made, Downloads()) as port, aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientError):
            async with session.get(f"http://127.0.0.1:{port}/") as answer:
                await answer.read()


async def test_a_file_whose_first_chunk_fails_is_not_begun():
    made, noted = Made(0, OSError("away")), []
    async with serving(made, Downloads(), noted) as port, asking(port) as reader:
        assert (await all_of(reader)).startswith(b"HTTP/1.1 500")
    assert noted == []


async def test_a_reader_that_stops_reading_gets_no_more_made_and_goes_on_where_it_was():
    made = Made()
    async with serving(made, Downloads()) as port, asking(port) as reader:
        await made.settled()
        held = made.number
        assert held * len(CHUNK) < SOCKETS, "what is made is bounded"
        async with asyncio.timeout(PATIENCE):
            while made.number < held + 20:
                await reader.read(1 << 20)
    await made.ended()


async def test_a_reader_that_takes_nothing_for_too_long_is_given_up():
    made, noted = Made(), []
    async with serving(made, Downloads(stalls=0.3), noted) as port, asking(port) as reader:
        await made.ended()
        found = await all_of(reader)
    assert not found.endswith(LAST_CHUNK)
    assert noted == [], "a slow reader is no fault"


async def test_no_file_lasts_for_ever_however_busily_it_is_read():
    made = Made()
    async with serving(made, Downloads(lasts=0.5)) as port, asking(port) as reader:
        found = await all_of(reader)
    assert made.closed
    assert not found.endswith(LAST_CHUNK)


async def test_a_reader_that_goes_away_ends_what_is_made():
    made, noted = Made(), []
    async with serving(made, Downloads(), noted) as port:
        async with asking(port) as reader:
            await reader.read(1000)
        await made.ended()
    assert noted == []


async def test_the_end_of_the_daemon_ends_a_file_whose_reader_does_not_read():
    made, downloads = Made(), Downloads()
    async with serving(made, downloads) as port, asking(port) as reader:
        await made.settled()
        downloads.end()
        await made.ended()
        assert not (await all_of(reader)).endswith(LAST_CHUNK)
        async with asking(port) as late:
            assert (await all_of(late)).startswith(b"HTTP/1.1 500"), "none is begun after it"


async def test_where_a_break_would_not_be_seen_no_file_is_sent():
    answers = []

    async def handle(request):
        try:
            check_breaks_off(request)
        except RefusedError as refused:
            return web.Response(status=refused.status)
        return web.Response()

    app = web.Application()
    app.router.add_get("/", handle)
    async with http_server(app, "127.0.0.1", 0, lifetime=600, most=10) as port:
        for version in (aiohttp.HttpVersion10, aiohttp.HttpVersion11):
            async with aiohttp.ClientSession(version=version) as session:
                answers.append((await session.get(f"http://127.0.0.1:{port}/")).status)
    assert answers == [505, 200]
