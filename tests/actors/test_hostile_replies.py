"""What a hostile campus can cost: little memory, and never more time than the deadline."""

import asyncio
import gzip
import tracemalloc
from contextlib import suppress
from datetime import UTC, datetime

import pytest

from actors.client import MAX_INTERIM
from actors.errors import Ambiguous, DeliveryError
from actors.protocols.lti11.responses import classify
from tests.actors.posting import open_sender
from tests.fakes.network import raw_server
from tests.servers import HOST

MEGABYTE = 1024 * 1024
#: Bytes. Of the campus, which is in this process too, and of the sender.
MAX_PEAK = 10 * MEGABYTE
#: Seconds: the deadline of the sender, and what only a hang exceeds. Replies without an end last until the deadline.
DEADLINE, HANG = 0.4, 60.0
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\n"
CHUNK = b"x" * 65_536
BOMB = gzip.compress(b"\0" * 50 * MEGABYTE)


def whole(body: bytes, more: bytes = b"") -> bytes:
    return HEAD + more + f"Content-Length: {len(body)}\r\n\r\n".encode() + body


async def a_gigabyte(writer):
    writer.write(HEAD + b"Content-Length: 1073741824\r\n\r\n")
    for _ in range(1024**3 // len(CHUNK)):
        writer.write(CHUNK)
        await writer.drain()


async def without_an_end(writer):
    writer.write(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"10000\r\n" + CHUNK + b"\r\n")
        await writer.drain()


async def a_gzip_bomb(writer):
    writer.write(whole(BOMB, b"Content-Encoding: gzip\r\n"))


async def a_billion_laughs(writer):
    lines = [b'<!ENTITY l0 "ha">']
    lines += [b'<!ENTITY l%d "%s">' % (number, b"&l%d;" % (number - 1) * 10) for number in range(1, 10)]
    body = b"<!DOCTYPE x [" + b"".join(lines) + b"]><imsx_POXEnvelopeResponse><imsx_codeMajor>&l9;</imsx_codeMajor>"
    body += b"</imsx_POXEnvelopeResponse>"
    writer.write(whole(body))


async def a_deep_tree(writer):
    writer.write(whole(b"<imsx_POXEnvelopeResponse>" + b"<a>" * 20_000))


async def a_byte_now_and_then(writer):
    # Without the deadline it would take hours.
    writer.write(HEAD + b"Content-Length: 1000000\r\n\r\n")
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.01)


async def headers_without_an_end(writer):
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"X-More: " + b"y" * 1000 + b"\r\n")
        await writer.drain()


REPLIES = [a_gigabyte, without_an_end, a_gzip_bomb, a_billion_laughs, a_deep_tree, a_byte_now_and_then]


@pytest.mark.parametrize("reply", [*REPLIES, headers_without_an_end], ids=lambda reply: reply.__name__)
async def test_it_costs_little_and_is_no_success(reply):
    async def serve(reader, writer):
        await reader.readuntil(b"<a/>")
        with suppress(ConnectionError):
            await reply(writer)
            await writer.drain()
            await reader.read()

    async with raw_server(serve) as port, open_sender(DEADLINE) as post:
        tracemalloc.start()
        try:
            with pytest.raises(DeliveryError):
                async with asyncio.timeout(HANG):
                    classify(await post.send(f"http://{HOST}:{port}/o", b"<a/>", {}), now=datetime.now(UTC))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < MAX_PEAK, f"{peak / MEGABYTE:.1f} MB"


@pytest.mark.parametrize("number", [0, MAX_INTERIM, MAX_INTERIM + 1])
async def test_an_answer_comes_after_a_few_interim_ones_and_not_after_any_number(number):
    async def serve(reader, writer):
        for _ in range(2):
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                await reader.readuntil(b"<a/>")
                writer.write(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * number + whole(b"<b/>"))
                await writer.drain()

    async with raw_server(serve) as port, open_sender(HANG) as post:

        async def posted():
            return (await post.send(f"http://{HOST}:{port}/o", b"<a/>", {})).body

        if number > MAX_INTERIM:
            with pytest.raises(Ambiguous, match="not HTTP"):
                await posted()
        else:
            assert [await posted(), await posted()] == [b"<b/>", b"<b/>"], "counted for each answer alone"
