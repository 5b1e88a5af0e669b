"""Plays the main job through on one machine: learners, tool, daemon and campuses."""

import asyncio
import json
import signal
import socket
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any

import aiohttp
from redis.asyncio import Redis
from redis.exceptions import RedisError
from rich.console import Console

from daemon.demo import INTERRUPTED
from daemon.demo.campuses import DemoCampus, open_campus
from daemon.demo.course import example_course, structure_event
from daemon.demo.learners import CAMPUSES, Assignment, CampusPlan, Script, score_event, write_script
from daemon.demo.processes import DaemonProcess, DemoError, call, running_daemon
from daemon.demo.show import Show, campus_table, final_table
from daemon.demo.tally import CampusHolds, Tally, tally

LEARNERS, SEED = 60, 2026
STREAM = "passback:events"

#: Seconds until the daemon must be ready.
START_WITHIN = 60.0
#: Seconds from the first event until the demo is cut off.
PLAY_WITHIN = 90.0
#: Seconds between two looks at the daemon and the campuses.
TICK = 0.25

#: A composite grade waits until its learner has paused for four seconds. An assignment in doubt is tried again soon.
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
class Place:
    """The demo's folder, and the port of its daemon's pages."""

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

    def redis(self) -> Redis:
        """A client of the embedded server, which listens where the daemon noted it."""
        try:
            port = int((self.embedded / "port").read_text())
            password = (self.embedded / "password").read_text().strip()
        except (OSError, ValueError) as error:
            raise DemoError(f"the embedded server's port is not known: {error}") from error
        return Redis(host="127.0.0.1", port=port, password=password, decode_responses=True)

    def holds(self, server_folder: str | None) -> bool:
        """Whether a server that works in *server_folder* is the embedded one of the demo."""
        return server_folder is not None and Path(server_folder).resolve() == self.embedded.resolve()

    def write_config(self) -> None:
        """Write the config file."""
        database, redis = json.dumps(f"sqlite://{self.folder / 'passbackd.db'}"), json.dumps(str(self.embedded))
        self.config.write_text(_CONFIG.format(database=database, redis=redis, stream=STREAM, port=self.web_port))

    def page(self, name: str) -> str:
        """The URL of one of the daemon's pages."""
        return f"http://127.0.0.1:{self.web_port}/{name}"

    async def get(self, page: str) -> str | None:
        """One of the daemon's pages; None if it is not there or says that the daemon is not ready."""
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as session,
                session.get(self.page(page)) as reply,
            ):
                return await reply.text() if reply.status == 200 else None
        except (aiohttp.ClientError, TimeoutError):
            return None


async def play(console: Console) -> int:
    """
    Play the demo and show it on *console*.

    Returns:
        0 if every campus gradebook equals what the learners earned, 130 if a signal stopped the demo, else 1.
        No process and no file of it is left behind.
    """
    loop, work = asyncio.get_running_loop(), asyncio.current_task()

    def stop() -> None:
        # Once only: what the demo opened is being closed, and a second signal must not disturb that.
        for number in signals:
            loop.add_signal_handler(number, lambda: None)
        if work is not None:
            work.cancel()

    signals = signal.SIGINT, signal.SIGTERM, signal.SIGHUP
    for number in signals:
        loop.add_signal_handler(number, stop)
    try:
        return await _play(console)
    except asyncio.CancelledError:
        console.print("stopped")
        return INTERRUPTED
    except DemoError as error:
        console.print(str(error), style="red", markup=False, highlight=False)
        return 1


async def _play(console: Console) -> int:
    began = monotonic()
    course = example_course()
    script = write_script(course, learners=LEARNERS, seed=SEED)

    with TemporaryDirectory(prefix="passbackd-demo-", ignore_cleanup_errors=True) as name:
        place = Place(Path(name), _free_port())
        place.write_config()
        campuses = {plan: open_campus(plan, place.page("jwks")) for plan in CAMPUSES}

        def result() -> Tally:
            held = {plan: CampusHolds(campus.arrivals(), campus.grades()) for plan, campus in campuses.items()}
            return tally(script, course, held)

        async with AsyncExitStack() as serving:
            for campus in campuses.values():
                await serving.enter_async_context(campus.serving())
            for plan in campuses:
                console.print(f"{plan.name} takes grades over {plan.protocol}", highlight=False)
            async with _no_server_left(place), running_daemon(place.config, place.folder / "daemon.log") as daemon:
                console.print("passbackd is starting, on SQLite and an embedded server", highlight=False)
                await _until_ready(place, daemon)
                await _add(place, campuses.values())
                feed = _Feed(script, structure_event(course), campuses)
                await _perform(console, place, daemon, feed, result)
                await daemon.stop()
    return _conclude(console, result(), campuses, monotonic() - began)


async def _add(place: Place, campuses: Iterable[DemoCampus]) -> None:
    """Make passbackd know the campuses, all at once: the commands take longer to start than to work."""
    try:
        async with asyncio.TaskGroup() as adding:
            for command in chain.from_iterable(campus.commands() for campus in campuses):
                adding.create_task(call(*command.arguments, config=place.config, stdin=command.stdin))
    except* DemoError as errors:
        raise errors.exceptions[0] from None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@asynccontextmanager
async def _no_server_left(place: Place) -> AsyncIterator[None]:
    """On the way out, end the embedded server of a daemon that was killed before it could do so."""
    try:
        yield
    finally:
        if (place.embedded / "port").exists():
            with suppress(RedisError, DemoError):
                async with place.redis() as redis:
                    # By now the port may belong to another server.
                    if place.holds((await redis.config_get("dir"))["dir"]):
                        await redis.shutdown(nosave=True)


async def _until_ready(place: Place, daemon: DaemonProcess) -> None:
    """Wait until the daemon has its database, its Redis and its schema."""
    until = monotonic() + START_WITHIN
    while await place.get("readyz") is None:
        daemon.check()
        if monotonic() > until:
            raise daemon.fault(f"the daemon was not ready within {START_WITHIN:.0f} s")
        await asyncio.sleep(TICK)


class _Feed:
    """Puts events on the stream when it is time, as a learning tool does."""

    def __init__(self, script: Script, structure: dict[str, str], campuses: Mapping[CampusPlan, DemoCampus]) -> None:
        self._structure = structure
        self._campuses = campuses
        self.script = script
        #: Steps of the script that are on the stream.
        self.fed = 0

    async def run(self, redis: Redis) -> None:
        """Put everything in the script on the stream."""
        async with redis:
            await self._add(redis, self._structure)
            began, clock = datetime.now(UTC), monotonic()
            for step in self.script.steps:
                await asyncio.sleep(max(0.0, clock + step.at - monotonic()))
                if isinstance(step.what, Assignment):
                    event = self._campuses[step.what.campus].launch(step.what, moves=step.kind == "move")
                else:
                    event = score_event(step.what, began=began)
                await self._add(redis, event)
                self.fed += 1

    async def _add(self, redis: Redis, event: dict[str, str]) -> None:
        fields: dict[Any, Any] = {**event}
        await redis.xadd(STREAM, fields)


async def _perform(
    console: Console, place: Place, daemon: DaemonProcess, feed: _Feed, result: Callable[[], Tally]
) -> None:
    """Let the learners work, and wait until the daemon has nothing left to do; show both."""
    until = monotonic() + PLAY_WITHIN
    feeding = asyncio.create_task(feed.run(place.redis()))
    try:
        with Show(console, len(feed.script.steps)) as show:
            done = False
            while not done and monotonic() < until:
                await asyncio.sleep(TICK)
                daemon.check()
                if feeding.done():
                    feeding.result()
                    done = await _idle(place)
                show.update(feed.fed, result())
    except RedisError as error:
        raise daemon.fault(f"the embedded server went away: {error}") from error
    finally:
        feeding.cancel()
        await asyncio.gather(feeding, return_exceptions=True)
    if not done:
        console.print(f"The demo is cut off: passbackd was not done after {PLAY_WITHIN:.0f} s.", style="red")


async def _idle(place: Place) -> bool:
    """Whether the daemon has read everything and sent all that can be sent."""
    page = await place.get("statusz")
    if page is None:
        return False
    status = json.loads(page)
    if status["stream_lag"]:
        return False
    return not any(status["assignments"][state] for state in ("due", "waiting", "claimed"))


def _conclude(console: Console, result: Tally, campuses: Mapping[CampusPlan, DemoCampus], seconds: float) -> int:
    console.print()
    console.print(campus_table(result))
    console.print(final_table(result, seconds))
    for plan, campus in campuses.items():
        for fault, number in Counter(one.fault for one in campus.arrivals() if one.fault).items():
            console.print(f"{plan.name} refused {number} requests: {fault}", style="red", markup=False)
    if result.mismatches:
        console.print("The gradebooks are NOT what the learners earned.", style="bold red")
        return 1
    console.print("Every campus gradebook equals what the learners earned.", style="green")
    console.print("Where to go next: README.md, which sets passbackd up for your own tool.")
    return 0
