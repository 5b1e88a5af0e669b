"""What one client may hold of the HTTP intake: the age of its connection, and when it is asked for its body."""

import asyncio
import json
from urllib.parse import urlsplit

import pytest

from daemon.http_intake.application import CLOSING
from daemon.http_intake.body import MAX_BODY
from tests.actors.sending import Ticker
from tests.daemon.http_intake.conftest import ALL, MachineClock
from tests.daemon.ingest.reading import SCORE

EVENT = json.dumps(SCORE).encode()
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
#: Seconds in which an answer that is to come has come.
SOON = 20


def head(size, *more, token=ALL):
    lines = ["Host: intake", "Content-Type: application/json", f"Authorization: Bearer {token}", *more]
    return "\r\n".join(["POST /events HTTP/1.1", *lines, f"Content-Length: {size}", "", ""]).encode()


class Client:
    """One connection, byte by byte."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer

    async def send(self, *parts):
        self.writer.write(b"".join(parts))
        await self.writer.drain()

    async def answer(self):
        """The next answer: its status, its document, its header lines in lower case."""
        lines = (await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), SOON)).decode().lower().split("\r\n")
        sizes = [int(line.partition(":")[2]) for line in lines if line.startswith("content-length:")]
        body = await self.reader.readexactly(sizes[0]) if sizes else b"null"
        return int(lines[0].split()[1]), json.loads(body), lines

    async def is_closed(self):
        return await asyncio.wait_for(self.reader.read(), SOON) == b""

    async def close(self):
        self.writer.close()
        await self.writer.wait_closed()


@pytest.fixture
async def connect(serve):
    """Opens a connection to the intake, which is closed with the test."""
    clients = []
    async with serve() as session:
        url = urlsplit(str(session._base_url))

        async def connect():
            clients.append(Client(*await asyncio.open_connection(url.hostname, url.port)))
            return clients[-1]

        yield connect
        for client in clients:
            await client.close()


# --- The age of a connection ---


async def test_an_old_connection_closes_with_its_next_answer_and_not_before(intake, connect):
    intake.clock = MachineClock(Ticker())
    old, young = await connect(), await connect()
    for seconds in (0, CLOSING):
        intake.clock.monotonic.seconds += seconds
        await old.send(head(len(EVENT)), EVENT)
        status, _, lines = await old.answer()
        assert (status, "connection: close" in lines) == (202, False)
    intake.clock.monotonic.seconds += 1
    for client, closes in ((young, False), (old, True)):
        await client.send(head(len(EVENT)), EVENT)
        status, _, lines = await client.answer()
        assert (status, "connection: close" in lines) == (202, closes)
    assert await old.is_closed()
    await young.send(head(len(EVENT)), EVENT)
    assert (await young.answer())[0] == 202


# --- Clients that ask before they send ---


async def test_who_waits_to_be_asked_for_the_body_is_asked(connect, entries):
    client = await connect()
    for _ in range(2):
        await client.send(head(len(EVENT), "Expect: 100-continue"))
        assert await asyncio.wait_for(client.reader.readexactly(len(CONTINUE)), SOON) == CONTINUE
        await client.send(EVENT)
        assert (await client.answer())[0] == 202
    assert await entries() == [SCORE, SCORE]


async def test_who_sends_without_waiting_is_answered_too(connect, entries):
    client = await connect()
    await client.send(head(len(EVENT), "Expect: 100-continue"), EVENT)
    assert await asyncio.wait_for(client.reader.readexactly(len(CONTINUE)), SOON) == CONTINUE
    assert (await client.answer())[0] == 202
    assert await entries() == [SCORE]


async def test_who_is_refused_without_the_body_is_not_asked_for_it(intake, connect, entries):
    expect = "Expect: 100-continue"
    for status, request in ((401, head(len(EVENT), expect, token="wrong")), (413, head(MAX_BODY + 1, expect))):
        client = await connect()
        await client.send(request)
        assert (await client.answer())[0] == status
    intake.trouble = lambda: "this stream is another database's"
    client = await connect()
    await client.send(head(len(EVENT), expect))
    assert (await client.answer())[0] == 503
    assert await entries() == []
