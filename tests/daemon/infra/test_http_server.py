"""A port that answers HTTP, and what of it a stranger can hold."""

import asyncio
from contextlib import suppress

import pytest
from aiohttp import web

from daemon.infra.http_server import http_server, is_near_its_end

REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


class Slow:
    """Pages that come once they are released; until then their connections are busy."""

    def __init__(self, routed):
        self.asked, self.released = asyncio.Event(), asyncio.Event()
        self.busy = set()
        self.pages = self.page
        if routed:
            self.pages = web.Application()
            self.pages.router.add_get("/", self.page)

    async def page(self, request):
        self.busy.add(request.protocol)
        self.asked.set()
        await self.released.wait()
        self.busy.discard(request.protocol)
        return web.Response(text="here")

    def serve(self, **bounds):
        return http_server(self.pages, "127.0.0.1", 0, is_busy=self.busy.__contains__, **bounds)


class AnyOfThem(set):
    """Connections that are busy: all."""

    def __contains__(self, one):
        return True


@pytest.fixture(params=[True, False], ids=["an application", "a handler"])
async def slow(request):
    return Slow(request.param)


@pytest.fixture
async def connect():
    writers = []

    async def connect(port, says=b""):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writers.append(writer)
        writer.write(says)
        return reader

    yield connect
    for writer in writers:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def ended(reader):
    with suppress(ConnectionError):
        return await reader.read() == b""
    return True


@pytest.mark.parametrize("says", [b"", b"GET / HTTP/1.1\r\n"], ids=["nothing", "half a request"])
async def test_a_client_that_says_no_request_is_not_waited_for_for_ever(slow, connect, says):
    async with slow.serve(lifetime=0.1, most=9) as port:
        assert await ended(await connect(port, says))


async def test_a_request_under_way_outlasts_the_time_of_its_connection_and_any_number_of_new_ones(slow, connect):
    async with slow.serve(lifetime=0.1, most=1) as port:
        reader = await connect(port, REQUEST)
        await slow.asked.wait()
        # Longer than it takes to end one that is idle.
        for _ in range(3):
            assert await ended(await connect(port)), "there is room for one"
            await asyncio.sleep(0.5)
        slow.released.set()
        assert b"here" in await reader.readuntil(b"here")
        assert await ended(reader), "and now its time is over"


@pytest.mark.parametrize(("lifetime", "says"), [(1e6, False), (0.0, True)], ids=["young", "old"])
async def test_a_connection_near_its_end_says_so_with_the_answer_of_a_handler(connect, lifetime, says):
    slow = Slow(routed=False)
    slow.released.set()
    slow.busy = AnyOfThem()
    async with slow.serve(lifetime=lifetime, most=9) as port:
        reader = await connect(port, REQUEST)
        assert (b"Connection: close" in await reader.readuntil(b"\r\n\r\n")) is says


@pytest.mark.parametrize(("age", "closes"), [(0, False), (239, False), (241, True), (299, True), (301, True)])
def test_a_connection_closes_with_an_answer_before_its_time_is_over(age, closes):
    assert is_near_its_end(age, 300) is closes


async def test_a_client_that_goes_while_its_request_is_worked_on_leaves_no_trace_in_the_log(connect, caplog):
    slow = Slow(routed=False)
    gone = asyncio.Event()

    async def page(request):
        try:
            return await slow.page(request)
        finally:
            gone.set()

    async with http_server(page, "127.0.0.1", 0, lifetime=0.1, most=9, is_busy=slow.busy.__contains__) as port:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(REQUEST)
        await slow.asked.wait()
        writer.close()
        await writer.wait_closed()
        # Longer than it takes to look for connections that are gone.
        await asyncio.sleep(2.5)
        slow.released.set()
        await gone.wait()
        assert await ended(await connect(port)), "the port still answers"
    assert caplog.records == []
