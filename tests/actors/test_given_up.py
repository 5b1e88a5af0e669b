"""Posts that are given up: the daemon has to end, or the process was suspended and the connection came too late."""

import asyncio

import pytest

from actors.client import Abort
from actors.errors import Ambiguous, TryLater
from tests.actors.posting import BODY, HEADERS, answering, open_sender
from tests.fakes import lms as fake
from tests.fakes.lms import RecordingLms
from tests.fakes.network import Resolver, raw_server
from tests.servers import HOST


async def test_a_stop_while_connecting_leaves_nothing():
    stop, reached = Abort(), asyncio.Event()

    async def say_nothing(reader, writer):
        reached.set()
        await reader.read()

    async with raw_server(say_nothing) as port, open_sender() as post:
        posting = asyncio.create_task(post.send(f"https://{HOST}:{port}/", BODY, HEADERS, abort=stop))
        await reached.wait()
        stop.set()
        with pytest.raises(TryLater) as caught:
            await posting
    assert not caught.value.bytes_left


async def test_a_post_that_is_not_stopped_ends_as_usual():
    stop = Abort()
    async with answering(fake.in_turn(fake.success(), fake.cut("before"))) as (lms, post):
        assert (await post.send(lms.url(), BODY, HEADERS, abort=stop)).status == 200
        with pytest.raises(Ambiguous, match="without an answer"):
            await post.send(lms.url(), BODY, HEADERS, abort=stop)
    assert len(asyncio.all_tasks()) == 1


async def test_a_caller_that_is_cancelled_cancels_its_post():
    async with answering(fake.always(fake.held(asyncio.Event()))) as (lms, post):
        posting = asyncio.create_task(post.send(lms.url(), BODY, HEADERS, abort=Abort()))
        await lms.until(lambda: lms.requests)
        posting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await posting


class SlowResolver(Resolver):
    """Time passes while it looks a name up."""

    now = 0.0

    async def resolve(self, *arguments, **named):
        self.now += 10.0
        return await super().resolve(*arguments, **named)


async def test_a_request_whose_connection_is_made_too_late_is_not_written():
    resolver = SlowResolver(HOST)
    async with RecordingLms() as lms, open_sender(60.0, max_connections=1, resolver=resolver) as post:
        url = f"http://lms.example:{lms.port}/outcomes"
        with pytest.raises(TryLater, match="in time") as refused:
            await post.send(url, BODY, HEADERS, in_time=lambda: resolver.now < 10.0)
        assert not refused.value.bytes_left
        # The connection that came too late is closed, and leaves its place to another.
        await post.send(url, BODY, HEADERS, in_time=lambda: resolver.now < 30.0)
    assert len(lms.requests) == 1


async def test_a_request_that_finds_a_connection_too_late_is_not_written():
    times = iter([True, False, True])
    async with RecordingLms() as lms, open_sender(60.0, max_connections=1) as post:
        await post.send(lms.url(), BODY, HEADERS, in_time=lambda: next(times))
        with pytest.raises(TryLater, match="in time"):
            await post.send(lms.url(), BODY, HEADERS, in_time=lambda: next(times))
        await post.send(lms.url(), BODY, HEADERS, in_time=lambda: next(times))
    assert len(lms.requests) == 2
    assert lms.faults == ["request 1: a message identifier that was used before"]
