"""``passbackd run``: the daemon in the foreground."""

import asyncio
import gc
import signal
from contextlib import contextmanager

import structlog

from daemon.config import ConfigError
from daemon.config.reload import differences, merged
from daemon.infra.startup import StoppedError
from daemon.infra.stop import Stop, stop_on_signals
from daemon.lifespan import Environment, lifespan

try:
    from uvloop import new_event_loop as _new_event_loop
except ImportError:  # not made for this platform
    _new_event_loop = asyncio.new_event_loop  # type: ignore[assignment]
from collections.abc import Callable, Iterator

from daemon.config import Config
from daemon.infra.loop import Loop
from daemon.loops.systemd import Notifier

log = structlog.get_logger(__name__)

#: Seconds that loops have to end: longer than a blocking read of the stream and a batch of intake.
LOOPS_END = 3.0
#: Objects, and looks, between two looks of the garbage collector at its three generations.
COLLECT = (10_000, 20, 20)


def run_daemon(
    config: Config, environment: Environment | None = None, *, reread: Callable[[], Config] | None = None
) -> None:
    """
    Run until SIGTERM or SIGINT, then drain. SIGHUP reads the configuration anew.

    Args:
        reread: Reads it, and raises ConfigError; None: there is nothing to read.

    Raises:
        SchemaError, EmbeddedError, UnusableError: The configuration cannot work.
        Exception: A loop died; the supervisor starts us again.
    """
    with asyncio.Runner(loop_factory=_new_event_loop) as runner:
        runner.run(_serve(config, environment or Environment(), reread or (lambda: config)))


async def _serve(config: Config, environment: Environment, reread: Callable[[], Config]) -> None:
    stop, notifier = Stop(), environment.notifier
    loop = asyncio.get_running_loop()
    with stop_on_signals(stop), reload_on_signal(loop, _too_early):
        stop.on_set(notifier.stopping)
        try:
            async with lifespan(config, stop, environment) as daemon:
                # In place of the one before: a signal has one handler.
                loop.add_signal_handler(signal.SIGHUP, Reloader(config, reread, daemon.adopt, notifier).reload)
                notifier.ready()
                _rest_the_collector()
                await run_loops(daemon.loops, stop)
        except StoppedError:
            log.info("stopped before it had started")
    log.info("stopped")


def _rest_the_collector() -> None:
    """
    What stands by now stays to the end, and what an attempt makes goes without the collector's help.

    Looking through all of it again and again is a fifth of an outcome's time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT)


def _too_early() -> None:
    log.warning("still starting: the configuration is not reloaded; restart to have it read anew")


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


class Reloader:
    """
    Reads the configuration anew when it is told to.

    Args:
        config: What is in force.
        reread: Reads it from where it was read at the start; raises ConfigError.
        adopt: Has it take effect; only the keys in :data:`daemon.config.reload.LIVE` differ from what was in force.
    """

    def __init__(
        self, config: Config, reread: Callable[[], Config], adopt: Callable[[Config], None], notifier: Notifier
    ) -> None:
        self._config = config
        self._reread = reread
        self._adopt = adopt
        self._notifier = notifier

    def reload(self) -> None:
        """Once. A configuration that is wrong is told, and the last good one stays in force."""
        self._notifier.reloading()
        try:
            new = self._reread()
        except ConfigError as error:
            log.error("the configuration is wrong and was not reloaded", faults=list(map(str, error.faults)))  # noqa: TRY400
        except Exception:
            log.exception("the configuration could not be read and was not reloaded")
        else:
            self._take(new)
        finally:
            # The supervisor waits for this.
            self._notifier.ready()

    def _take(self, new: Config) -> None:
        at_once, after_a_restart = differences(self._config, new)
        if at_once:
            self._config = merged(self._config, new)
            self._adopt(self._config)
        log.info("the configuration was reloaded", changed=at_once, needs_a_restart=after_a_restart)


@contextmanager
def reload_on_signal(loop: asyncio.AbstractEventLoop, reload: Callable[[], None]) -> Iterator[None]:
    """SIGHUP calls *reload* within this context."""
    loop.add_signal_handler(signal.SIGHUP, reload)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGHUP)
