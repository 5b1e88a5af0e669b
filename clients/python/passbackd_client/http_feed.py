"""Sends events to passbackd's HTTP intake, with the standard library alone."""

import asyncio
import http.client
import json
import os
import ssl
from contextlib import suppress
from datetime import UTC, datetime
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from passbackd_client.answers import read_answer
from passbackd_client.errors import FeedError, TooLargeError, TryLaterError
from passbackd_client.patience import Patience
from passbackd_client.sequences import Events, listed

#: Bytes of a request that the intake takes.
MAX_BODY_BYTES = 8 * 1024 * 1024
#: Bytes of an answer that are read.
_MAX_ANSWER_BYTES = 16 * 1024 * 1024
#: Connections that are kept for the next requests; more are opened where more threads send at once.
_KEPT = 16
#: What a kept connection fails with that the server has closed meanwhile.
_CLOSED = (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError)


class HttpFeed:
    """
    passbackd's HTTP intake; may be used by many threads, and after a fork.

    Args:
        url: Of the intake, ``https://passbackd.example.edu``; ``/events`` is appended. No proxy of the environment is
            used, and no redirect is followed.
        token: One of ``intake.tokens``.
        timeout: Seconds for the connection, and for each time that the other side is waited for.
        give_up_after: Seconds for which it tries again where passbackd takes none now; 0 for one try.
        tls: In place of the system's trusted authorities.

    Raises:
        ValueError: The URL or the token cannot be used.
    """

    def __init__(
        self,
        url: str,
        token: str,
        *,
        timeout: float = 5.0,
        give_up_after: float = 10.0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("the URL of the intake is not a whole http or https address")
        if not token or not token.isascii() or not token.isprintable() or " " in token:
            raise ValueError("the token is empty, or holds what no token has: blanks, control or non-ASCII characters")
        # http.client would look for one in an IPv6 address.
        self._port = parts.port or (443 if parts.scheme == "https" else 80)
        self._host = parts.hostname
        self._tls = (tls or ssl.create_default_context()) if parts.scheme == "https" else None
        self._path = f"{parts.path.rstrip('/')}/events"
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/x-ndjson"}
        self._timeout = timeout
        self._patience = Patience(give_up_after)
        #: Connections without a request, and the process that opened them.
        self._kept: list[http.client.HTTPConnection] = []
        self._pid = os.getpid()

    def send(self, events: Events) -> list[str]:
        """
        Send one event or many, all or nothing; return the ids of their entries, once Redis has them.

        Raises:
            FeedError: They were not taken; the class says what to do.
        """
        body = _body(events)
        return self._patience.sending(lambda: self._try(body)) if body else []

    async def asend(self, events: Events) -> list[str]:
        """As :meth:`send`; each try is made by a thread, the pauses between are not."""
        body = _body(events)
        return await self._patience.asending(lambda: asyncio.to_thread(self._try, body)) if body else []

    def close(self) -> None:
        """Close the connections; one is opened when something is sent afterwards."""
        while self._kept:
            self._kept.pop().close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _try(self, body: bytes) -> list[str]:
        while (kept := self._take()) is not None:
            try:
                return self._exchange(kept, body)
            except _CLOSED:
                continue
            except (OSError, http.client.HTTPException) as error:
                raise TryLaterError(f"no answer: {error!r}") from error
        try:
            return self._exchange(self._connection(), body)
        except ssl.SSLCertVerificationError as error:
            raise FeedError(f"the server's certificate is not trusted: {error.verify_message}") from error
        except (OSError, http.client.HTTPException) as error:
            raise TryLaterError(f"no answer: {error!r}") from error

    def _exchange(self, connection: http.client.HTTPConnection, body: bytes) -> list[str]:
        try:
            with suppress(BrokenPipeError, ConnectionResetError):
                # What refuses a request before it has read all of it has answered all the same.
                connection.request("POST", self._path, body, self._headers)
            response = connection.getresponse()
            answer = response.read(_MAX_ANSWER_BYTES + 1)
        except BaseException:
            connection.close()
            raise
        if response.will_close or not response.isclosed() or len(self._kept) >= _KEPT:
            connection.close()
        else:
            self._kept.append(connection)
        return read_answer(response.status, answer, response.headers["Retry-After"], now=datetime.now(UTC))

    def _take(self) -> http.client.HTTPConnection | None:
        if self._pid != os.getpid():
            # The process that this one was forked from still uses them, and keeps its own hold of each.
            self._pid = os.getpid()
            self.close()
        try:
            return self._kept.pop()
        except IndexError:
            return None

    def _connection(self) -> http.client.HTTPConnection:
        if self._tls is None:
            return http.client.HTTPConnection(self._host, self._port, timeout=self._timeout)
        return http.client.HTTPSConnection(self._host, self._port, timeout=self._timeout, context=self._tls)


class AsyncHttpFeed:
    """:class:`HttpFeed` for asyncio, with the same arguments; a thread of the default executor makes each request."""

    def __init__(
        self,
        url: str,
        token: str,
        *,
        timeout: float = 5.0,
        give_up_after: float = 10.0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._feed = HttpFeed(url, token, timeout=timeout, give_up_after=give_up_after, tls=tls)

    async def send(self, events: Events) -> list[str]:
        """As :meth:`HttpFeed.send`. Where it is cancelled, a request that has begun is finished all the same."""
        return await self._feed.asend(events)

    async def aclose(self) -> None:
        """Close the connections."""
        await asyncio.to_thread(self._feed.close)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


def _body(events: Events) -> bytes:
    lines = [json.dumps(event.json_object(), ensure_ascii=False, separators=(",", ":")) for event in listed(events)]
    body = "\n".join(lines).encode()
    if len(body) > MAX_BODY_BYTES:
        raise TooLargeError(f"{len(body)} bytes are more than the {MAX_BODY_BYTES} that are taken at once")
    return body
