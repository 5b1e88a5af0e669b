"""An LTI 1.3 platform of the small world without sockets: the strict one's decisions, and a token server that fails."""

import json
from email.utils import formatdate
from itertools import count

from joserfc.jwk import RSAKey

from actors.errors import TryLater
from actors.response import Response
from daemon.demo.platform.keys import PastedKey
from daemon.demo.platform.kind import PlatformKind, PlatformReply
from daemon.demo.platform.request import PlatformRequest
from daemon.demo.platform.service import TOKEN_PATH, PlatformService
from daemon.demo.platform.tokens import AgsScope, RegisteredTool
from models.db.clock import Clock
from models.platform_admin import PlatformRecord, add_platform
from models.tool_key import ToolKey
from tests.blackbox.learners import Learners
from tests.blackbox.world import COURSE, Fields

NAME = "platform"
ORIGIN = f"https://{NAME}.example"
TOKEN_URL = ORIGIN + TOKEN_PATH
USAGES = ("problem-1", "chapter")
#: What its token server answers, by what is away; None: it refuses connections.
TOKEN_ANSWERS: dict[str, PlatformReply | None] = {
    "everything": None,
    "the token server refuses connections": None,
    "the token server is broken": PlatformReply(500, b"<html>Server Error</html>", "text/html"),
    "the token server knows no such client": PlatformReply(401, json.dumps({"error": "invalid_client"}).encode()),
}
#: While this goes wrong it forgets each token as soon as it has given it.
FORGETFUL = "the token server forgets"


class MemoryPlatform:
    """One platform, of which each learner has a problem and a chapter."""

    def __init__(self, clock: Clock) -> None:
        self.away = ""
        self._clock = clock
        self._numbers = count()
        self._service = PlatformService(PlatformKind(), lambda: ORIGIN)
        # So short that each outage is felt.
        self._service.office.life = 60.0
        self._columns = {usage: self._service.add_column() for usage in USAGES}
        self.tokens_asked = 0

    async def register(self) -> None:
        """Tool and platform know each other."""
        key = RSAKey.generate_key(2048, auto_kid=True)
        tool = RegisteredTool(NAME, PastedKey(key.as_pem(private=False).decode()))
        self._service.office.tools[NAME] = tool
        pem, now = key.as_pem(private=True).decode(), self._clock.now()
        await ToolKey.create(kid=key.kid, private_pem=pem, created_at=now, signs_from=now)
        await add_platform(PlatformRecord(NAME, NAME, ORIGIN, NAME, TOKEN_URL), now=now)

    def launches(self, learners: Learners) -> list[Fields]:
        platform: Fields = {"type": "launch", "issuer": ORIGIN, "client_id": NAME, "scopes": " ".join(AgsScope)}
        return [
            {
                **platform,
                "user_id": name,
                "lti_user_id": name,
                "course_id": COURSE,
                "usage_id": usage,
                "lineitem": self._service.address(column),
            }
            for name in learners.names
            for usage, column in self._columns.items()
        ]

    def gradebook(self) -> dict[tuple[str, str], str]:
        """As :meth:`tests.blackbox.learners.Learners.gradebook` gives it."""
        usages = {column.path: usage for usage, column in self._columns.items()}
        cells = self._service.gradebook.cells.items()
        return {("/outcomes", f"{name}-{usages[path]}"): str(cell.grade) for (path, name), cell in cells}

    async def give_token(self, url: str, body: bytes, headers: dict[str, str]) -> Response:
        """
        Answer a token request.

        Raises:
            TryLater: The token server refuses connections.
        """
        self.tokens_asked += 1
        if self.away not in TOKEN_ANSWERS:
            return await self.serve("POST", url, body, headers)
        reply = TOKEN_ANSWERS[self.away]
        if reply is None:
            raise TryLater("no connection to the token server: refused")
        return self._written(reply)

    async def serve(self, method: str, url: str, body: bytes, headers: dict[str, str]) -> Response:
        """Do what is asked, and answer."""
        path, now = url.removeprefix(ORIGIN), self._clock.now() * 1000
        record = PlatformRequest(next(self._numbers), method, path, headers, body, self._clock.monotonic(), now)
        if self.away == FORGETFUL:
            self._service.office.revoke()
        self._service.read(record)
        return self._written(await self._service.serve(record, now))

    def _written(self, reply: PlatformReply) -> Response:
        date = formatdate(self._clock.now() // 1000, usegmt=True)
        headers = {"Date": date, "Content-Type": reply.content_type}
        return Response(reply.status, headers, reply.body, 0.1, reason=reply.reason or "")
