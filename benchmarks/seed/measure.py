"""The seed's design: from the first signal of a changed score until the campus has stored them all."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import aiohttp

from benchmarks.campus import look

#: Seconds that a round may take.
PATIENCE = 300.0
#: Outcomes sent first for each of the worker's processes or threads: every process has met the database by then.
WARM_UP = 4


async def seed(
    work: Path,
    database: str,
    redis_url: str,
    campus: str,
    outcomes: int,
    pool: Literal["prefork", "threads"],
    concurrency: int,
    *,
    tuned: bool = False,
) -> float:
    """
    Outcomes a second of one platform process and one Celery worker.

    Args:
        work: A folder for the worker's log.
        database: The URL of an empty PostgreSQL database.
        campus: The URL of a running campus stub.
        concurrency: The worker's processes or threads.
        tuned: Whether each of these keeps its connection to PostgreSQL, which Celery does not do by itself.

    Raises:
        RuntimeError: The grades did not all arrive.
    """
    log = work / "worker.log"
    warm_up = WARM_UP * concurrency
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "benchmarks.seed.settings",
        "SEED_DATABASE": database,
        "SEED_BROKER": redis_url,
        "SEED_TUNED": "yes" if tuned else "",
    }
    async with (
        _platform(environment, campus, max(outcomes, warm_up)) as platform,
        _worker(environment, log, pool, concurrency) as worker,
        aiohttp.ClientSession() as web,
    ):
        run = _Run(platform, worker, log, web, campus)
        # Different scores, since the campus counts different grades. The first ones' arrival shows that all is ready.
        await run.pass_back(25, warm_up)
        return outcomes / await run.pass_back(50, outcomes)


@dataclass(frozen=True, slots=True)
class _Run:
    """The processes at work, and where their grades go."""

    platform: Process
    worker: Process
    log: Path
    web: aiohttp.ClientSession
    campus: str

    async def pass_back(self, earned: int, number: int) -> float:
        """Seconds until the campus has stored so many learners' scores."""
        assert self.platform.stdin is not None
        before = await self._stored()
        started = time.perf_counter()
        self.platform.stdin.write(f"{earned} {number}\n".encode())
        while (arrived := await self._stored() - before) < number:
            ended = self.platform.returncode is not None or self.worker.returncode is not None
            if ended or time.perf_counter() - started > PATIENCE:
                log = self.log.read_text(errors="replace")[-4000:]
                raise RuntimeError(
                    f"{arrived} of {number} grades reached the campus; the worker's log ends with:\n{log}"
                )
            await asyncio.sleep(0.02)
        return time.perf_counter() - started

    async def _stored(self) -> int:
        _, stored = await look(self.web, self.campus)
        return stored


@asynccontextmanager
async def _platform(environment: dict[str, str], campus: str, learners: int) -> AsyncIterator[Process]:
    """The process that announces the scores, once its tables are there."""
    command = [sys.executable, "-m", "benchmarks.seed", campus, str(learners)]
    process = await asyncio.create_subprocess_exec(*command, env=environment, stdin=PIPE, stdout=PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        if not await process.stdout.readline():
            raise RuntimeError("the platform's process did not start: make bench installs what it needs")
        yield process
    finally:
        process.stdin.close()
        await process.wait()


@asynccontextmanager
async def _worker(environment: dict[str, str], log: Path, pool: str, concurrency: int) -> AsyncIterator[Process]:
    """A Celery worker with the defaults of its pool."""
    command = [sys.executable, "-m", "celery", "--app", "benchmarks.seed.worker", "worker"]
    options = ["--pool", pool, "--concurrency", str(concurrency), "--loglevel", "WARNING"]
    with log.open("ab") as file:
        process = await asyncio.create_subprocess_exec(*command, *options, env=environment, stdout=file, stderr=file)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
