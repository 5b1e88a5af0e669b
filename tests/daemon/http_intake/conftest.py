"""The HTTP intake on a real stream and a real socket."""

import io
import time
from contextlib import asynccontextmanager

import aiohttp
import pytest

from actors.metrics import Metrics
from daemon.config.intake_tokens import IntakeToken
from daemon.http_intake.application import CONNECTION_SECONDS, MAX_CONNECTIONS, HttpIntake
from daemon.http_intake.publisher import Publisher
from daemon.infra.http_server import http_server
from daemon.infra.redis import redis_client
from daemon.ingest.stream import Stream
from models.db.clock import Clock
from tests.daemon.ingest.reading import KEY

ALL, SCORES, ONE_CONSUMER = "all-" + "a" * 24, "scores-" + "b" * 24, "one-" + "c" * 24
TOKENS = [
    IntakeToken(ALL),
    IntakeToken(SCORES, types=frozenset({"score.changed", "score.cleared"})),
    IntakeToken.parse(f"{ONE_CONSUMER} consumer=key consumer=platform"),
]


class MachineClock(Clock):
    """Goes by this machine's clock: the database is not asked."""

    def now(self):
        return int(time.time() * 1000)


async def platform_key(issuer, client_id):
    return {("https://campus.example", "client"): "platform"}.get((issuer, client_id))


@pytest.fixture
async def stream(valkey_url):
    async with redis_client(valkey_url) as client:
        yield Stream(client, KEY)


@pytest.fixture
def intake(stream):
    return HttpIntake(
        Publisher(stream),
        MachineClock(),
        Metrics("0"),
        platform_key,
        lag=lambda: 0,
        trouble=lambda: None,
        tokens=TOKENS,
    )


@pytest.fixture
async def serve(intake):
    @asynccontextmanager
    async def serve(most=MAX_CONNECTIONS):
        server = http_server(
            intake.answer, "127.0.0.1", 0, lifetime=CONNECTION_SECONDS, most=most, is_busy=intake.busy.__contains__
        )
        async with server as port, aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
            yield session

    return serve


@pytest.fixture
async def post(serve):
    """Posts a body; gives the answer, its document and its headers."""
    async with serve() as session:

        async def post(body=b"", *, token=ALL, content_type="application/json", path="/events", **headers):
            headers = {"Content-Type": content_type, **headers}
            if token:
                headers["Authorization"] = f"Bearer {token}"
            body = body.encode() if isinstance(body, str) else body
            data = io.BytesIO(body) if isinstance(body, bytes) else body
            async with session.post(path, data=data, headers=headers) as answer:
                return answer.status, await answer.json(), answer.headers

        post.session = session
        yield post


@pytest.fixture
async def entries(stream):
    async def entries():
        return [
            {name.decode(): value.decode() for name, value in fields.items()}
            for _, fields in await stream.redis.xrange(KEY)
        ]

    return entries
