"""Open everything the daemon needs, in order; close it in reverse, also when opening fails half way."""

import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from importlib.metadata import version

import structlog
from aiohttp import web

from actors.client import Abort
from actors.dependencies import Dependencies
from actors.failpoints import Hit, pass_by
from actors.line_items import LineItems
from actors.metrics import Metrics
from actors.read_back import Reader
from actors.send_outcomes import Outcomes
from daemon.check.probe import PROBE_TIMEOUT, ProbeContext
from daemon.config import Config
from daemon.http_intake.opening import open_http_intake
from daemon.infra.embedded import EmbeddedServer, embedded_server
from daemon.infra.log import configure as configure_log
from daemon.infra.loop import Loop
from daemon.infra.redis import redis_client
from daemon.infra.startup import UnusableError, prepare_database, until_it_works
from daemon.infra.stop import Stop
from daemon.ingest.apply import Applier
from daemon.ingest.batch import Batches
from daemon.ingest.catch_up import CatchUp
from daemon.ingest.ownership import Ownership
from daemon.ingest.reader import IntakeLoop
from daemon.ingest.standstill import Standstill
from daemon.ingest.stream import Stream
from daemon.loops.certificates import Certificates
from daemon.loops.connections import drop_strays
from daemon.loops.dispatch import Dispatcher
from daemon.loops.gauges import Gauges
from daemon.loops.heartbeat import HeartbeatLoop
from daemon.loops.line_items import LineItemLoop
from daemon.loops.prune import Prune
from daemon.loops.systemd import Notifier, Watchdog
from daemon.pages.assets import read_assets
from daemon.pages.login import Logins
from daemon.pages.login_limit import LoginLimit
from daemon.pages.passwords import PasswordVerifier
from daemon.pages.serving import Pages
from daemon.pages.site import Opened, Site
from daemon.queue.broker import dramatiq_broker
from daemon.queue.worker import LoopWorker, running_worker
from daemon.web.health import Health
from daemon.web.key_set import PublishedKeySet
from daemon.web.server import application, web_server
from daemon.wiring import access_tokens, attempt_settings, open_sender, outcome_sessions
from models.clock_watch import watch
from models.course import CourseTrees
from models.db.clock import Clock
from models.db.database import open_database
from models.encryption import Cipher
from models.platform_admin import note_signing_key
from models.secrets import count_outdated, note_keys, undecryptable
from models.stream_position import read_position

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Environment:
    """What surrounds the daemon; tests of faults replace it."""

    #: Seconds that never step back.
    monotonic: Callable[[], float] = time.monotonic
    hit: Hit = pass_by
    notifier: Notifier = field(default_factory=lambda: Notifier(None))
    #: What the status says of configuration and database.
    whereabouts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Daemon:
    """The loops to run, and *adopt*, which applies a configuration that :func:`daemon.config.reload.merged` made."""

    loops: list[Loop]
    adopt: Callable[[Config], None]


@asynccontextmanager
async def lifespan(config: Config, stop: Stop, environment: Environment) -> AsyncIterator[Daemon]:
    """
    Open the daemon, and drain it at the end.

    Raises:
        SchemaError, EmbeddedError, UnusableError: The configuration cannot work.
        StoppedError: *stop* was set while the daemon waited for a server.
    """
    async with AsyncExitStack() as stack:
        health, metrics = Health(environment.whereabouts), Metrics(version("passbackd"), started=time.time())
        metrics.ready.set_function(lambda: not health.troubles())
        cipher = config.secrets.cipher
        key_set = PublishedKeySet(cipher, config.keys.publish_ahead_ms, environment.monotonic)
        app = application(health, metrics, key_set, (config.web.host.lower(), *config.web.names))
        pages = await _open_web(config, app, environment.monotonic, stack)

        embedded, redis_url = await _open_embedded(config, stack)

        clock = Clock(environment.monotonic)
        await _open_database(config, clock, cipher, health, stop, stack)
        key_set.opened(clock)
        stream = await _open_stream(redis_url, config.redis.stream, health, stop, stack)

        settings, backlog, trees = attempt_settings(config), CatchUp(), CourseTrees()
        heartbeat = HeartbeatLoop(clock, reads=lambda: ownership.token, troubles=health.troubles)
        ownership = Ownership(stream, clock, heartbeat.name)
        # After the worker: this daemon sends no more.
        stack.push_async_callback(heartbeat.deregister)
        stack.push_async_callback(ownership.release)

        certificates, certificate_ends = await _open_certificates(config, clock, stack)
        sender = await stack.enter_async_context(open_sender(config, certificate_ends))
        tokens = access_tokens(sender, clock, cipher, note_signing_key)
        dependencies = Dependencies(
            sender=sender,
            trees=trees,
            clock=clock,
            metrics=metrics,
            settings=settings,
            may_send=lambda: backlog.applied and ownership.trouble is None,
            abort=Abort(),
            hit=environment.hit,
            cipher=cipher,
            tokens=tokens,
        )
        outcomes, worker = await _open_outcomes(config, redis_url, dependencies, stop, stack)
        dispatcher, line_items = _open_senders(outcomes, dependencies, stop, stack)
        # Who waits for a token waits no longer.
        stack.push_async_callback(tokens.close)
        applier = Applier(trees, config.outcomes.debounce, config.egress.policy)
        batches = Batches(applier, clock, backlog, metrics, outcomes.enqueue_dirty, environment.hit)
        intake = IntakeLoop(stream, batches, ownership, keep_days=config.retention.stream_days)
        standstill = Standstill(environment.monotonic, metrics, lambda: ownership.trouble is not None)
        health.reasons += [lambda: ownership.trouble, lambda: standstill.trouble]
        gauges = Gauges(
            clock=clock, stream=stream, metrics=metrics, standstill=standstill, certificate_ends=certificate_ends
        )
        http_intake = await stack.enter_async_context(
            open_http_intake(config, stream, clock, metrics, lag=lambda: gauges.lag, trouble=lambda: ownership.trouble)
        )
        pages.site.opened = _opened(dependencies, stream, health, certificates, gauges)
        stack.push_async_callback(pages.close)
        # Who sees that it is ready, and asks at once, finds this daemon in the status.
        await until_it_works("database", heartbeat.begin, health, stop)
        loops = [
            Loop("intake", intake.step),
            Loop("dispatcher", dispatcher.step),
            Loop("line items", line_items.step),
            Loop("heartbeat", heartbeat.step),
            Loop("queue", worker.watch, progresses=worker.looks),
            Loop("connections", drop_strays),
            Loop("gauges", gauges.step),
            Loop("certificates", certificates.step),
            Loop("prune", (prune := Prune(clock=clock, retention=config.retention)).step),
            Loop("supervisor", Watchdog(environment.notifier, health, lambda: gauges.line).step),
            *([] if embedded is None else [Loop("embedded server", embedded.watch)]),
        ]

        def adopt(new: Config) -> None:
            dependencies.settings = attempt_settings(new)
            applier.debounce = new.outcomes.debounce
            intake.keep_days = new.retention.stream_days
            prune.retention = new.retention
            key_set.ahead_ms = new.keys.publish_ahead_ms
            http_intake.tokens = new.intake.allowed
            pages.site.config = new
            configure_log(new.log.level, new.log.format, new.log.timezone)

        health.started(loops, clock, stream)
        log.info("ready")
        yield Daemon(loops, adopt)
        log.info("draining", seconds=config.worker.drain_seconds)


def _opened(given: Dependencies, stream: Stream, health: Health, certificates: Certificates, gauges: Gauges) -> Opened:
    def reader() -> Reader:
        return Reader(given.sender, given.clock, given.settings, given.cipher, given.tokens)

    return Opened(given.clock, stream, health.troubles, reader, certificates.context, lambda: gauges.status)


async def _open_embedded(config: Config, stack: AsyncExitStack) -> tuple[EmbeddedServer | None, str]:
    """The embedded server, if there is one, and the address of Redis."""
    if not config.redis.embedded:
        return None, config.redis.url
    server = embedded_server(config.redis.embedded_dir, config.redis.embedded_port)
    embedded = await stack.enter_async_context(server)
    return embedded, embedded.url


def _open_senders(
    outcomes: Outcomes, dependencies: Dependencies, stop: Stop, stack: AsyncExitStack
) -> tuple[Dispatcher, LineItemLoop]:
    dispatcher = Dispatcher(outcomes, dependencies)
    outcomes.notify = dispatcher.notify
    stack.push_async_callback(dispatcher.close)
    # A look that the stop ends is in doubt: another begins once what it sent has landed.
    abort = Abort()
    stop.on_set(abort.set)
    looks = LineItems(
        dependencies.sender,
        dependencies.tokens,
        dependencies.clock,
        lambda: dependencies.settings,
        abort,
        dependencies.next_breaker,
    )
    line_items = LineItemLoop(looks, dependencies.clock, dependencies.may_send)
    stack.push_async_callback(line_items.close)
    return dispatcher, line_items


async def _open_web(
    config: Config, app: web.Application, monotonic: Callable[[], float], stack: AsyncExitStack
) -> Pages:
    pages = Pages(Site(config), read_assets(), Logins(LoginLimit(monotonic), PasswordVerifier()))
    pages.add_to(app)
    host, port = config.web.host, config.web.port
    try:
        chosen = await stack.enter_async_context(web_server(app, host, port, busy=pages.busy))
    except OSError as error:
        raise UnusableError(
            f"web.host, web.port: cannot listen on {host} port {port} ({error.strerror or error}): set another"
        ) from error
    log.info("listening", host=host, port=chosen)
    return pages


async def _open_database(
    config: Config, clock: Clock, cipher: Cipher, health: Health, stop: Stop, stack: AsyncExitStack
) -> None:
    url = config.database.url
    await until_it_works(
        "database", lambda: prepare_database(url, migrate_on_start=config.database.migrate_on_start), health, stop
    )
    await stack.enter_async_context(open_database(url))
    await until_it_works("database", lambda: watch(clock), health, stop)
    await until_it_works("database", read_position, health, stop)
    await until_it_works("database", lambda: _try_keys(cipher), health, stop)


async def _open_stream(redis_url: str, name: str, health: Health, stop: Stop, stack: AsyncExitStack) -> Stream:
    client = await stack.enter_async_context(redis_client(redis_url))
    await until_it_works("redis", client.ping, health, stop)
    return Stream(client, name)


async def _open_certificates(
    config: Config, clock: Clock, stack: AsyncExitStack
) -> tuple[Certificates, dict[str, float]]:
    certificate_ends: dict[str, float] = {}
    # A pool of its own: a probe takes no connection from grades.
    sessions = await stack.enter_async_context(outcome_sessions(config, certificate_ends))
    timeout = min(config.outcomes.timeout_seconds, PROBE_TIMEOUT)
    context = ProbeContext(sessions, certificate_ends, clock.now, timeout)
    return Certificates(context, clock.monotonic), certificate_ends


async def _try_keys(cipher: Cipher) -> None:
    await note_keys(cipher)
    if names := await undecryptable(cipher):
        raise UnusableError(
            f"secrets.keys: the secrets of {', '.join(names)} cannot be read with "
            f"{'these keys' if cipher.has_key else 'no key'}: add the key that encrypted them, or set secrets "
            "anew with `passbackd consumer add` and replace signing keys (`passbackd keys withdraw`, `keys new`)"
        )
    if not cipher.has_key:
        log.warning("consumer secrets are not encrypted in the database: set secrets.keys (`passbackd secrets key`)")
    elif number := await count_outdated(cipher):
        log.warning("secrets are not encrypted with the newest key: run `passbackd secrets rotate`", secrets=number)


async def _open_outcomes(
    config: Config, redis_url: str, dependencies: Dependencies, stop: Stop, stack: AsyncExitStack
) -> tuple[Outcomes, LoopWorker]:
    broker = dramatiq_broker(redis_url, config.redis.dramatiq_namespace)
    stack.callback(broker.close)
    outcomes = Outcomes(broker, dependencies, partitions=config.worker.partitions)
    # Attempts under way end, and no claim follows them.
    stop.on_set(outcomes.close)
    worker = LoopWorker(
        broker,
        drain_seconds=config.worker.drain_seconds,
        on_deadline=dependencies.abort.set,
        # As many again as may have an attempt: some messages name nothing that may be sent now.
        window=2 * config.outcomes.max_connections,
    )
    # Last in, first out: actors drain while the database and the pool are open.
    await stack.enter_async_context(running_worker(worker))
    # The drain counts from the stop, and the loops took a part of it.
    stack.callback(lambda: worker.spent(stop.seconds_ago()))
    return outcomes, worker
