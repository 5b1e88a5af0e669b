"""What one client may hold of the HTTP intake: the time of its body, and room for bodies."""

import asyncio
import json
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest

from daemon.http_intake.application import MAX_BODIES
from daemon.http_intake.body import MAX_BODY
from tests.daemon.http_intake.conftest import ALL
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


# --- The time of a body ---


async def test_a_body_that_does_not_come_in_time_is_answered_408_and_nothing_is_taken(intake, connect, entries):
    intake.body_timeout = 0.2
    client = await connect()
    await client.send(head(len(EVENT)), EVENT[:-1])
    status, document, _ = await client.answer()
    assert (status, document["errors"][0]["reason"]) == (408, "the body did not come within 0.2 s")
    assert await entries() == []


# --- Bodies under way ---


@asynccontextmanager
async def all_room_taken(connect):
    """Bodies that lack their last byte, and leave room for three bytes; gives their clients."""
    clients = [await connect() for _ in range(MAX_BODIES // MAX_BODY)]
    for client in clients:
        await client.send(head(MAX_BODY), b" " * (MAX_BODY - 1))
    asking = await connect()
    async with asyncio.timeout(SOON):
        while (found := await status_of(asking, b" " * 4)) != 429:
            # Not all has been read yet.
            assert found == 422
            await asyncio.sleep(0.01)
    yield clients


async def status_of(client, body):
    await client.send(head(len(body)), body)
    return (await client.answer())[0]


async def test_a_body_for_which_there_is_no_room_is_answered_429_and_those_under_way_go_on(connect, entries):
    async with all_room_taken(connect) as clients:
        client = await connect()
        await client.send(head(len(EVENT)), EVENT)
        status, document, lines = await client.answer()
        assert (status, "retry-after: 5" in lines) == (429, True)
        assert "too many large requests are under way" in document["errors"][0]["reason"]
        assert await status_of(client, b" " * 3) == 422, "what has room is read"
        for one in clients:
            await one.send(b" ")
            status, document, _ = await one.answer()
            assert (status, document["errors"][0]["reason"][:17]) == (422, "the body is empty")
    assert await entries() == []


@pytest.mark.parametrize("end", ["answered", "gone"])
async def test_there_is_room_again_once_a_body_has_come_or_its_client_has_gone(connect, entries, end):
    async with all_room_taken(connect) as clients:
        if end == "answered":
            await clients[0].send(b" ")
            assert (await clients[0].answer())[0] == 422
        else:
            await clients[0].close()
        client = await connect()
        async with asyncio.timeout(SOON):
            while (found := await status_of(client, EVENT)) != 202:
                assert found == 429
                await asyncio.sleep(0.01)
    assert await entries() == [SCORE]


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
