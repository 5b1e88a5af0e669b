"""Stopping: signals only set an event; whoever sleeps, sleeps until then at the longest."""

import asyncio
import contextlib
import signal
import time
from collections.abc import Callable, Iterator


class Stop:
    """Set once, when the daemon should end."""

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self._callbacks: list[Callable[[], None]] = []
        self._set_at: float | None = None

    def on_set(self, callback: Callable[[], None]) -> None:
        """Have *callback* called at the moment of the stop."""
        self._callbacks.append(callback)

    def set(self) -> None:
        if not self._event.is_set():
            self._event.set()
            self._set_at = time.monotonic()
            for callback in self._callbacks:
                callback()

    def seconds_ago(self) -> float:
        """How long ago the stop was; 0 before it."""
        return 0.0 if self._set_at is None else time.monotonic() - self._set_at

    def is_set(self) -> bool:
        return self._event.is_set()

    async def wait(self) -> None:
        await self._event.wait()

    async def sleep_or(self, event: asyncio.Event, seconds: float) -> None:
        """Sleep, but not past the stop, nor past *event*."""
        waiting = [asyncio.ensure_future(one.wait()) for one in (self._event, event)]
        await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for one in waiting:
            one.cancel()

    async def sleep(self, seconds: float) -> None:
        """Sleep, but not past the stop."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._event.wait()


@contextlib.contextmanager
def stop_on_signals(stop: Stop) -> Iterator[None]:
    """SIGTERM and SIGINT set *stop*."""
    loop = asyncio.get_running_loop()
    numbers = (signal.SIGINT, signal.SIGTERM)
    for number in numbers:
        loop.add_signal_handler(number, stop.set)
    try:
        yield
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)
