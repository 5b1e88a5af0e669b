"""One request over the shared connection pool. What an answer means is for the protocol to say."""

import asyncio
import math
import ssl
import time
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import aiohttp.abc
from aiohttp.client_proto import ResponseHandler
from aiohttp.http import RawResponseMessage
from aiohttp.http_exceptions import BadHttpMessage
from aiohttp.streams import StreamReader
from yarl import URL

from actors.decoding import decompressed
from actors.egress import Egress
from actors.errors import Ambiguous, GiveUp, TryLater
from actors.response import BODY_LIMIT, Response
from actors.tls import MinimumTls, trust
from actors.transport_errors import translated
from models.consumer import origin

#: Seconds that an unused connection is kept: less than the five of a stock Apache, since a POST on a connection that
#: the LMS is just closing ends in doubt.
KEEP_ALIVE = 4.0
#: Interim answers (1xx) before one answer: a campus that sends early hints sends one or two.
MAX_INTERIM = 20
#: Bytes of one header field. Campuses send long cookies and policies, which are nothing to fail for.
FIELD_LIMIT = 32 * 1024


@dataclass(slots=True)
class Progress:
    """How far a request has come; the session notes it on its ``trace_request_ctx``."""

    #: Asked when there is a connection: whether the request may still be written.
    in_time: Callable[[], bool] = lambda: True
    #: Whether a name is being looked up.
    looking_up: bool = False
    #: ``time.monotonic`` when there was a connection; bytes may have left from then on.
    connected: float | None = None


def _progress(trace_request_ctx: Progress | None = None) -> Progress:
    return trace_request_ctx or Progress()


class _Watch(aiohttp.TraceConfig):
    """
    Checks a request's URL before it looks for a connection, notes on its :class:`Progress` when it has one, and lets
    none be written too late.
    """

    def __init__(self, egress: Egress) -> None:
        super().__init__(_progress)  # type: ignore[arg-type]
        self._egress = egress
        self.on_request_start.append(self._check_url)
        self.on_dns_resolvehost_start.append(self._look_up)
        self.on_dns_resolvehost_end.append(self._look_up)
        self.on_connection_create_end.append(self._connected)
        self.on_connection_reuseconn.append(self._connected)
        # Called when the headers are complete, before any byte of them is written.
        self.on_request_headers_sent.append(self._check_time)

    async def _check_url(self, _session: object, _progress: object, start: aiohttp.TraceRequestStartParams) -> None:
        self._egress.check_url(str(start.url))

    async def _look_up(self, _session: object, progress: Any, params: object) -> None:
        progress.looking_up = isinstance(params, aiohttp.TraceDnsResolveHostStartParams)

    async def _connected(self, _session: object, progress: Any, _params: object) -> None:
        progress.connected = time.monotonic()

    async def _check_time(self, _session: object, progress: Any, _params: object) -> None:
        if not progress.in_time():
            raise TryLater("no connection to the campus in time")


class _Protocol(ResponseHandler):
    """Lets no campus answer with interim answers (RFC 9110, section 15.2) without an end; aiohttp skips them all."""

    _interim = 0

    async def read(self) -> tuple[RawResponseMessage, StreamReader]:
        message, payload = await super().read()
        self._interim = self._interim + 1 if message.code < 200 else 0
        if self._interim > MAX_INTERIM:
            raise BadHttpMessage(f"more than {MAX_INTERIM} interim answers")
        return message, payload


class _Connector(aiohttp.TCPConnector):
    """
    Notes until when the certificate of a campus is valid, whenever a TLS connection to it is made.

    No trace hook has the connection, and a response has none any more when its body came along with its head.
    """

    def __init__(self, certificate_ends: MutableMapping[str, float], **options: Any) -> None:
        super().__init__(**options)
        self._factory = partial(_Protocol, loop=asyncio.get_running_loop())  # type: ignore[assignment]
        self._certificate_ends = certificate_ends

    async def _create_connection(
        self, req: aiohttp.ClientRequest, traces: list[Any], timeout: aiohttp.ClientTimeout
    ) -> ResponseHandler:
        protocol = await super()._create_connection(req, traces, timeout)
        certificate = protocol.transport and protocol.transport.get_extra_info("peercert")
        if certificate:
            self._certificate_ends[origin(str(req.url))] = float(ssl.cert_time_to_seconds(certificate["notAfter"]))
        return protocol


class Abort(asyncio.Event):
    """Set when requests under way must be given up, since the daemon has to end; ends the posts that hold it."""

    def __init__(self) -> None:
        super().__init__()
        self.limits: set[asyncio.Timeout] = set()

    def set(self) -> None:
        """End the posts under way, and let no other begin."""
        super().set()
        for limit in self.limits:
            limit.reschedule(asyncio.get_running_loop().time())
        self.limits.clear()


class Sender:
    """
    Turns transport trouble into TryLater (nothing left us) or Ambiguous (bytes may have).

    Args:
        session: From :func:`http_session`; the caller closes it.
        own: By consumer key, the sessions of consumers that may go elsewhere or trust others. No connection that one
            of them has made is another's.

    Raises:
        ValueError: A session does not note the progress of its requests.
    """

    def __init__(self, session: aiohttp.ClientSession, own: Mapping[str, aiohttp.ClientSession] | None = None) -> None:
        self._session = session
        self._own = own or {}
        for one in (session, *self._own.values()):
            if not any(isinstance(config, _Watch) for config in one.trace_configs):
                raise ValueError("a Sender needs a session of http_session()")

    async def send(
        self,
        url: str,
        body: bytes,
        headers: Mapping[str, str],
        *,
        method: str = "POST",
        body_limit: int = BODY_LIMIT,
        consumer_key: str = "",
        abort: Abort | None = None,
        in_time: Callable[[], bool] = lambda: True,
        redacted: Sequence[str] = (),
    ) -> Response:
        """
        Make one request, follow nothing, repeat nothing.

        Args:
            url: Sent byte for byte.
            body_limit: Bytes of the answer that are read.
            consumer_key: Whose campus it is.
            abort: When it is set the request is cancelled, and nothing but the request.
            in_time: Called once there is a connection; if it returns false nothing is written.
            redacted: What must never show in the words of an error.

        Raises:
            TryLater: No byte left us: no connection, none in time, or *abort* came before there was one.
            Misconfigured: The campus's certificate cannot be trusted.
            GiveUp: The URL is malformed, or leads where the configuration does not allow.
            Ambiguous: Bytes may have left us, and no whole answer came back.
        """
        progress, limit, abort = Progress(in_time), asyncio.timeout(None), abort or Abort()
        if abort.is_set():
            raise TryLater("stopped before anything was sent")
        try:
            async with limit:
                abort.limits.add(limit)
                session = self._own.get(consumer_key, self._session)
                return await _send(session, method, url, body, headers, progress, redacted, body_limit)
        except TimeoutError:
            if not limit.expired():
                raise
        finally:
            abort.limits.discard(limit)
        if progress.connected is None:
            raise TryLater("stopped before anything was sent")
        raise Ambiguous("stopped while waiting for the answer")


async def _send(
    session: aiohttp.ClientSession,
    method: str,
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    progress: Progress,
    redacted: Sequence[str],
    body_limit: int,
) -> Response:
    try:
        target = URL(url, encoded=True)
        target.port  # noqa: B018 - reading it is what checks it
    except ValueError as error:
        raise GiveUp("the outcome service URL is malformed", scope="campus", bytes_left=False) from error
    try:
        async with session.request(
            method,
            target,
            data=body or None,
            headers={**headers, "Accept-Encoding": "identity"},
            allow_redirects=False,
            trace_request_ctx=progress,
        ) as reply:
            start, truncated = await _bounded(reply, body_limit)
            seconds = time.monotonic() - (progress.connected or time.monotonic())
            return Response(reply.status, reply.headers, start, seconds, truncated, reply.reason or "")
    except (aiohttp.ClientError, TimeoutError, OSError, UnicodeError) as error:
        # What is at the other end may send back what it got.
        hidden = (*redacted, target.raw_path_qs, target.raw_query_string, *target.query.values())
        raise translated(error, connected=progress.connected is not None, redacted=hidden) from error


def http_session(
    *,
    timeout_seconds: float,
    max_connections: int,
    egress: Egress,
    ca_file: Path | str | None = None,
    minimum_tls: MinimumTls = "1.2",
    trusted: ssl.SSLContext | None = None,
    resolver: aiohttp.abc.AbstractResolver | None = None,
    certificate_ends: MutableMapping[str, float] | None = None,
) -> aiohttp.ClientSession:
    """
    Open the pool that all requests share. Call it on the running loop and close what it returns.

    Args:
        timeout_seconds: For a whole POST: waiting for a connection, connecting, sending and reading.
        ca_file: Certificates in PEM that are trusted besides the system's.
        trusted: What :func:`actors.tls.trust` made for several sessions, in place of *ca_file* and *minimum_tls*: it
            takes longer than all the rest.
        resolver: Looks up host names; the system's own unless one is handed in.
        certificate_ends: Gets, by origin, until when the certificate of the last TLS connection made is valid, in
            seconds since 1970.

    Raises:
        OSError: *ca_file* cannot be read, or (as ``ssl.SSLError``) holds no certificate.
    """
    return aiohttp.ClientSession(
        connector=_Connector(
            {} if certificate_ends is None else certificate_ends,
            limit=max_connections,
            limit_per_host=0,
            keepalive_timeout=KEEP_ALIVE,
            ssl=trusted or trust(ca_file, minimum_tls),
            socket_factory=egress.socket_factory,
            resolver=resolver,
        ),
        # aiohttp rounds deadlines above five seconds up to the full second: a claim's lease is cut to this one.
        timeout=aiohttp.ClientTimeout(total=timeout_seconds, sock_connect=None, ceil_threshold=math.inf),
        headers={"User-Agent": "passbackd"},
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        max_field_size=FIELD_LIMIT,
        max_line_size=FIELD_LIMIT,
        trust_env=False,
        trace_configs=[_Watch(egress)],
    )


async def _bounded(reply: aiohttp.ClientResponse, body_limit: int) -> tuple[bytes, bool]:
    """
    Read at most *body_limit* bytes, and whether there were more; close the connection if so.

    The limit holds for what came and for what that is decompressed: some servers compress though identity is asked for.
    """
    pieces, room = [], body_limit + 1
    while room > 0 and (piece := await reply.content.read(room)):
        pieces.append(piece)
        room -= len(piece)
    if room <= 0:
        reply.close()
    came = b"".join(pieces)[:body_limit]
    body, whole = decompressed(came, ",".join(reply.headers.getall("Content-Encoding", ())), body_limit)
    return body, room <= 0 or not whole
