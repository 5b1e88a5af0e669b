"""A process may stand still at any moment: a request that has its connection too late is not written."""

from ipaddress import ip_network

import pytest

from actors.client import Sender, http_session
from actors.egress import Egress
from actors.errors import TryLater
from actors.protocols.lti11 import basic_outcome
from tests.fakes.lms import RecordingLms
from tests.fakes.network import Resolver
from tests.servers import HOST

HEADERS = {"Content-Type": "application/xml"}
BODY = basic_outcome.replace_result("s", "0.5", message_id="m")


class SlowResolver(Resolver):
    """Time passes while it looks a name up."""

    def __init__(self) -> None:
        super().__init__(HOST)
        self.now = 0.0

    async def resolve(self, *arguments, **named):
        self.now += 10.0
        return await super().resolve(*arguments, **named)


@pytest.fixture
async def resolver():
    return SlowResolver()


@pytest.fixture
async def sender(resolver):
    session = http_session(
        timeout_seconds=60.0,
        max_connections=1,
        egress=Egress(allow_http=True, allow_networks=[ip_network("127.0.0.0/8")]),
        resolver=resolver,
    )
    async with session:
        yield Sender(session)


async def test_a_request_whose_connection_is_made_too_late_is_not_written(sender, resolver):
    async with RecordingLms() as lms:
        url = f"http://lms.example:{lms.port}/outcomes"
        with pytest.raises(TryLater, match="in time") as refused:
            await sender.post(url, BODY, HEADERS, in_time=lambda: resolver.now < 10.0)
        assert not refused.value.bytes_left
        # The connection that came too late is closed, and leaves its place to another.
        await sender.post(url, BODY, HEADERS, in_time=lambda: resolver.now < 30.0)
    assert len(lms.requests) == 1


async def test_a_request_that_finds_a_connection_too_late_is_not_written(sender):
    times = iter([True, False, True])
    async with RecordingLms() as lms:
        url = f"http://lms.example:{lms.port}/outcomes"
        await sender.post(url, BODY, HEADERS, in_time=lambda: next(times))
        with pytest.raises(TryLater, match="in time"):
            await sender.post(url, BODY, HEADERS, in_time=lambda: next(times))
        await sender.post(url, BODY, HEADERS, in_time=lambda: next(times))
    assert len(lms.requests) == 2
    assert lms.faults == ["request 1: a message identifier that was used before"]
