"""The real daemon: from ``XADD`` to the row clean and the ledger written."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import aiohttp
import redis.asyncio

if TYPE_CHECKING:
    from pathlib import Path

STREAM = "passback:events"

_CONFIG = """
[database]
url = "{database}"
[redis]
url = "{redis}"
[outcomes]
max_per_campus = {concurrency}
max_connections = {concurrency}
[egress]
allow_http = true
allow_networks = ["127.0.0.0/8"]
[web]
port = {port}
[log]
level = "warning"
"""


async def end_to_end(work: Path, database: str, redis_url: str, campus: str, outcomes: int, concurrency: int) -> float:
    """Outcomes a second."""
    port = _free_port()
    config = work / "config.toml"
    config.write_text(_CONFIG.format(database=database, redis=redis_url, concurrency=concurrency, port=port))
    await asyncio.to_thread(_passbackd, "consumer", "add", "Bench", "--key", "bench", "--config", str(config))
    daemon = await asyncio.create_subprocess_exec(sys.executable, "-m", "daemon", "run", "--config", str(config))
    try:
        async with (
            aiohttp.ClientSession(f"http://127.0.0.1:{port}") as web,
            redis.asyncio.from_url(redis_url) as client,
        ):
            await _until_ready(web)
            await _add(client, (_launch(number, campus) for number in range(outcomes)))
            await _until_clean(web, outcomes)
            started = time.perf_counter()
            await _add(client, (_score(number) for number in range(outcomes)))
            await _until_clean(web, outcomes)
            return outcomes / (time.perf_counter() - started)
    finally:
        daemon.terminate()
        await daemon.wait()


def _passbackd(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "daemon", *arguments], check=True, stdout=subprocess.DEVNULL)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def _add(client: redis.asyncio.Redis, events) -> None:
    async with client.pipeline(transaction=False) as pipe:
        for event in events:
            pipe.xadd(STREAM, event)
        await pipe.execute()


def _launch(number: int, campus: str) -> dict[str, str]:
    return {
        "type": "launch",
        "oauth_consumer_key": "bench",
        "user_id": f"user-{number}",
        "course_id": "course",
        "usage_id": "problem",
        "lis_result_sourcedid": f"sourcedid-{number}",
        "lis_outcome_service_url": campus,
    }


def _score(number: int) -> dict[str, str]:
    return {
        "type": "score.changed",
        "user_id": f"user-{number}",
        "course_id": "course",
        "usage_id": "problem",
        "points_earned": "1",
        "points_possible": "2",
    }


async def _until_ready(web: aiohttp.ClientSession) -> None:
    while True:
        try:
            async with web.get("/readyz") as reply:
                if reply.status == 200:
                    return
        except aiohttp.ClientError:
            pass
        await asyncio.sleep(0.05)


async def _until_clean(web: aiohttp.ClientSession, outcomes: int) -> None:
    while True:
        async with web.get("/statusz") as reply:
            status = await reply.json()
        if status["stream_lag"] == 0 and status["assignments"]["clean"] == outcomes:
            return
        await asyncio.sleep(0.05)
