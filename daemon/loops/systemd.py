"""
What systemd is told, by its ``sd_notify`` protocol: ready, reloading, stopping, one line of state, and "alive".

The protocol is one datagram of ``NAME=VALUE`` lines (man sd_notify); without ``$NOTIFY_SOCKET`` nobody listens.
"""

import socket
import time
from collections.abc import Callable, Mapping

import structlog

from daemon.infra.stop import Stop
from daemon.web.health import Health

log = structlog.get_logger(__name__)

#: Seconds between two lines of state; the watchdog may want to hear more often.
EVERY = 5.0


class Notifier:
    """
    Tells the supervisor, if there is one.

    Args:
        address: ``$NOTIFY_SOCKET``: a path, or with an ``@`` before it an abstract name; None: nobody listens.
        watchdog_seconds: Within which the supervisor wants a sign of life; None: it does not watch.
    """

    def __init__(self, address: str | None, watchdog_seconds: float | None = None) -> None:
        self._address = address.replace("@", "\0", 1) if address and address.startswith("@") else address
        self.watchdog_seconds = watchdog_seconds if address else None

    def ready(self) -> None:
        """Started, or reloaded."""
        self._tell("READY=1")

    def reloading(self) -> None:
        self._tell("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self) -> None:
        self._tell("STOPPING=1", "STATUS=draining")

    def status(self, line: str) -> None:
        """One line for ``systemctl status``."""
        self._tell(f"STATUS={' '.join(line.split())}")

    def alive(self) -> None:
        """The watchdog is fed."""
        self._tell("WATCHDOG=1")

    def _tell(self, *lines: str) -> None:
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
                # A supervisor that does not read must not hold up grades.
                out.settimeout(0)
                out.sendto("\n".join(lines).encode(), self._address)
        except OSError as error:
            log.warning("the supervisor could not be told", told=lines[0], error=str(error))


def notifier(environ: Mapping[str, str], pid: int) -> Notifier:
    """
    By what systemd puts into the environment; a watchdog that is meant for another process is not ours.

    Args:
        pid: Of this process.
    """
    watched = environ.get("WATCHDOG_USEC", "")
    meant = environ.get("WATCHDOG_PID", str(pid)) == str(pid)
    seconds = int(watched) / 1_000_000 if meant and watched.isdecimal() and int(watched) else None
    return Notifier(environ.get("NOTIFY_SOCKET"), seconds)


class Watchdog:
    """
    The loop that tells how it stands and, while every other loop really ticks, that the daemon is alive.

    Args:
        state: One line of figures.
    """

    def __init__(self, notifier: Notifier, health: Health, state: Callable[[], str]) -> None:
        self._notifier = notifier
        self._health = health
        self._state = state
        # Twice within the time, as the manual asks for.
        self._every = min(EVERY, (notifier.watchdog_seconds or EVERY * 2) / 2)

    async def step(self, stop: Stop) -> None:
        """Tell once, sleep."""
        if self._health.is_alive():
            self._notifier.alive()
        self._notifier.status(self._state())
        await stop.sleep(self._every)
