"""Doubles for tests of loops: stops with which no time passes, and a supervisor's notifier."""

import asyncio

from daemon.infra.stop import Stop
from daemon.loops.systemd import Notifier


class Sleepless(Stop):
    """Notes what it was asked to sleep, and does not."""

    def __init__(self) -> None:
        super().__init__()
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0)


def stopped() -> Stop:
    """A stop that is set: a loop's step does not sleep."""
    stop = Stop()
    stop.set()
    return stop


class NotedNotifier(Notifier):
    """Notes the first line of each datagram."""

    def __init__(self, watchdog_seconds: float | None = None) -> None:
        super().__init__("somewhere", watchdog_seconds)
        self.sent: list[str] = []

    def _send(self, *lines: str) -> None:
        self.sent.append(lines[0])
