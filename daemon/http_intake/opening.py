"""Opens the HTTP intake of a daemon, where its configuration has one."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import structlog

from actors.metrics import Metrics
from daemon.config import Config
from daemon.config.sections import IntakeSection
from daemon.http_intake.application import CONNECTION_SECONDS, MAX_CONNECTIONS, HttpIntake
from daemon.http_intake.publisher import Publisher
from daemon.infra.http_server import http_server
from daemon.infra.startup import UnusableError
from daemon.ingest.stream import Stream
from models.consumer import find_platform
from models.db.clock import Clock

log = structlog.get_logger(__name__)


@asynccontextmanager
async def open_http_intake(
    config: Config,
    stream: Stream,
    clock: Clock,
    metrics: Metrics,
    *,
    lag: Callable[[], int | None],
    trouble: Callable[[], str | None],
) -> AsyncIterator[HttpIntake]:
    """
    Serve within this context, unless it is off. *lag*, *trouble*: as :class:`HttpIntake` has them.

    Raises:
        UnusableError: The port is taken, or the host is not this machine's.
    """
    intake = HttpIntake(
        Publisher(stream),
        clock,
        metrics,
        platform_key,
        lag=lag,
        trouble=trouble,
        tokens=config.intake.allowed,
        egress=config.egress.policy,
    )
    async with AsyncExitStack() as stack:
        if config.intake.port:
            await stack.enter_async_context(_listening(intake, config.intake))
        yield intake


@asynccontextmanager
async def _listening(intake: HttpIntake, section: IntakeSection) -> AsyncIterator[None]:
    host, port = section.host, section.port
    server = http_server(
        intake.answer,
        host,
        port,
        lifetime=CONNECTION_SECONDS,
        most=MAX_CONNECTIONS,
        is_busy=intake.busy.__contains__,
    )
    async with AsyncExitStack() as stack:
        try:
            await stack.enter_async_context(server)
        except OSError as error:
            raise UnusableError(
                f"intake.host, intake.port: cannot listen on {host} port {port} ({error.strerror or error}): "
                "set another"
            ) from error
        log.info("taking events over HTTP", host=host, port=port)
        yield


async def platform_key(issuer: str, client_id: str) -> str | None:
    """The key of an LTI 1.3 platform; None if it is not known."""
    platform = await find_platform(issuer, client_id)
    return None if platform is None else platform.consumer_key
