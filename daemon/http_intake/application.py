"""``POST /events``: events over HTTP, checked as intake checks them, and all or none of a request onto the stream."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog
from aiohttp import HttpVersion11, web
from pydantic_core import to_json

from actors.egress import Egress
from actors.metrics import Metrics
from daemon.config.intake_tokens import IntakeToken, matching
from daemon.http_intake.body import MAX_BODY, read_events
from daemon.http_intake.openapi import openapi
from daemon.http_intake.permissions import FindPlatformKey, NotAllowedError, check_permission
from daemon.http_intake.publisher import Publisher
from daemon.ingest.documents import events_schema
from daemon.ingest.events import BadEvent
from daemon.ingest.lines import check_destination, check_event
from models.db.clock import Clock

log = structlog.get_logger(__name__)

#: Entries of the stream that may wait to be applied before more are refused.
MAX_LAG = 200_000
#: Bytes of bodies that may be under way at once.
MAX_BODIES = 3 * MAX_BODY
#: Errors that one answer names.
MAX_ERRORS = 100
#: Seconds for which a body may take to come.
BODY_TIMEOUT = 30.0
#: Seconds after which a client that was turned away may come again.
RETRY_AFTER = 5
#: Seconds that a connection may last, and how many there may be.
CONNECTION_SECONDS, MAX_CONNECTIONS = 300.0, 512
_HEADERS = {"Server": "passbackd", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
_DOCUMENTS = {"/openapi.json": openapi, "/events.schema.json": events_schema}
#: Events of a request that are checked before others have their turn.
_TURN = 50


class _TurnedAway(Exception):  # noqa: N818 - no fault of the daemon's
    """An answer other than 202. *errors*: what is wrong, each with its line and field."""

    def __init__(self, status: int, errors: Sequence[dict[str, Any]], **headers: str) -> None:
        super().__init__(status)
        self.status = status
        self.errors = errors
        self.headers = headers


def _error(reason: str, *, line: int | None = None, field: str | None = None) -> dict[str, Any]:
    return {"line": line, "field": field, "reason": reason}


def _later(status: int, reason: str) -> _TurnedAway:
    return _TurnedAway(status, [_error(reason)], **{"Retry-After": str(RETRY_AFTER)})


@dataclass(slots=True)
class HttpIntake:
    """
    Answers requests.

    Args:
        tokens: May be replaced at any time.
        lag: How many entries of the stream are not applied; None where that is not known.
        trouble: Why nothing may be taken; None if there is nothing.
    """

    publisher: Publisher
    clock: Clock
    metrics: Metrics
    platform_key: FindPlatformKey
    lag: Callable[[], int | None]
    trouble: Callable[[], str | None]
    tokens: Sequence[IntakeToken]
    #: Where grades may be sent: a launch from elsewhere is refused.
    egress: Egress | None = None
    #: Seconds.
    body_timeout: float = BODY_TIMEOUT
    _bodies: int = 0
    #: Connections with a request of a known token under way.
    busy: set[object] = field(default_factory=set)

    async def answer(self, request: web.BaseRequest) -> web.Response:
        """What is answered, for :func:`daemon.infra.http_server.http_server`."""
        try:
            response = await self._page(request)
        except _TurnedAway as away:
            response = _json({"errors": away.errors}, away.status, away.headers)
        except (ConnectionResetError, web.RequestPayloadError):
            raise
        except Exception as error:  # noqa: BLE001 - a client is answered in JSON whatever is wrong
            log.warning("a request of the HTTP intake failed", error=error)
            response = _json({"errors": [_error("passbackd failed: its log has more. Send the events again")]}, 500, {})
        if request.method == "POST":
            self.metrics.of(self.metrics.intake_requests, str(response.status)).inc()
        return response

    async def _page(self, request: web.BaseRequest) -> web.Response:
        document = _DOCUMENTS.get(request.path)
        if document is not None:
            _check_method(request, "GET", "HEAD")
            return _json(document(), 200, {})
        if request.path != "/events":
            raise _TurnedAway(404, [_error("there is no such page: events go to /events")])
        _check_method(request, "POST")
        return await self._post(request)

    async def _post(self, request: web.BaseRequest) -> web.Response:
        token = self._token(request)
        body = bytearray()
        self.busy.add(request.protocol)
        try:
            self._check_room()
            await self._read(request, body)
            return await self._publish(await self._checked(bytes(body), request.content_type, token))
        finally:
            self._bodies -= len(body)
            self.busy.discard(request.protocol)

    def _token(self, request: web.BaseRequest) -> IntakeToken:
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        found = matching(self.tokens, given.strip()) if scheme.lower() == "bearer" else None
        if found is None:
            reason = "send a token of intake.tokens as in: Authorization: Bearer TOKEN"
            raise _TurnedAway(401, [_error(reason, field="Authorization")], **{"WWW-Authenticate": "Bearer"})
        return found

    def _check_room(self) -> None:
        trouble = self.trouble()
        if trouble is not None:
            raise _later(503, trouble)
        lag = self.lag()
        if lag is not None and lag > MAX_LAG:
            raise _later(429, f"{lag} events wait to be applied: come again later")

    async def _read(self, request: web.BaseRequest, body: bytearray) -> None:
        """Read into *body*, whose bytes count among those of all requests for as long as it lasts."""
        if request.content_length is not None and request.content_length > MAX_BODY:
            raise _too_large()
        await _ask_for_body(request)
        try:
            if request.content.is_eof():
                self._take(request.content.read_nowait(), body)
                return
            async with asyncio.timeout(self.body_timeout):
                async for chunk in request.content.iter_any():
                    self._take(chunk, body)
        except TimeoutError:
            raise _TurnedAway(408, [_error(f"the body did not come within {self.body_timeout:g} s")]) from None
        except web.RequestPayloadError as error:
            raise _TurnedAway(400, [_error(f"the body cannot be unpacked: {error}")]) from error

    def _take(self, chunk: bytes, body: bytearray) -> None:
        body += chunk
        self._bodies += len(chunk)
        if len(body) > MAX_BODY:
            raise _too_large()
        if self._bodies > MAX_BODIES:
            raise _later(429, "too many large requests are under way: come again later")

    async def _checked(self, body: bytes, content_type: str, token: IntakeToken) -> list[dict[str, str]]:
        if not body.strip():
            reason = "the body is empty: send one JSON object, an array, or JSON lines"
            raise _TurnedAway(422, [_error(reason, line=1)])
        events: list[dict[str, str]] = []
        errors: list[dict[str, Any]] = []
        status = 403
        for number, (line, found) in enumerate(read_events(body, content_type), 1):
            try:
                events.append(await self._check(found, token))
            except BadEvent as error:
                errors.append(_error(str(error), line=line, field=error.field))
                status = 422
            except NotAllowedError as error:
                errors.append(_error(str(error), line=line, field=error.field))
            if len(errors) == MAX_ERRORS:
                break
            if number % _TURN == 0:
                await asyncio.sleep(0)
        if errors:
            raise _TurnedAway(status, errors)
        return events

    async def _check(self, found: dict[str, str] | BadEvent, token: IntakeToken) -> dict[str, str]:
        if isinstance(found, BadEvent):
            raise found
        event = check_event(found, now=self.clock.now())
        try:
            await check_permission(token, found, self.platform_key)
        except NotAllowedError:
            raise
        except Exception as error:
            # The database is away, in more ways than its driver names.
            log.warning("the database did not say whose platform an event names", error=error)
            raise _later(503, "the database does not say whose platform this is: send the events again") from error
        # What is allowed to a consumer concerns those alone who may send for it.
        if self.egress is not None:
            check_destination(event, self.egress)
        return found

    async def _publish(self, events: Sequence[dict[str, str]]) -> web.Response:
        try:
            ids = await self.publisher.add(events)
        except Exception as error:
            log.warning("events were not taken over HTTP", events=len(events), error=error)
            raise _later(503, "Redis did not take the events: send them again") from error
        return _json({"accepted": len(ids), "ids": ids}, 202, {})


def _json(document: dict[str, Any], status: int, headers: dict[str, str]) -> web.Response:
    return web.Response(
        body=to_json(document), status=status, headers=_HEADERS | headers, content_type="application/json"
    )


def _check_method(request: web.BaseRequest, *allowed: str) -> None:
    if request.method not in allowed:
        reason = f"this page is for {' and '.join(allowed)} alone"
        raise _TurnedAway(405, [_error(reason)], Allow=", ".join(allowed))


async def _ask_for_body(request: web.BaseRequest) -> None:
    """Answer a client that waits with its body until it is asked (RFC 9110, section 10.1.1)."""
    if request.version >= HttpVersion11 and request.headers.get("Expect", "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        # Else aiohttp takes an answer to have begun.
        request.writer.output_size = 0


def _too_large() -> _TurnedAway:
    return _TurnedAway(413, [_error(f"the body is larger than {MAX_BODY} bytes: send it in several requests")])
