"""The sample platform itself: HTTP in front of its service."""

import asyncio
import ssl
import time
from collections.abc import Callable
from email.utils import formatdate
from itertools import count

from aiohttp import web

from daemon.demo.platform.gradebook import GradebookColumn
from daemon.demo.platform.keys import PastedKey, PublishedKeys, ToolKeys
from daemon.demo.platform.kind import PlatformKind, PlatformReply
from daemon.demo.platform.request import PlatformBehaviour, PlatformRequest
from daemon.demo.platform.rules import MICROS_PER_SECOND
from daemon.demo.platform.service import PlatformService
from daemon.demo.platform.tokens import AgsScope, RegisteredTool
from daemon.demo.sample_server import SampleServer


class SamplePlatform(SampleServer):
    """
    An LTI 1.3 platform that takes scores while its context is open.

    Args:
        kind: What it refuses and how it answers.
        behave: What to do with a request. Assign :attr:`behave` to change it.
        clock: Seconds since 1970.
        offset: Seconds by which its clock is ahead of *clock*; its ``Date`` shows it. May be assigned.
        tls: Serves https with this context.
        port: 0 lets the system choose.
    """

    def __init__(
        self,
        kind: PlatformKind | None = None,
        behave: Callable[[PlatformRequest], PlatformBehaviour] = lambda _: PlatformBehaviour(),
        *,
        clock: Callable[[], float] = time.time,
        offset: float = 0.0,
        tls: ssl.SSLContext | None = None,
        port: int = 0,
    ) -> None:
        super().__init__(tls, port)
        self.behave = behave
        self.offset = offset
        self.service = PlatformService(kind or PlatformKind(), lambda: self.origin)
        self.gradebook = self.service.gradebook
        self.office = self.service.office
        #: All requests in order of arrival.
        self.requests: list[PlatformRequest] = []
        self._clock = clock
        self._numbers = count()

    @property
    def issuer(self) -> str:
        return self.origin

    @property
    def token_url(self) -> str:
        return self.service.token_url

    def now(self) -> int:
        """By the platform's own clock: microseconds since 1970."""
        return int((self._clock() + self.offset) * MICROS_PER_SECOND)

    def register(
        self,
        client_id: str,
        *,
        jwks_url: str | None = None,
        pem: str = "",
        scopes: tuple[str, ...] = tuple(AgsScope),
        audience: str | None = None,
        cached_for: float = 3600.0,
        refetches: bool = False,
    ) -> RegisteredTool:
        """
        Have the platform know a tool, by the address of its key set or by a public key in PEM.

        Args:
            scopes: What its tokens may be for.
            audience: Of assertions, if it is not the token URL.
            cached_for: Seconds that the key set is kept.
            refetches: An unknown key makes the platform fetch the key set anew.
        """
        keys: ToolKeys = PublishedKeys(jwks_url, cached_for, refetches) if jwks_url else PastedKey(pem)
        tool = self.office.tools[client_id] = RegisteredTool(client_id, keys, scopes, audience)
        return tool

    def add_line_item(self, context: str = "1", **fields: object) -> str:
        """Make a line item, and return its URL; *fields* are a :class:`GradebookColumn`'s."""
        return self.service.address(self.service.add_column(context, **fields))

    def line_items_url(self, context: str = "1") -> str:
        """The URL of the line items of a course."""
        return self.origin + self.service.kind.container_path.format(context=context)

    def column(self, url: str) -> GradebookColumn:
        """The line item of a URL."""
        return self.gradebook.columns[url.removeprefix(self.origin).partition("?")[0]]

    def grade(self, url: str, user_id: str) -> str | None:
        """What people see of a learner: a share of the maximum, with the digits that came; None: nothing."""
        grade = self.gradebook.grade(self.column(url).path, user_id)
        return None if grade is None else str(grade)

    def set_by_hand(self, url: str, user_id: str, grade: str | None) -> None:
        """Have a person change a learner's grade now: a share of the maximum; None clears it."""
        self.gradebook.set_by_hand(self.column(url).path, user_id, grade, now=self.now())

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Take one request through all steps."""
        began, body = time.monotonic(), await request.read()
        number, headers = next(self._numbers), request.headers.copy()
        record = PlatformRequest(number, request.method, request.raw_path, headers, body, began, self.now())
        self.service.read(record)
        self.requests.append(record)
        try:
            return await self.answer(request, record, self.behave(record))
        finally:
            record.ended = time.monotonic()

    async def answer(
        self, request: web.BaseRequest, record: PlatformRequest, behaviour: PlatformBehaviour
    ) -> web.StreamResponse:
        """Do what is asked and answer, after the latency."""
        await asyncio.sleep(behaviour.latency)
        reply = await self.serve(record) if behaviour.serves else PlatformReply(503)
        return await self.write(request, record, behaviour, behaviour.reply or reply)

    async def serve(self, record: PlatformRequest) -> PlatformReply:
        """Do what is asked now."""
        return await self.service.serve(record, self.now())

    async def write(
        self,
        request: web.BaseRequest,  # noqa: ARG002 - for subclasses that cut connections
        record: PlatformRequest,
        behaviour: PlatformBehaviour,  # noqa: ARG002
        reply: PlatformReply,
    ) -> web.StreamResponse:
        """Make the response, which aiohttp sends."""
        record.status = reply.status
        return self.response(reply)

    def response(self, reply: PlatformReply) -> web.Response:
        """A response with the platform's ``Date``."""
        date = formatdate(self.now() // MICROS_PER_SECOND, usegmt=True)
        headers = {"Date": date, **reply.headers}
        if reply.body:
            headers["Content-Type"] = reply.content_type
        return web.Response(status=reply.status, reason=reply.reason, body=reply.body or None, headers=headers)
