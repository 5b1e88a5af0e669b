"""
One harmless look at a campus's server: its name, a connection, TLS, and one request for the page at its root.

Never an outcome service, never a grade, and nowhere that the daemon itself may not go.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import aiohttp
from yarl import URL

from actors.egress import EgressRefused
from actors.protocols.lti11.responses import clock_offset
from actors.response import Answer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from aiohttp.connector import AddrInfoType

    from actors.egress import Egress


_AUTHORITY = "have the campus use one of a known authority, or name its authority in egress.ca_file"
#: What mends a certificate, by OpenSSL's code for what is wrong with it (X509_V_ERR_*).
_CERTIFICATES = {
    9: "have the campus wait or renew it; see that this machine's clock is right",
    10: "have the campus renew it",
    62: "have the campus name its host in the certificate, or correct the address in its launches",
    64: "have the campus name its address in the certificate, or use its host name in its launches",
}


class OutOfReachError(Exception):
    """A campus cannot be reached. *cure*: what to do."""

    def __init__(self, problem: str, cure: str) -> None:
        super().__init__(problem)
        self.cure = cure


@dataclass(frozen=True, slots=True)
class Reached:
    """
    What a campus's server said.

    *status*: of HTTP. *seconds*: from the look-up to the answer. *certificate_until*: seconds since 1970; None without
    TLS. *ahead*: seconds that its clock is ahead of ours; None if it does not tell the time.
    """

    status: int
    seconds: float
    certificate_until: float | None = None
    ahead: float | None = None


@dataclass(frozen=True, slots=True)
class Ways:
    """
    With what a campus is looked at.

    *session*: from :func:`actors.client.http_session`. *trust*: how a campus is spoken to, by consumer key. *now_ms*:
    the daemons' time, in milliseconds since 1970.
    *patience*: seconds for a connection with TLS, and again for an answer.
    """

    session: aiohttp.ClientSession
    egress: Egress
    trust: Callable[[str], ssl.SSLContext]
    now_ms: Callable[[], int]
    patience: float = 10.0


async def reach(origin: str, ways: Ways, consumer_key: str = "") -> Reached:
    """
    Look at the server at *origin* (scheme, host and port).

    Raises:
        OutOfReachError: It cannot be worked with.
    """
    began = time.monotonic()
    certificate_until = await certificate(origin, ways, consumer_key)
    status, ahead = await _ask(_root(origin), ways, ways.trust(consumer_key))
    return Reached(status, time.monotonic() - began, certificate_until, ahead)


async def certificate(origin: str, ways: Ways, consumer_key: str = "") -> float | None:
    """
    Connect to the server at *origin*, shake hands, and leave.

    Returns:
        Until when its certificate is valid, in seconds since 1970; None without TLS.

    Raises:
        OutOfReachError: There is no connection, or its certificate cannot be trusted.
    """
    root = _root(origin)
    try:
        ways.egress.check_url(str(root))
        return await _connect(root, ways, ways.trust(consumer_key))
    except EgressRefused as error:
        problem, _, cure = str(error).partition(": ")
        raise OutOfReachError(problem, cure) from error


def _root(origin: str) -> URL:
    return URL(f"{origin}/", encoded=True)


async def _connect(root: URL, ways: Ways, trust: ssl.SSLContext) -> float | None:
    """Look up, connect, shake hands, leave. Until when the certificate is valid."""
    stage = "its name is not looked up in time"
    try:
        async with asyncio.timeout(ways.patience):
            addresses = await _addresses(root)
            stage = "no connection in time"
            connection = await _connected(addresses, ways)
            stage = "no TLS handshake in time"
            return await _handshake(connection, root, trust)
    except TimeoutError:
        raise OutOfReachError(stage, "ask the campus; see whether a firewall stands between") from None


async def _addresses(root: URL) -> Sequence[AddrInfoType]:
    loop = asyncio.get_running_loop()
    try:
        return await loop.getaddrinfo(root.raw_host, root.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        # The last one comes of a host name with a label that is too long.
        cure = "see that this machine's name server knows it; a new launch brings a new address"
        raise OutOfReachError(f"its name cannot be looked up ({_words(error)})", cure) from error


async def _connected(addresses: Sequence[AddrInfoType], ways: Ways) -> socket.socket:
    """To the first of the addresses that takes us; an address that is silent leaves time for the others."""
    last: OSError | None = None
    until = time.monotonic() + ways.patience / 2
    for left, address in zip(range(len(addresses), 0, -1), addresses, strict=True):
        try:
            connection = ways.egress.socket_factory(address)
        except EgressRefused as error:
            last = last or error
            continue
        connection.settimeout(0)
        try:
            async with asyncio.timeout(max(0.1, (until - time.monotonic()) / left)):
                await asyncio.get_running_loop().sock_connect(connection, address[4])
        except OSError as error:  # a TimeoutError is one
            last = error
            connection.close()
        except BaseException:
            connection.close()
            raise
        else:
            return connection
    if isinstance(last, EgressRefused):
        raise last
    raise OutOfReachError(f"no connection ({_words(last)})", "ask the campus; see whether a firewall stands between")


async def _handshake(connection: socket.socket, root: URL, trust: ssl.SSLContext) -> float | None:
    if root.scheme != "https":
        connection.close()
        return None
    try:
        # Whatever becomes of it, the connection is the transport's from here on.
        _, writer = await asyncio.open_connection(sock=connection, ssl=trust, server_hostname=root.raw_host)
    except ssl.SSLCertVerificationError as error:
        problem = f"its certificate cannot be trusted: {error.verify_message}"
        raise OutOfReachError(problem, _CERTIFICATES.get(error.verify_code, _AUTHORITY)) from error
    except OSError as error:
        if isinstance(error, TimeoutError):
            raise
        problem = f"no TLS ({_words(error)})"
        raise OutOfReachError(problem, "ask the campus; see whether https is right in its launches") from error
    until = ssl.cert_time_to_seconds(str(writer.get_extra_info("peercert")["notAfter"]))
    writer.transport.abort()
    return float(until)


async def _ask(root: URL, ways: Ways, trust: ssl.SSLContext) -> tuple[int, float | None]:
    """The status of its root page, and how far its clock is ahead."""
    trouble: Exception | None = None
    # Some servers do not know HEAD, and hang up.
    for method in ("HEAD", "GET"):
        try:
            async with (
                asyncio.timeout(ways.patience),
                ways.session.request(method, root, allow_redirects=False, ssl=trust) as reply,
            ):
                now = datetime.fromtimestamp(ways.now_ms() / 1000, UTC)
                return reply.status, clock_offset(Answer(reply.status, reply.headers, b"", 0.0), now)
        except TimeoutError:
            problem = f"it takes connections and does not answer within {ways.patience:g} s"
            raise OutOfReachError(problem, "ask the campus") from None
        except (aiohttp.ClientError, OSError) as error:
            trouble = error
    raise OutOfReachError(f"it does not answer in HTTP ({type(trouble).__name__})", "ask the campus") from trouble


def _words(error: Exception | None) -> str:
    """What went wrong, without the address."""
    if isinstance(error, TimeoutError):
        return "time-out"
    if isinstance(error, ssl.SSLError):
        return str(error.reason or type(error).__name__)
    if isinstance(error, OSError) and not isinstance(error, socket.gaierror) and error.errno:
        return os.strerror(error.errno)
    return str(getattr(error, "strerror", None) or type(error).__name__)
