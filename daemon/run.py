"""``passbackd run``: the daemon in the foreground."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from daemon.lifespan import Outside, lifespan
from daemon.startup import StoppedError
from daemon.stop import Stop, stop_on_signals

try:
    from uvloop import new_event_loop as _new_event_loop
except ImportError:  # not made for this platform
    _new_event_loop = asyncio.new_event_loop  # type: ignore[assignment]

if TYPE_CHECKING:
    from daemon.config import Config
    from daemon.loops import Loop

log = structlog.get_logger(__name__)

#: Seconds that loops have to end: longer than a blocking read of the stream and a batch of intake.
LOOPS_END = 3.0


def run_daemon(config: Config, outside: Outside | None = None) -> None:
    """
    Run until SIGTERM or SIGINT, then drain.

    Raises:
        SchemaError, EmbeddedError, UnusableError: The configuration cannot work.
        Exception: A loop died; the supervisor starts us again.
    """
    with asyncio.Runner(loop_factory=_new_event_loop) as runner:
        runner.run(_serve(config, outside or Outside()))


async def _serve(config: Config, outside: Outside) -> None:
    stop = Stop()
    with stop_on_signals(stop):
        try:
            async with lifespan(config, stop, outside) as loops:
                await run_loops(loops, stop)
        except StoppedError:
            log.info("stopped before it had started")
    log.info("stopped")


async def run_loops(loops: list[Loop], stop: Stop, *, patience: float = LOOPS_END) -> None:
    """
    Run all loops until *stop*.

    When one dies the others are told to stop: none is cancelled, since it may be in a transaction.

    Args:
        patience: Seconds that a loop has to end after the stop; one that hangs in a lost server is left behind.

    Raises:
        Exception: What the first one died of.
    """

    async def run(loop: Loop) -> None:
        try:
            await loop.run(stop)
        finally:
            stop.set()

    running = [asyncio.create_task(run(loop), name=loop.name) for loop in loops]
    await stop.wait()
    ended, hanging = await asyncio.wait(running, timeout=patience)
    for task in hanging:
        log.warning("did not end in time and is left behind", loop=task.get_name())
    for task in running:
        error = task.exception() if task in ended else None
        if error is not None:
            raise error
