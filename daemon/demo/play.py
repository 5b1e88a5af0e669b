"""Plays the main job through: learners, tool, daemon and campus, each where it would be, on one machine."""

import asyncio
import json
import secrets
import signal
import socket
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any

import aiohttp
from redis.asyncio import Redis
from redis.exceptions import RedisError
from rich.console import Console

from daemon.demo import INTERRUPTED
from daemon.demo.busy import busy
from daemon.demo.course import COURSE_ID, example_course, structure_event
from daemon.demo.learners import Assignment, Script, launch_event, score_event, write_script
from daemon.demo.lms.server import SERVICE, Lms
from daemon.demo.processes import Daemon, DemoError, call, running_daemon
from daemon.demo.show import final_table, live
from daemon.demo.tally import Tally, tally

CONSUMER_NAME, CONSUMER_KEY = "Example University", "demo"
LEARNERS, SEED = 60, 2026
STREAM = "passback:events"

#: Seconds until the daemon must be ready.
START_WITHIN = 25.0

#: Seconds from the first event until the play is cut off, wherever it stands.
PLAY_WITHIN = 90.0

#: Seconds between two looks at the daemon and the campus.
TICK = 0.25

#: A composite grade waits until its learner has paused for four seconds. Whoever was answered 503 may try again soon.
_CONFIG = """\
[database]
url = {database}

[redis]
url = "embedded"
embedded_dir = {redis}
embedded_port = 0
stream = "{stream}"

[outcomes]
composite_delay_seconds = 4
composite_max_delay_seconds = 20
hold_seconds = 1

[egress]
allow_http = true
allow_networks = ["127.0.0.0/8"]

[worker]
drain_seconds = 5

[web]
host = "127.0.0.1"
port = {port}
"""


@dataclass(frozen=True, slots=True)
class Stage:
    """Where everything is."""

    folder: Path
    web_port: int

    @property
    def config(self) -> Path:
        """The daemon's config file."""
        return self.folder / "config.toml"

    @property
    def embedded(self) -> Path:
        """The folder of the embedded server."""
        return self.folder / "redis"

    def web(self, page: str) -> str:
        """Return the address of one of the daemon's pages."""
        return f"http://127.0.0.1:{self.web_port}/{page}"

    def redis_port(self) -> int:
        """Return the port on which the embedded server listens, as the daemon noted it."""
        try:
            return int((self.embedded / "port").read_text())
        except (OSError, ValueError) as error:
            raise DemoError(f"the embedded server's port is not known: {error}") from error

    def holds(self, server_folder: str | None) -> bool:
        """Say whether a server that works in *server_folder* is the one that the demo's daemon started."""
        return server_folder is not None and Path(server_folder).resolve() == self.embedded.resolve()

    def write_config(self) -> None:
        """Write the config file."""
        text = _CONFIG.format(
            database=json.dumps(f"sqlite://{self.folder / 'passbackd.db'}"),
            redis=json.dumps(str(self.embedded)),
            stream=STREAM,
            port=self.web_port,
        )
        self.config.write_text(text)


async def play(console: Console) -> int:
    """
    Play the demo and show it on *console*.

    Returns:
        0 if the campus gradebook equals what the learners earned, 130 if somebody stopped the play, else 1.
        No process and no file of it is left behind.
    """
    with _stop_signals() as stopped:
        work = asyncio.create_task(_play(console))
        waiting = asyncio.create_task(stopped.wait())
        await asyncio.wait({work, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if not work.done():
            # Once only: what the play opened is being closed, and must not be disturbed at that.
            work.cancel()
            await asyncio.wait({work})
        if work.cancelled():
            console.print("stopped")
            return INTERRUPTED
        try:
            return work.result()
        except DemoError as error:
            console.print(str(error), style="red", markup=False, highlight=False)
            return 1


@contextmanager
def _stop_signals() -> Iterator[asyncio.Event]:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    numbers = signal.SIGINT, signal.SIGTERM, signal.SIGHUP
    for number in numbers:
        loop.add_signal_handler(number, stop.set)
    try:
        yield stop
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)


async def _play(console: Console) -> int:
    began = monotonic()
    script = write_script(example_course(), learners=LEARNERS, seed=SEED)
    secret = secrets.token_urlsafe(24)
    campus = Lms({CONSUMER_KEY: secret}, busy())
    with TemporaryDirectory(prefix="passbackd-demo-", ignore_cleanup_errors=True) as name:
        stage = Stage(Path(name), _free_port())
        stage.write_config()
        async with campus:
            console.print(f"{CONSUMER_NAME} takes grades at {campus.url(SERVICE.partition('?')[0])}", highlight=False)
            added = ("consumer", "add", CONSUMER_NAME, "--key", CONSUMER_KEY, "--secret-stdin")
            await call(*added, config=stage.config, stdin=secret.encode())
            async with _no_server_left(stage), running_daemon(stage.config, stage.folder / "daemon.log") as daemon:
                console.print("passbackd is starting, on SQLite and an embedded server", highlight=False)
                await _ready(stage, daemon)
                await _perform(console, stage, daemon, script, campus)
                await daemon.stop()
    return _conclude(console, tally(script, campus.requests, campus.grades()), campus, monotonic() - began)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@asynccontextmanager
async def _no_server_left(stage: Stage) -> AsyncIterator[None]:
    """On the way out, end the embedded server of a daemon that was killed before it could do so."""
    try:
        yield
    finally:
        if (stage.embedded / "port").exists():
            with suppress(RedisError, DemoError):
                async with Redis(host="127.0.0.1", port=stage.redis_port(), decode_responses=True) as redis:
                    # By now the port may be somebody else's.
                    if stage.holds((await redis.config_get("dir"))["dir"]):
                        await redis.shutdown(nosave=True)


async def _ready(stage: Stage, daemon: Daemon) -> None:
    """Wait until the daemon has its database, its Redis and its schema."""
    until = monotonic() + START_WITHIN
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as session:
        while monotonic() < until:
            daemon.check()
            try:
                async with session.get(stage.web("readyz")) as reply:
                    if reply.status == 200:
                        return
            except (aiohttp.ClientError, TimeoutError):
                pass
            await asyncio.sleep(TICK)
    raise daemon.fault(f"the daemon was not ready within {START_WITHIN:.0f} s")


async def _perform(console: Console, stage: Stage, daemon: Daemon, script: Script, campus: Lms) -> None:
    """Let the learners work, and wait until the daemon has nothing left to do; show both."""
    until = monotonic() + PLAY_WITHIN
    feed = _Feed(script, campus.url(SERVICE))
    feeding = asyncio.create_task(feed.run(stage.redis_port()))
    try:
        with live(console, events=len(script.deliveries), assignments=len(script.assignments)) as show:
            done = False
            while not done and monotonic() < until:
                await asyncio.sleep(TICK)
                daemon.check()
                show.update(feed.fed, tally(script, campus.requests, campus.grades()))
                if feeding.done():
                    feeding.result()
                    done = await _idle(stage)
            show.update(feed.fed, tally(script, campus.requests, campus.grades()))
    except RedisError as error:
        raise daemon.fault(f"the embedded server went away: {error}") from error
    finally:
        feeding.cancel()
        await asyncio.gather(feeding, return_exceptions=True)
    if not done:
        console.print(f"The play is cut off: passbackd was not done after {PLAY_WITHIN:.0f} s.", style="red")


class _Feed:
    """Stands for the tool: puts events on the stream when it is time."""

    def __init__(self, script: Script, service_url: str) -> None:
        self._script = script
        self._service_url = service_url
        #: Deliveries that are on the stream.
        self.fed = 0

    async def run(self, redis_port: int) -> None:
        """Put everything in the script on the stream of the Redis at *redis_port*."""
        async with Redis(host="127.0.0.1", port=redis_port) as redis:
            await _add(redis, structure_event(COURSE_ID, example_course(), version=1))
            began, clock = datetime.now(UTC), monotonic()
            for delivery in self._script.deliveries:
                await asyncio.sleep(max(0.0, clock + delivery.at - monotonic()))
                what = delivery.what
                if isinstance(what, Assignment):
                    event = launch_event(what, consumer_key=CONSUMER_KEY, service_url=self._service_url)
                else:
                    event = score_event(what, began=began)
                await _add(redis, event)
                self.fed += 1


async def _add(redis: Redis, event: Mapping[str, str]) -> None:
    fields: dict[Any, Any] = {**event}
    await redis.xadd(STREAM, fields)


async def _idle(stage: Stage) -> bool:
    """Say whether the daemon has read everything and sent all that can be sent."""
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as session,
            session.get(stage.web("statusz")) as reply,
        ):
            if reply.status != 200:
                return False
            status = await reply.json()
    except (aiohttp.ClientError, TimeoutError):
        return False
    assignments = status["assignments"]
    return status["stream_lag"] == 0 and not any(assignments[state] for state in ("due", "waiting", "claimed"))


def _conclude(console: Console, result: Tally, campus: Lms, seconds: float) -> int:
    console.print()
    console.print(final_table(result, seconds))
    for fault, number in Counter(fault.text for record in campus.requests for fault in record.faults).items():
        console.print(f"The campus refused {number} requests: {fault}", style="red")
    if result.mismatches:
        console.print("The campus gradebook is NOT what the learners earned.", style="bold red")
        return 1
    console.print("The campus gradebook equals what the learners earned.", style="green")
    console.print("Where to go next: README.md, which sets passbackd up for your own tool.")
    return 0
