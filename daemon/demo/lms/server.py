"""The sample LMS itself: HTTP in front of a gradebook."""

import asyncio
import ssl
import time
from collections.abc import Callable, Mapping

from aiohttp import web

from daemon.demo.lms.answer import Answer, pox
from daemon.demo.lms.request import RequestRecord, read_body
from daemon.demo.lms.signature import Verifier
from daemon.demo.sample_server import SampleServer

#: Path and query of an outcome service. The query is part of what is signed.
SERVICE = "/mod/lti/service.php?context=PHYS%20101&section=b"


class Lms(SampleServer):
    """
    An LMS that takes outcomes at any path while its context is open.

    Subclasses may replace each step of a request: :meth:`handle`, :meth:`check`, :meth:`decide`, :meth:`answer`,
    :meth:`store`, :meth:`write`.

    Args:
        keys: Consumer key to secret. None: signatures are not verified.
        behave: What to do with a request without faults. Assign :attr:`behave` to change it.
        tls: Serves https with this context.
        port: 0 lets the system choose.
    """

    #: Seconds by which a request's timestamp may differ from the LMS's clock: Moodle's limit.
    clock_window = 300

    def __init__(
        self,
        keys: Mapping[str, str] | None = None,
        behave: Callable[[RequestRecord], Answer] = lambda _: Answer(),
        tls: ssl.SSLContext | None = None,
        port: int = 0,
    ) -> None:
        super().__init__(tls, port)
        self.keys = None if keys is None else dict(keys)
        self.behave = behave
        #: All requests in order of arrival.
        self.requests: list[RequestRecord] = []
        #: (path without query, sourcedid) to the score that counts now, exactly as it came.
        self.gradebook: dict[tuple[str, str], str] = {}
        self._verifier = Verifier()

    def url(self, path_qs: str = "/outcomes") -> str:
        """An outcome service URL here."""
        return self.origin + path_qs

    def grades(self) -> dict[str, str]:
        """The gradebook by sourcedid alone; from any thread."""
        return {sourcedid: score for (_, sourcedid), score in self.gradebook.copy().items()}

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Take one request through all steps."""
        began = time.monotonic()
        peer = request.transport.get_extra_info("peername") if request.transport else ("", 0)
        body = await request.read()
        record = RequestRecord(len(self.requests), request.raw_path, request.headers, body, peer, began)
        self.requests.append(record)
        self.check(request, record)
        try:
            return await self.answer(request, record, self.decide(record))
        finally:
            record.ended = time.monotonic()

    def check(self, request: web.BaseRequest, record: RequestRecord) -> None:
        """Note on *record* what it says, and its faults."""
        if self.keys is not None:
            origin = f"{request.scheme}://{request.host}"
            record.verified = self._verifier.verify(
                record, request.method, origin, self.keys, clock_window=self.clock_window
            )
        if request.method != "POST":
            record.fault(405, f"method {request.method}")
        if record.content_type != "application/xml":
            record.fault(415, f"content type {record.content_type!r}")
        read_body(record)

    def decide(self, record: RequestRecord) -> Answer:
        """Refuse what has faults, and treat everything else as :attr:`behave` wants it."""
        if record.faults:
            status, text = record.faults[0]
            return Answer(status=status, code_major="failure", description=text, apply=False)
        return self.behave(record)

    async def answer(self, request: web.BaseRequest, record: RequestRecord, answer: Answer) -> web.StreamResponse:
        """Store the score and answer, after the latency."""
        await asyncio.sleep(answer.latency)
        if answer.apply:
            self.store(record)
        return await self.write(request, record, answer)

    def store(self, record: RequestRecord) -> None:
        """Put the score of *record*, if it sets one, into the gradebook; or take out what it takes back."""
        if record.deletes:
            self.gradebook.pop((record.path, record.sourcedid or ""), None)
        elif record.sourcedid is not None and record.score is not None:
            self.gradebook[record.path, record.sourcedid] = record.score

    async def write(self, request: web.BaseRequest, record: RequestRecord, answer: Answer) -> web.StreamResponse:  # noqa: ARG002 - for subclasses that cut connections
        """Make the response, which aiohttp sends."""
        record.status = answer.status
        body, content_type = self.body(record, answer), answer.content_type
        return web.Response(status=answer.status, body=body, content_type=content_type, headers=answer.headers)

    def body(self, record: RequestRecord, answer: Answer) -> bytes:
        """The bytes of the answer's body."""
        if answer.body is not None:
            return answer.body
        held = self.gradebook.get((record.path, record.sourcedid or ""), "") if record.reads else None
        named = record.message_id or ""
        return pox(answer.code_major, answer.description, message_id=named, held=held, deletes=record.deletes)
