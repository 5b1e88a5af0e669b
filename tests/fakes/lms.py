"""A campus LMS on a real loopback socket: it takes outcomes, answers as it is told, and remembers everything."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING, Any, Literal, Self
from xml.sax.saxutils import escape

from aiohttp import web
from lxml import etree
from oauthlib.oauth1 import RequestValidator, SignatureOnlyEndpoint

from actors.protocols.lti11.oauth1 import body_hash

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator, Mapping

HOST = "127.0.0.1"

#: Seconds between two looks at a condition.
TICK = 0.005

_POX = """\
<?xml version="1.0" encoding="UTF-8"?>
<imsx_POXEnvelopeResponse xmlns="http://www.imsglobal.org/services/ltiv1p1/xsd/imsoms_v1p0">
  <imsx_POXHeader>
    <imsx_POXResponseHeaderInfo>
      <imsx_version>V1.0</imsx_version>
      <imsx_messageIdentifier>{identifier}</imsx_messageIdentifier>
      <imsx_statusInfo>
        <imsx_codeMajor>{code_major}</imsx_codeMajor>
        <imsx_severity>status</imsx_severity>
        <imsx_description>{description}</imsx_description>
        <imsx_messageRefIdentifier>{message_id}</imsx_messageRefIdentifier>
        <imsx_operationRefIdentifier>{operation}</imsx_operationRefIdentifier>
      </imsx_statusInfo>
    </imsx_POXResponseHeaderInfo>
  </imsx_POXHeader>
  <imsx_POXBody>{body}</imsx_POXBody>
</imsx_POXEnvelopeResponse>
"""

_HELD = """<readResultResponse>
    <result><resultScore><language>en</language><textString>{score}</textString></resultScore></result>
  </readResultResponse>"""

_SCORE = re.compile(r"0(\.\d+)?|1(\.0+)?", re.ASCII)


@dataclass(slots=True)
class RequestRecord:
    """One request that arrived. Times are ``time.monotonic``, in seconds."""

    #: Counts from 0 over the LMS's life.
    number: int
    #: Path and query, byte for byte as they stood on the request line.
    path_qs: str
    content_type: str
    headers: Mapping[str, str]
    body: bytes
    #: Address and port of the other end: the same ones mean the same connection.
    peer: tuple[str, int]
    began: float
    #: When the last byte of the answer was written or the connection was cut; None while it is at work.
    ended: float | None = None
    #: Whether it asks for a score (readResult), and sets none.
    reads: bool = False
    #: None where the body could not be read as a request.
    sourcedid: str | None = None
    score: str | None = None
    message_id: str | None = None
    consumer_key: str | None = None
    nonce: str | None = None
    timestamp: str | None = None
    #: Whether signature, body hash, nonce and key are right; None if the LMS was told no keys.
    verified: bool | None = None
    #: The status code answered; None where no answer went out.
    status: int | None = None

    @property
    def path(self) -> str:
        return self.path_qs.partition("?")[0]


@dataclass(frozen=True, slots=True)
class Applied:
    """One score written into the gradebook."""

    path: str
    sourcedid: str
    score: str
    at: float
    #: The :attr:`RequestRecord.number` of the request that carried it.
    number: int


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What the LMS does with one request; times are in seconds."""

    #: Before the score is applied and the answer begins.
    latency: float = 0.0
    status: int = 200
    #: With ``body`` None a POX envelope with this code is sent.
    code_major: str = "success"
    description: str = ""
    body: bytes | None = None
    content_type: str = "application/xml"
    headers: Mapping[str, str] = field(default_factory=dict)
    #: Whether the score goes into the gradebook.
    apply: bool = True
    #: Applies the score this long after the request came, whatever becomes of the answer; None: after the latency.
    apply_after: float | None = None
    #: Waits for this event after the latency (and before the score is applied).
    hold: threading.Event | asyncio.Event | None = None
    #: Between two bytes of the body; 0 sends it at once.
    trickle: float = 0.0
    #: Cuts the connection before the answer, or in the middle of its body.
    cut: Literal["before", "midway"] | None = None


def success(**changes: Any) -> Behaviour:
    return Behaviour(**changes)


def failure(description: str, **changes: Any) -> Behaviour:
    return Behaviour(**{"code_major": "failure", "description": description, "apply": False, **changes})


def unsupported(description: str = "", **changes: Any) -> Behaviour:
    return Behaviour(**{"code_major": "unsupported", "description": description, "apply": False, **changes})


def processing(**changes: Any) -> Behaviour:
    """Says that it may apply the score later; ``apply_after=...`` makes it do so."""
    return Behaviour(**{"code_major": "processing", "apply": "apply_after" in changes, **changes})


def answer(status: int, body: bytes = b"", **changes: Any) -> Behaviour:
    """Answers without an envelope."""
    return Behaviour(**{"status": status, "body": body, "content_type": "text/plain", "apply": False, **changes})


def html(status: int = 200, text: str = "Down for maintenance", **changes: Any) -> Behaviour:
    page = f"<!DOCTYPE html><html><body><p>{text}</p></body></html>".encode()
    return answer(status, page, **{"content_type": "text/html", **changes})


def cut(where: Literal["before", "midway"] = "midway", **changes: Any) -> Behaviour:
    """Applies the score and then cuts the connection."""
    return Behaviour(**{"cut": where, **changes})


def held(event: threading.Event | asyncio.Event, **changes: Any) -> Behaviour:
    """Hangs until *event* is set, then applies the score and answers."""
    return Behaviour(**{"hold": event, **changes})


def in_turn(*behaviours: Behaviour, then: Behaviour | None = None) -> Callable[[RequestRecord], Behaviour]:
    """One behaviour a request, in order of arrival, and *then* (or success) for the rest."""
    left = iter(behaviours)
    return lambda _record: next(left, then or success())


def always(behaviour: Behaviour) -> Callable[[RequestRecord], Behaviour]:
    return lambda _record: behaviour


def pox(
    code_major: str, description: str = "", *, message_id: str = "", number: int = 0, held: str | None = None
) -> bytes:
    """A reply's envelope: to a replaceResult, or with *held*, which may be empty, to a readResult."""
    body = "<replaceResultResponse/>" if held is None else _HELD.format(score=escape(held))
    return _POX.format(
        operation="replaceResult" if held is None else "readResult",
        body=body,
        identifier=f"reply-{number}",
        code_major=escape(code_major),
        description=escape(description),
        message_id=escape(message_id),
    ).encode()


def canvas_pox(error_code: str, description: str = "", *, code_major: str = "failure") -> bytes:
    """A reply's envelope as Canvas writes it: with an error code of its own, and a number for its support."""
    envelope = pox(code_major, f"{description}\n[EID_4711]").decode()
    end = "</imsx_statusInfo>"
    return envelope.replace(end, f"<ext_canvas_error_code>{escape(error_code)}</ext_canvas_error_code>{end}").encode()


class RecordingLms:
    """
    An LMS that remembers. An asynchronous context manager, or in a thread of its own with :meth:`in_thread`.

    All public methods and attributes may be used from any thread while it runs.

    Args:
        keys: Consumer key to secret. With them every request's signature is verified, and one that is wrong gets 401.
        behave: What to do with a request; called in the LMS's own thread. Assign :attr:`behave` to change it.
        tls: Serves https with this context.
        port: 0 lets the system choose; another one serves to come back where an earlier LMS was.
    """

    def __init__(
        self,
        keys: Mapping[str, str] | None = None,
        behave: Callable[[RequestRecord], Behaviour] | None = None,
        tls: ssl.SSLContext | None = None,
        port: int = 0,
    ) -> None:
        self.keys = None if keys is None else dict(keys)
        self.behave = behave or always(success())
        #: What a request gets whose signature is wrong; assign it for an LMS with other words.
        self.refusal = answer(401, b"the signature is not valid")
        #: All requests in order of arrival.
        self.requests: list[RequestRecord] = []
        #: (path without query, sourcedid) to the score text that counts now.
        self.gradebook: dict[tuple[str, str], str] = {}
        #: All scores applied, in order.
        self.applied: list[Applied] = []
        #: What no request should do: a repeated message identifier or nonce, a score that is no plain decimal, ...
        self.faults: list[str] = []
        self.port = port
        self._tls = tls
        self._changed = threading.Condition(threading.RLock())
        self._nonces: set[tuple[str, str, str]] = set()
        self._message_ids: set[str] = set()
        self._stopping = False
        self._late: set[asyncio.TimerHandle] = set()
        self._runner: web.AppRunner | None = None

    def url(self, path_qs: str = "/outcomes") -> str:
        """An outcome service URL here."""
        return f"{'https' if self._tls else 'http'}://{HOST}:{self.port}{path_qs}"

    def sent(self, sourcedid: str) -> list[RequestRecord]:
        """The requests for one sourcedid in order of arrival."""
        with self._changed:
            return [record for record in self.requests if record.sourcedid == sourcedid]

    def scores(self, sourcedid: str) -> list[str]:
        """The score texts applied for one sourcedid, in order."""
        with self._changed:
            return [applied.score for applied in self.applied if applied.sourcedid == sourcedid]

    def grade(self, sourcedid: str, path: str = "/outcomes") -> str | None:
        with self._changed:
            return self.gradebook.get((path, sourcedid))

    def overlaps(self) -> list[tuple[RequestRecord, RequestRecord]]:
        """Pairs of requests for the same path and sourcedid that were at work at the same time."""
        with self._changed:
            known: dict[tuple[str, str], list[RequestRecord]] = {}
            for record in self.requests:
                if record.sourcedid is not None:
                    known.setdefault((record.path, record.sourcedid), []).append(record)
            return [
                (first, second)
                for records in known.values()
                for first, second in combinations(records, 2)
                if first.ended is None or second.began < first.ended
            ]

    def wait_for(self, predicate: Callable[[], object], timeout: float = 10.0) -> None:
        """
        Block until *predicate* holds. Not on the LMS's own loop: see :meth:`until`.

        Raises:
            TimeoutError: It did not within *timeout* seconds.
        """
        deadline = time.monotonic() + timeout
        with self._changed:
            while not predicate():
                if time.monotonic() >= deadline:
                    raise TimeoutError(self._summary(timeout))
                # It may depend on more than this LMS.
                self._changed.wait(TICK)

    async def until(self, predicate: Callable[[], object], timeout: float = 10.0) -> None:
        """
        Wait until *predicate* holds, on any loop.

        Raises:
            TimeoutError: It did not within *timeout* seconds.
        """
        deadline = time.monotonic() + timeout
        while not predicate():
            if time.monotonic() >= deadline:
                raise TimeoutError(self._summary(timeout))
            await asyncio.sleep(TICK)

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=1024 * 1024)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        site = web.TCPSite(self._runner, HOST, self.port, ssl_context=self._tls)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stopping = True
        for handle in self._late:
            handle.cancel()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    @classmethod
    @contextmanager
    def in_thread(
        cls,
        keys: Mapping[str, str] | None = None,
        behave: Callable[[RequestRecord], Behaviour] | None = None,
        tls: ssl.SSLContext | None = None,
        port: int = 0,
    ) -> Iterator[Self]:
        """Run one on a loop in a thread of its own, for tests that block or that watch whole processes."""
        lms = cls(keys, behave, tls, port)
        started: threading.Event = threading.Event()
        stop = asyncio.Event()
        loop = asyncio.new_event_loop()
        trouble: list[BaseException] = []

        async def serve() -> None:
            async with lms:
                started.set()
                await stop.wait()

        def run() -> None:
            try:
                loop.run_until_complete(serve())
            except BaseException as error:
                trouble.append(error)
            finally:
                started.set()
                loop.close()

        thread = threading.Thread(target=run, name="recording-lms", daemon=True)
        thread.start()
        started.wait()
        try:
            if trouble:
                raise trouble[0]
            yield lms
        finally:
            with suppress(RuntimeError):  # the loop is closed when it failed to start
                loop.call_soon_threadsafe(stop.set)
            thread.join()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        if request.method == "HEAD":
            return web.Response()  # somebody looks whether it is there
        began = time.monotonic()
        body = await request.read()
        record = self._record(request, body, began)
        try:
            return await self._answer(request, record)
        finally:
            with self._changed:
                record.ended = time.monotonic()
                self._changed.notify_all()

    async def _answer(self, request: web.Request, record: RequestRecord) -> web.StreamResponse:
        behaviour = self.refusal if record.verified is False else self.behave(record)
        if behaviour.apply and behaviour.apply_after is not None:
            handle = asyncio.get_running_loop().call_later(behaviour.apply_after, self._apply, record)
            self._late.add(handle)
        await asyncio.sleep(behaviour.latency)
        while behaviour.hold is not None and not behaviour.hold.is_set() and not self._stopping:
            await asyncio.sleep(TICK)
        if behaviour.hold is not None and not behaviour.hold.is_set():
            _cut(request)  # the LMS goes away with the request in its hands
            return web.Response()
        if behaviour.apply and behaviour.apply_after is None:
            self._apply(record)
        return await self._write(request, record, behaviour)

    async def _write(self, request: web.Request, record: RequestRecord, behaviour: Behaviour) -> web.StreamResponse:
        body = behaviour.body
        if body is None:
            body = pox(
                behaviour.code_major,
                behaviour.description,
                message_id=record.message_id or "",
                number=record.number,
                held=(self.grade(record.sourcedid or "", record.path) or "") if record.reads else None,
            )
        response = web.StreamResponse(status=behaviour.status, headers=behaviour.headers)
        if body or behaviour.status != 204:
            response.content_type = behaviour.content_type
            response.content_length = len(body)
        if behaviour.cut == "before":
            _cut(request)
            return response
        # A sender that has gone is its own affair.
        with suppress(ConnectionError):
            await response.prepare(request)
            record.status = behaviour.status
            if behaviour.cut == "midway":
                await response.write(body[: len(body) // 2])
                _cut(request)
            elif behaviour.trickle:
                for at in range(len(body)):
                    await response.write(body[at : at + 1])
                    await asyncio.sleep(behaviour.trickle)
                await response.write_eof()
            else:
                await response.write_eof(body)
        return response

    def _record(self, request: web.Request, body: bytes, began: float) -> RequestRecord:
        with self._changed:
            record = RequestRecord(
                number=len(self.requests),
                path_qs=request.raw_path,
                content_type=request.headers.get("Content-Type", ""),
                headers=request.headers,
                body=body,
                peer=request.transport.get_extra_info("peername") if request.transport else ("", 0),
                began=began,
            )
            self.requests.append(record)
            self._parse(record)
            if self.keys is not None:
                record.verified = self._verify(request, record)
            if request.method != "POST":
                self._fault(record, f"method {request.method}")
            if record.content_type != "application/xml":
                self._fault(record, f"content type {record.content_type!r}")
            self._changed.notify_all()
            return record

    def _parse(self, record: RequestRecord) -> None:
        try:
            root = etree.fromstring(record.body)
        except etree.XMLSyntaxError:
            self._fault(record, "a body that is not well-formed")
            return
        space = "{http://www.imsglobal.org/services/ltiv1p1/xsd/imsoms_v1p0}"

        def text(path: str) -> str | None:
            return root.findtext("/".join(space + name for name in path.split("/")))

        record.reads = root.find(f"{space}imsx_POXBody/{space}readResultRequest") is not None
        operation = "readResult" if record.reads else "replaceResult"
        header, result = "imsx_POXHeader/imsx_POXRequestHeaderInfo", f"imsx_POXBody/{operation}Request/resultRecord"
        record.message_id = text(f"{header}/imsx_messageIdentifier")
        record.sourcedid = text(f"{result}/sourcedGUID/sourcedId")
        record.score = text(f"{result}/result/resultScore/textString")
        if root.tag != f"{space}imsx_POXEnvelopeRequest" or text(f"{header}/imsx_version") != "V1.0":
            self._fault(record, "an envelope that is not a V1.0 request")
        if not record.sourcedid:
            self._fault(record, "no sourcedid")
        if record.reads and record.score is not None:
            self._fault(record, "a readResult with a score")
        if not record.reads and text(f"{result}/result/resultScore/language") != "en":
            self._fault(record, "a score whose language is not en")
        if not record.reads and (record.score is None or not _SCORE.fullmatch(record.score)):
            self._fault(record, f"a score of {record.score!r}")
        if not record.message_id or record.message_id in self._message_ids:
            self._fault(record, "a message identifier that is missing or was used before")
        self._message_ids.add(record.message_id or "")

    def _verify(self, request: web.Request, record: RequestRecord) -> bool:
        url = f"{request.scheme}://{request.headers['Host']}{request.raw_path}"
        validator = _Validator(self.keys or {}, self._nonces)
        valid, signed = SignatureOnlyEndpoint(validator).validate_request(
            url, "POST", record.body.decode(errors="replace"), dict(request.headers)
        )
        if signed is None or not hasattr(signed, "oauth_params"):
            self._fault(record, "no OAuth header")
            return False
        record.consumer_key, record.nonce, record.timestamp = signed.client_key, signed.nonce, signed.timestamp
        if validator.reused:
            self._fault(record, "a nonce that was used before")
        if not valid:
            self._fault(record, "a signature that is not valid")
        if dict(signed.oauth_params).get("oauth_body_hash") != body_hash(record.body):
            self._fault(record, "a body hash that is not the body's")
            return False
        return bool(valid)

    def _apply(self, record: RequestRecord) -> None:
        if record.sourcedid is None or record.score is None:
            return
        with self._changed:
            self.gradebook[record.path, record.sourcedid] = record.score
            applied = Applied(record.path, record.sourcedid, record.score, time.monotonic(), record.number)
            self.applied.append(applied)
            self._changed.notify_all()

    def _fault(self, record: RequestRecord, what: str) -> None:
        self.faults.append(f"request {record.number}: {what}")

    def _summary(self, timeout: float) -> str:
        with self._changed:
            return (
                f"not within {timeout} s: {len(self.requests)} requests came, {len(self.applied)} scores were applied, "
                f"faults: {self.faults}"
            )


def _cut(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()


class _Validator(RequestValidator):
    """oauthlib's server side over a table of keys; it remembers the nonces even of requests that it refuses."""

    enforce_ssl = False
    dummy_client = "dummy"
    #: Seconds. Canvas's: tests move clocks on.
    timestamp_lifetime = 90 * 60

    def __init__(self, keys: Mapping[str, str], nonces: set[tuple[str, str, str]]) -> None:
        super().__init__()
        self._keys = keys
        self._nonces = nonces
        self.reused = False

    def check_client_key(self, client_key: str) -> bool:
        return bool(client_key)

    def check_nonce(self, nonce: str) -> bool:
        return bool(nonce)

    def validate_client_key(self, client_key: str, request: object) -> bool:
        return client_key in self._keys

    def get_client_secret(self, client_key: str, request: object) -> str:
        return self._keys.get(client_key, "dummy")

    def validate_timestamp_and_nonce(
        self,
        client_key: str,
        timestamp: str,
        nonce: str,
        request: object,
        request_token: str | None = None,
        access_token: str | None = None,
    ) -> bool:
        self.reused = (client_key, timestamp, nonce) in self._nonces
        self._nonces.add((client_key, timestamp, nonce))
        return not self.reused
