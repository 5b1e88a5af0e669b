"""
One harmless GET of the page at the root of a campus's server, over a session like the daemon's.

Never an outcome service, never a grade, and nowhere that the daemon itself may not go.
"""

import asyncio
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import aiohttp
from yarl import URL

from actors.client import Progress
from actors.response import Response
from actors.transport_errors import describe_transport_error, egress_refusal
from daemon.check.timing import ahead_by_date

#: Seconds for a probe, at most; fewer if ``outcomes.timeout_seconds`` says so.
PROBE_TIMEOUT = 10.0

_ASK = "ask the campus; see whether a firewall is in between"
_TLS = "ask the campus; see whether https is right in its launches"
_NAME = "see that this machine's name server knows it; a new launch brings a new address"
_AUTHORITY = "have the campus use one of a known authority, or name its authority in egress.ca_file"
#: Cures by OpenSSL's code for what is wrong with a certificate (X509_V_ERR_*).
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
class ProbeResult:
    """
    What a campus's server answered.

    *status*: of HTTP. *seconds*: from the look-up to the answer. *certificate_until*: seconds since 1970; None without
    TLS. *ahead*: seconds that its clock is ahead of ours; None if it does not send the time.
    """

    status: int
    seconds: float
    certificate_until: float | None = None
    ahead: float | None = None


@dataclass(frozen=True, slots=True)
class ProbeContext:
    """
    What probes share.

    *sessions*: the daemon's, by consumer key, and under the empty one that of all other consumers; they write
    *certificate_ends*. *now_ms*: the daemons' time, in milliseconds since 1970. *timeout*: seconds for a whole probe.
    """

    sessions: Mapping[str, aiohttp.ClientSession]
    certificate_ends: Mapping[str, float]
    now_ms: Callable[[], int]
    timeout: float = 10.0


async def probe(origin: str, context: ProbeContext, consumer_key: str = "") -> ProbeResult:
    """
    Ask the server at *origin* (scheme, host and port) for its root page.

    Raises:
        OutOfReachError: It cannot be worked with.
    """
    progress, began = Progress(), time.monotonic()
    try:
        async with (
            asyncio.timeout(context.timeout),
            context.sessions[consumer_key].get(
                URL(f"{origin}/", encoded=True),
                allow_redirects=False,
                trace_request_ctx=progress,
            ) as response,
        ):
            seconds = time.monotonic() - began
            now = datetime.fromtimestamp(context.now_ms() / 1000, UTC)
            offset = Response(response.status, response.headers, b"", 0.0).clock_offset(now)
            ahead = None if offset is None else ahead_by_date(offset, seconds)
            return ProbeResult(response.status, seconds, context.certificate_ends.get(origin), ahead)
    except TimeoutError as error:
        raise _too_late(progress, context.timeout) from error
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise _out_of_reach(error) from error


def _too_late(progress: Progress, timeout: float) -> OutOfReachError:
    if progress.looking_up:
        return OutOfReachError("its name is not looked up in time", _NAME)
    if progress.connected is None:
        return OutOfReachError("no connection in time", _ASK)
    return OutOfReachError(f"it takes connections and does not answer within {timeout:g} s", "ask the campus")


def _out_of_reach(error: Exception) -> OutOfReachError:
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        cure = _CERTIFICATES.get(getattr(error.certificate_error, "verify_code", 0), _AUTHORITY)
        return OutOfReachError(f"its certificate cannot be trusted: {describe_transport_error(error)}", cure)
    if (refusal := egress_refusal(error)) is not None:
        problem, _, cure = refusal.partition(": ")
        return OutOfReachError(problem, cure)
    if isinstance(error, aiohttp.ClientConnectorDNSError | ValueError):
        # A ValueError is of a label that is too long, or of an address in an unusual notation.
        detail = getattr(error, "strerror", None) or "it is no host name"
        return OutOfReachError(f"its name cannot be looked up ({detail})", _NAME)
    if isinstance(error, aiohttp.ClientConnectorError):
        return _no_connection(error)
    return OutOfReachError(f"it does not answer in HTTP ({describe_transport_error(error)})", "ask the campus")


def _no_connection(error: aiohttp.ClientConnectorError) -> OutOfReachError:
    why = describe_transport_error(error)
    # A reset comes in the handshake: before it, a connection is refused.
    if isinstance(error.os_error, ssl.SSLError | ConnectionResetError):
        return OutOfReachError(f"no TLS ({why.removeprefix('TLS: ')})", _TLS)
    return OutOfReachError(f"no connection ({why})", _ASK)
