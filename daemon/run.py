"""``passbackd run``: the daemon in the foreground."""

import asyncio
import gc
import signal
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from daemon.config import Config, ConfigError
from daemon.config.reload import differences, merged
from daemon.infra.loop import Loop
from daemon.infra.startup import StoppedError
from daemon.infra.stop import Stop, on_signals
from daemon.lifespan import Environment, lifespan
from daemon.loops.systemd import Notifier

try:
    from uvloop import new_event_loop as _new_event_loop
except ImportError:  # not made for this platform
    _new_event_loop = asyncio.new_event_loop  # type: ignore[assignment]

log = structlog.get_logger(__name__)

#: Seconds that loops have to end: longer than a blocking read of the stream and a batch of intake.
LOOPS_END = 3.0
#: Thresholds of the garbage collector's three generations.
COLLECT = (10_000, 20, 20)


def run_daemon(
    config: Config, environment: Environment | None = None, *, reread: Callable[[], Config] | None = None
) -> None:
    """
    Run until SIGTERM or SIGINT, then drain. At SIGHUP *reread* reads the configuration again.

    Raises:
        SchemaError, EmbeddedError, UnusableError: The configuration cannot work.
        Exception: A loop died; the supervisor restarts the daemon.
    """
    with asyncio.Runner(loop_factory=_new_event_loop) as runner:
        runner.run(_serve(config, environment or Environment(), reread or (lambda: config)))


async def _serve(config: Config, environment: Environment, reread: Callable[[], Config]) -> None:
    stop, notifier, hang_up = Stop(), environment.notifier, _too_early

    def on_hang_up() -> None:
        hang_up()

    with on_signals(stop.set, signal.SIGINT, signal.SIGTERM), on_signals(on_hang_up, signal.SIGHUP):
        stop.on_set(notifier.stopping)
        try:
            async with lifespan(config, stop, environment) as daemon:
                # Also while the daemon drains.
                hang_up = Reloader(config, reread, daemon.adopt, notifier).reload
                notifier.ready()
                _relieve_the_collector()
                await run_loops(daemon.loops, stop)
        except StoppedError:
            log.info("stopped before it had started")
    log.info("stopped")


def _relieve_the_collector() -> None:
    """Exempt what lives as long as the daemon: scanning it repeatedly took a fifth of an outcome's time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT)


def _too_early() -> None:
    log.warning("still starting: the configuration is not reloaded; restart to have it read again")


async def run_loops(loops: list[Loop], stop: Stop, *, patience: float = LOOPS_END) -> None:
    """
    Run all loops until *stop*, which is also set when one dies. None is cancelled: it may be in a transaction.

    A loop that has not ended *patience* seconds after the stop, since it waits for a lost server, is left behind.

    Raises:
        Exception: The error of a loop that died.
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


@dataclass(slots=True)
class Reloader:
    """Reloads the configuration: *reread* reads it or raises ConfigError, *adopt* applies what :func:`merged` made."""

    config: Config
    reread: Callable[[], Config]
    adopt: Callable[[Config], None]
    notifier: Notifier

    def reload(self) -> None:
        """Reload once. If the configuration is wrong, its faults are logged and the last good one stays in force."""
        self.notifier.reloading()
        try:
            new = self.reread()
        except ConfigError as error:
            log.error("the configuration is wrong and was not reloaded", faults=list(map(str, error.faults)))  # noqa: TRY400
        except Exception:
            log.exception("the configuration could not be read and was not reloaded")
        else:
            self._take(new)
        finally:
            # The supervisor waits for this.
            self.notifier.ready()

    def _take(self, new: Config) -> None:
        at_once, after_a_restart = differences(self.config, new)
        if at_once:
            self.config = merged(self.config, new)
            self.adopt(self.config)
        log.info("the configuration was reloaded", changed=at_once, needs_a_restart=after_a_restart)
