"""A token server on a real socket, which says what a test wants, and notes what it heard."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import cache
from ipaddress import ip_network
from urllib.parse import parse_qs

import pytest
from aiohttp import web
from joserfc import jwt
from joserfc.jwk import RSAKey

from actors.client import Sender
from actors.egress import Egress
from actors.errors import DeliveryError
from actors.token_requests import TokenRequests
from actors.tokens import Tokens
from models.consumer import LtiConsumer
from models.db.clock import Clock, ClockReading
from models.tool_key import ToolKey
from tests.actors.posting import outcome_session

CONSUMER = 7
SCOPE = "https://purl.imsglobal.org/spec/lti-ags/scope/score"
#: By the database's clock, milliseconds since 1970, when the monotonic one says 1000 s.
START = 1_795_342_530_000
RESULTS = "https://purl.imsglobal.org/spec/lti-ags/scope/result.readonly"
PAGE = "<html><title>Sign in</title><body>Sign in</body></html>"


@cache
def pem_of(kid: str) -> str:
    return RSAKey.generate_key(2048).as_pem(private=True).decode()


def key(kid: str) -> ToolKey:
    return ToolKey(kid=kid, private_pem=pem_of(kid), created_at=0, signs_from=0)


class FakeTime:
    """Monotonic seconds that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def clock_at(time: FakeTime) -> Clock:
    clock = Clock(time)
    clock.adopt(ClockReading(START - time() * 1000, 0, 0.0))
    return clock


@dataclass
class Asked:
    """A request for a token."""

    form: dict[str, list[str]]
    header: dict[str, str]
    claims: dict[str, object]


Answer = Callable[[Asked], web.Response]


def gives(text: str = "token", *, date: float | None = None, status: int = 200, **members) -> Answer:
    """An answer with a token; *date*: what it says the time is, seconds since 1970."""
    return lambda _: with_date(web.json_response({"access_token": text, **members}, status=status), date)


def says(status: int, body: object = None, *, date: float | None = None, text: str | None = None, **headers) -> Answer:
    """An answer without a token."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}

    def answer(_: Asked) -> web.Response:
        if text is not None:
            return with_date(web.Response(status=status, text=text, content_type="text/html", headers=names), date)
        return with_date(web.json_response(body, status=status, headers=names), date)

    return answer


def with_date(response: web.Response, date: float | None) -> web.Response:
    if date is not None:
        response.headers["Date"] = format_datetime(datetime.fromtimestamp(date, UTC), usegmt=True)
    return response


@dataclass
class TokenServer:
    """Gives the answers in turn, and the last one for ever. Its clock is ours unless an answer says otherwise."""

    clock: Clock
    answers: list[Answer] = field(default_factory=lambda: [gives()])
    asked: list[Asked] = field(default_factory=list)
    #: Cleared by a test to have the server wait.
    goes_on: asyncio.Event = field(default_factory=asyncio.Event)
    url: str = ""

    async def handle(self, request: web.Request) -> web.Response:
        form = parse_qs(await request.text())
        (assertion,) = form["client_assertion"]
        token = jwt.decode(assertion, lambda guest: RSAKey.import_key(pem_of(guest.headers()["kid"])))
        self.asked.append(Asked(form, dict(token.header), dict(token.claims)))
        await self.goes_on.wait()
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        response = answer(self.asked[-1])
        return response if "Date" in response.headers else with_date(response, self.clock.now() / 1000)


@dataclass
class Setup:
    """Tokens beside their server."""

    server: TokenServer
    tokens: Tokens
    time: FakeTime
    consumer: LtiConsumer
    #: Kids that were noted.
    noted: list[str]
    keys: list[ToolKey]

    async def fetch(self, scope: str = SCOPE) -> str:
        return await self.tokens.fetch(CONSUMER, scope)

    def usable(self, scope: str = SCOPE) -> str | None:
        return self.tokens.usable(CONSUMER, scope)


@asynccontextmanager
async def token_server(*, timeout_seconds: float = 60, kids: Sequence[str] = ("new",)) -> AsyncIterator[Setup]:
    time, noted, keys = FakeTime(), [], [key(kid) for kid in kids]
    clock = clock_at(time)
    server = TokenServer(clock)
    server.goes_on.set()
    app = web.Application()
    app.router.add_post("/token", server.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}/token"
    consumer = LtiConsumer(
        id=CONSUMER, consumer_name="campus", consumer_key="the-key", client_id="the-client", token_url=server.url
    )
    egress = Egress(allow_http=True, allow_networks=[ip_network("127.0.0.0/8")])

    async def find(consumer_id: int) -> LtiConsumer | None:
        return consumer if consumer_id == CONSUMER else None

    async def list_keys(now: int) -> Sequence[ToolKey]:
        assert now >= START
        return keys

    async def note(consumer_id: int, kid: str) -> None:
        noted.append(kid)
        consumer.signing_kid = kid

    async with outcome_session(timeout_seconds, egress=egress) as session:
        requests = TokenRequests(Sender(session).send, clock, consumer=find, keys=list_keys, note_key=note)
        tokens = Tokens(requests, clock)
        try:
            yield Setup(server, tokens, time, consumer, noted, keys)
        finally:
            await tokens.close()
            server.goes_on.set()
            await runner.cleanup()


async def failure_of(setup: Setup, scope: str = SCOPE) -> DeliveryError:
    """That of a request for a token."""
    with pytest.raises(DeliveryError) as caught:
        await setup.fetch(scope)
    return caught.value
