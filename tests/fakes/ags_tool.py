"""A tool as a platform sees it: it signs assertions, publishes its keys, and sends scores."""

import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from uuid import uuid4

import aiohttp
from aiohttp import web
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from yarl import URL

from daemon.demo.platform.kind import AgsMediaType
from daemon.demo.platform.tokens import AgsScope
from tests.servers import HOST

CLIENT = "client-7"


def key_set(*keys: RSAKey) -> dict[str, list[dict[str, object]]]:
    """The public key set of these keys."""
    return KeySet(list(keys)).as_dict(private=False)


@asynccontextmanager
async def published(document: Callable[[], object]) -> AsyncIterator[str]:
    """An address at which *document* is, as JSON, whenever it is asked for."""

    async def handle(_request: web.BaseRequest) -> web.Response:
        return web.json_response(document())

    runner = web.ServerRunner(web.Server(handle, access_log=None), shutdown_timeout=0.2)
    await runner.setup()
    try:
        await web.TCPSite(runner, HOST, 0).start()
        yield f"http://{HOST}:{runner.addresses[0][1]}/jwks"
    finally:
        await runner.cleanup()


class AgsTool:
    """Signs with *key*, and asks the platform whose token URL it is given."""

    def __init__(self, key: RSAKey, token_url: str, client_id: str = CLIENT) -> None:
        self.key, self.token_url, self.client_id = key, token_url, client_id
        self.token = ""

    def assertion(self, *, header: dict[str, object] | None = None, **claims: object) -> str:
        """A right one, but for *header* and *claims*; None leaves one out."""
        now = int(time.time())
        right = {"iss": self.client_id, "sub": self.client_id, "aud": self.token_url}
        right |= {"iat": now - 30, "exp": now + 270, "jti": uuid4().hex}
        head = {"alg": "RS256", "kid": self.key.kid, "typ": "JWT", **(header or {})}
        return jwt.encode(
            {name: value for name, value in head.items() if value is not None},
            {name: value for name, value in {**right, **claims}.items() if value is not None},
            self.key,
            algorithms=["RS256", "RS512"],
            default_type=None,
        )

    def form(self, scope: str = AgsScope.SCORE, assertion: str | None = None, **changes: str) -> dict[str, str]:
        """A right token request, but for *changes*."""
        right = {
            "grant_type": "client_credentials",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": self.assertion() if assertion is None else assertion,
            "scope": scope,
        }
        return right | changes

    async def ask(self, form: dict[str, str] | None = None) -> tuple[int, str]:
        """Ask for a token; status and body."""
        async with (
            aiohttp.ClientSession() as session,
            session.post(self.token_url, data=self.form() if form is None else form) as reply,
        ):
            return reply.status, await reply.text()

    async def authorize(self, scope: str = AgsScope.SCORE) -> str:
        """Get a token, and use it from now on."""
        status, body = await self.ask(self.form(scope))
        assert status == 200, body
        self.token = json.loads(body)["access_token"]
        return self.token

    async def request(
        self, method: str, url: str, body: object = None, **headers: str
    ) -> tuple[int, str, aiohttp.ClientResponse]:
        """Send a request with the token; status, body and the answer."""
        sent = {"Authorization": f"Bearer {self.token}"} | {
            name.replace("_", "-"): text for name, text in headers.items()
        }
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, URL(url, encoded=True), data=data, headers=sent, allow_redirects=False) as reply,
        ):
            return reply.status, await reply.text(), reply

    async def send(
        self, line_item: str, given: float | None = 0.5, timestamp: str = "2026-11-22T10:15:30.000Z", **changes: object
    ) -> tuple[int, str, aiohttp.ClientResponse]:
        """Send a score of ``user-7``, right but for *changes*; None leaves a field out."""
        score = {"userId": "user-7", "scoreGiven": given, "scoreMaximum": None if given is None else 1}
        score |= {"timestamp": timestamp, "activityProgress": "Completed", "gradingProgress": "FullyGraded", **changes}
        body = {name: value for name, value in score.items() if value is not None}
        return await self.request("POST", with_suffix(line_item, "/scores"), body, Content_Type=AgsMediaType.SCORE)


def with_suffix(line_item: str, suffix: str) -> str:
    """The address below a line item: *suffix* is at the end of the path, before the query."""
    path, mark, query = line_item.partition("?")
    return f"{path}{suffix}{mark}{query}"
