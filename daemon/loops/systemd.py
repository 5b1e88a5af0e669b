"""
Reports to systemd by its ``sd_notify`` protocol: ready, reloading, stopping, one line of state, and "alive".

The protocol is one datagram of ``NAME=VALUE`` lines (man sd_notify) to ``$NOTIFY_SOCKET``, if that is set.
"""

import socket
import time
from collections.abc import Callable, Mapping

import structlog

from daemon.infra.stop import Stop
from daemon.web.health import Health

log = structlog.get_logger(__name__)

#: Seconds between two lines of state; the watchdog may need more.
EVERY = 5.0


class Notifier:
    """
    Notifies the supervisor at *address*: ``$NOTIFY_SOCKET``, a path, or an abstract name after an ``@``; None: nowhere.

    Within *watchdog_seconds* the supervisor expects a sign of life; None: it does not watch.
    """

    def __init__(self, address: str | None, watchdog_seconds: float | None = None) -> None:
        self._address = address.replace("@", "\0", 1) if address and address.startswith("@") else address
        self.watchdog_seconds = watchdog_seconds if address else None

    def ready(self) -> None:
        """Started, or reloaded."""
        self._send("READY=1")

    def reloading(self) -> None:
        self._send("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self) -> None:
        self._send("STOPPING=1", "STATUS=draining")

    def status(self, line: str) -> None:
        """One line for ``systemctl status``."""
        self._send(f"STATUS={' '.join(line.split())}")

    def alive(self) -> None:
        """A sign of life for the watchdog."""
        self._send("WATCHDOG=1")

    def _send(self, *lines: str) -> None:
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
                # A supervisor that does not read must not hold up grades.
                out.settimeout(0)
                out.sendto("\n".join(lines).encode(), self._address)
        except OSError as error:
            log.warning("sd_notify failed", line=lines[0], error=str(error))


def notifier(environ: Mapping[str, str], pid: int) -> Notifier:
    """Configured as systemd sets the environment; the watchdog only if it is meant for this process, *pid*."""
    watched = environ.get("WATCHDOG_USEC", "")
    meant = environ.get("WATCHDOG_PID", str(pid)) == str(pid)
    seconds = int(watched) / 1_000_000 if meant and watched.isdecimal() and int(watched) else None
    return Notifier(environ.get("NOTIFY_SOCKET"), seconds)


class Watchdog:
    """The loop that reports one line of *state* and, while every other loop ticks, that the daemon is alive."""

    def __init__(self, notifier: Notifier, health: Health, state: Callable[[], str]) -> None:
        self._notifier = notifier
        self._health = health
        self._state = state
        # Twice within the time, as the manual asks for.
        self._every = min(EVERY, (notifier.watchdog_seconds or EVERY * 2) / 2)

    async def step(self, stop: Stop) -> None:
        """Report once, sleep."""
        if self._health.is_alive():
            self._notifier.alive()
        self._notifier.status(self._state())
        await stop.sleep(self._every)
