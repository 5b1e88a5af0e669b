"""passbackd's own HTTP intake on a real Redis, without the daemon around it."""

from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass

from actors.metrics import Metrics
from daemon.config.intake_tokens import IntakeToken
from daemon.http_intake.application import CONNECTION_SECONDS, MAX_CONNECTIONS, HttpIntake
from daemon.http_intake.publisher import Publisher
from daemon.infra.http_server import http_server
from daemon.infra.redis import redis_client
from daemon.ingest.stream import Stream
from tests.clients.http_servers import on_a_thread
from tests.daemon.http_intake.conftest import ALL, MachineClock, platform_key
from tests.servers import HOST


@dataclass(frozen=True)
class Intake:
    url: str
    token: str


def running_intake(redis_url: str, key: str) -> AbstractContextManager[Intake]:
    """An intake in front of the stream *key*."""

    @asynccontextmanager
    async def opening() -> AsyncIterator[Intake]:
        async with redis_client(redis_url) as client:
            intake = HttpIntake(
                Publisher(Stream(client, key)),
                MachineClock(),
                Metrics("0"),
                platform_key,
                lag=lambda: 0,
                trouble=lambda: None,
                tokens=[IntakeToken(ALL)],
            )
            is_busy = intake.busy.__contains__
            limits = {"lifetime": CONNECTION_SECONDS, "most": MAX_CONNECTIONS, "is_busy": is_busy}
            async with http_server(intake.answer, HOST, 0, **limits) as port:
                yield Intake(f"http://{HOST}:{port}", ALL)

    return on_a_thread(opening)
