"""Senders that may reach this machine, and a request to POST."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_network
from typing import Any

import aiohttp

from actors.client import Sender, http_session
from actors.egress import Egress
from actors.protocols.lti11 import basic_outcome
from tests.fakes.lms import RecordingLms

LOOPBACK = Egress(allow_http=True, allow_networks=[ip_network("127.0.0.0/8"), ip_network("::1/128")])
HEADERS = {"Content-Type": "application/xml"}
BODY = basic_outcome.replace_result("s", "0.5", message_id="m")


def outcome_session(patience: float = 5.0, **options: Any) -> aiohttp.ClientSession:
    """A session that may reach this machine over plain HTTP; *patience* is its time-out in seconds."""
    return http_session(timeout_seconds=patience, **{"max_connections": 10, "egress": LOOPBACK, **options})


@asynccontextmanager
async def open_sender(patience: float = 5.0, **options: Any) -> AsyncIterator[Sender]:
    async with outcome_session(patience, **options) as session:
        yield Sender(session)


@asynccontextmanager
async def answering(behave: Any, **options: Any) -> AsyncIterator[tuple[RecordingLms, Sender]]:
    """A campus that answers so, and a sender with these options."""
    async with RecordingLms(behave=behave) as lms, open_sender(**options) as post:
        yield lms, post
