"""Senders that may reach this machine, and a request to POST."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from ipaddress import ip_network
from typing import Any

import aiohttp

from actors.client import Sender, http_session
from actors.egress import Egress
from actors.protocols.lti11 import basic_outcome
from actors.tls import trust
from tests.fakes.lms import RecordingLms

LOOPBACK = Egress(allow_http=True, allow_networks=[ip_network("127.0.0.0/8"), ip_network("::1/128")])
HEADERS = {"Content-Type": "application/xml"}
BODY = basic_outcome.replace_result("s", "0.5", message_id="m")


@cache
def shared_trust() -> ssl.SSLContext:
    """The system's authorities: reading them takes longer than most tests."""
    return trust()


def outcome_session(patience: float = 5.0, **options: Any) -> aiohttp.ClientSession:
    """A session that may reach this machine over plain HTTP; *patience* is its time-out in seconds."""
    own = options.get("ca_file") is not None or "minimum_tls" in options
    values = {"max_connections": 10, "egress": LOOPBACK, "trusted": None if own else shared_trust(), **options}
    return http_session(timeout_seconds=patience, **values)


@asynccontextmanager
async def open_sender(patience: float = 5.0, **options: Any) -> AsyncIterator[Sender]:
    async with outcome_session(patience, **options) as session:
        yield Sender(session)


@asynccontextmanager
async def answering(behave: Any, **options: Any) -> AsyncIterator[tuple[RecordingLms, Sender]]:
    """A campus that answers so, and a sender with these options."""
    async with RecordingLms(behave=behave) as lms, open_sender(**options) as post:
        yield lms, post
