"""A real daemon as a process, and what a tool writes for it."""

import asyncio
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import redis.asyncio

STREAM = "passback:events"

Event = dict[str, str]

_CONFIG = """
[database]
url = "{database}"
[redis]
url = "{redis}"
[outcomes]
max_per_campus = {concurrency}
max_connections = {connections}
composite_delay_seconds = {delay}
[egress]
allow_http = true
allow_networks = ["127.0.0.0/8"]
[web]
port = {port}
[log]
level = "warning"
[retention]
ledger_days = {ledger_days}
[intake]
port = {intake[0]}
tokens = ["{intake[1]}"]
"""


class Daemon:
    """A running daemon's pages, and its stream."""

    def __init__(self, web: aiohttp.ClientSession, client: redis.asyncio.Redis, process: psutil.Process) -> None:
        self.web = web
        self._redis = client
        self.process = process

    @property
    def cpu(self) -> float:
        """Seconds of a core that it has used."""
        times = self.process.cpu_times()
        return float(times.user + times.system)

    @property
    def memory_mb(self) -> float:
        """What it holds of the machine's memory."""
        return float(self.process.memory_info().rss) / 1e6

    async def add(self, events: Iterable[Event]) -> None:
        """Put events onto the stream."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for event in events:
                pipe.xadd(STREAM, event)
            await pipe.execute()

    async def until_clean(self, outcomes: int) -> None:
        """Until every event is applied and so many grades are where they should be."""
        while (status := await self._status())["stream_lag"] or status["assignments"]["clean"] != outcomes:
            await asyncio.sleep(0.1)

    async def until_applied(self) -> None:
        """Until no event is left."""
        while (await self._status())["stream_lag"]:
            await asyncio.sleep(0.2)

    async def clean(self) -> int:
        """How many grades are where they should be."""
        return int((await self._status())["assignments"]["clean"])

    async def quarantined(self) -> int:
        """How many events were refused."""
        return int((await self._status())["quarantined"])

    async def _status(self) -> dict[str, Any]:
        async with self.web.get("/statusz") as reply:
            status: dict[str, Any] = await reply.json()
        return status

    async def until_ready(self) -> None:
        while True:
            try:
                async with self.web.get("/readyz") as reply:
                    if reply.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.05)


@asynccontextmanager
async def running_daemon(
    work: Path,
    database: str,
    redis_url: str,
    *consumers: str,
    concurrency: int,
    connections: int | None = None,
    ledger_days: int = 365,
    delay: int = 900,
    module: str = "daemon",
    platform: str | None = None,
    intake: tuple[int, str] = (0, "no-token-of-the-benchmark"),
) -> AsyncIterator[Daemon]:
    """
    A daemon that is ready, with its config file in the folder *work*.

    Args:
        consumers: Names that are keys as well.
        concurrency: Requests at once to each of them.
        connections: Requests at once in all; by default as many as are needed for them.
        delay: Seconds that a composite waits.
        module: What is run in place of the daemon.
        intake: Port and token of its HTTP intake.
        platform: The issuer of an LTI 1.3 platform, which the consumers then are.
    """
    port = _free_port()
    config = work / "config.toml"
    config.write_text(
        _CONFIG.format(
            database=database,
            redis=redis_url,
            concurrency=concurrency,
            connections=connections or max(200, concurrency * len(consumers)),
            port=port,
            ledger_days=ledger_days,
            delay=delay,
            intake=intake,
        )
    )
    for name in consumers:
        added = ("consumer", "add", name, "--key", name, "--replace")
        if platform is not None:
            added = ("platform", "add", name, "--client-id", name, "--issuer", platform)
            added += ("--token-url", f"{platform}/token", "--replace")
        await asyncio.to_thread(_passbackd, *added, "--config", str(config))
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", module, "run", "--config", str(config))
    try:
        async with (
            aiohttp.ClientSession(f"http://127.0.0.1:{port}") as web,
            redis.asyncio.from_url(redis_url) as client,
        ):
            daemon = Daemon(web, client, psutil.Process(process.pid))
            await daemon.until_ready()
            yield daemon
    finally:
        process.terminate()
        await process.wait()


def launches(consumer: str, url: str, number: int, *, platform: str | None = None) -> Iterable[Event]:
    """So many learners of one consumer; *platform* as for :func:`running_daemon`."""
    for one in range(number):
        learner = {"user_id": f"{consumer}-{one}", "course_id": "course", "usage_id": "problem"}
        if platform is None:
            sourcedid = f"sourcedid-{consumer}-{one}"
            place = {"lis_result_sourcedid": sourcedid, "lis_outcome_service_url": url, "oauth_consumer_key": consumer}
        else:
            place = {"issuer": platform, "client_id": consumer, "lti_user_id": f"sub-{consumer}-{one}", "lineitem": url}
        yield {"type": "launch", **learner, **place}


def scores(consumer: str, number: int, earned: int = 50) -> Iterable[Event]:
    """A score of *earned* of 100 points for each of them."""
    for one in range(number):
        yield {
            "type": "score.changed",
            "user_id": f"{consumer}-{one}",
            "course_id": "course",
            "usage_id": "problem",
            "points_earned": str(earned),
            "points_possible": "100",
        }


def _passbackd(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "daemon", *arguments], check=True, stdout=subprocess.DEVNULL)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
