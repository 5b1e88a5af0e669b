"""What other tests lean on where nothing else would show that it is wrong."""

import asyncio

import aiohttp
import pytest

from actors.protocols.lti11 import basic_outcome
from tests.fakes import lms as fake
from tests.fakes.lms import RecordingLms, most_at_once


async def send(lms: RecordingLms, sourcedid: str = "s", score: str = "0.5") -> tuple[int, str, dict[str, str]]:
    body = basic_outcome.replace_result(sourcedid, score, message_id=f"{sourcedid} {score}")
    async with aiohttp.ClientSession() as session, session.post(lms.url(), data=body) as reply:
        return reply.status, await reply.text(), dict(reply.headers)


async def test_requests_for_one_sourcedid_at_the_same_time_overlap():
    event = asyncio.Event()
    async with RecordingLms(behave=fake.in_turn(fake.held(event))) as lms:
        first = asyncio.create_task(send(lms, score="0.1"))
        await lms.until(lambda: len(lms.requests) == 1)
        await send(lms, score="0.2")
        await send(lms, sourcedid="other")
        event.set()
        await first
        await send(lms, score="0.3")
        await lms.until(lambda: all(record.ended for record in lms.requests))
    assert [(a.score, b.score) for a, b in lms.overlaps()] == [("0.1", "0.2")]
    assert most_at_once(lms.requests) == 2
    assert lms.scores("s") == ["0.2", "0.1", "0.3"]


async def test_waiting_in_vain_says_what_came():
    async with RecordingLms() as lms:
        with pytest.raises(TimeoutError, match="0 requests came"):
            await lms.until(lambda: lms.requests, timeout=0.01)
        with pytest.raises(TimeoutError, match="0 requests came"):
            lms.wait_for(lambda: lms.requests, timeout=0.01)
