"""Stopping: a signal only sets an event, and no sleep lasts beyond it."""

import asyncio
import contextlib
import signal
import time
from collections.abc import Callable, Iterator


class Stop(asyncio.Event):
    """Set once, when the daemon should end."""

    def __init__(self) -> None:
        super().__init__()
        self._callbacks: list[Callable[[], None]] = []
        self._set_at: float | None = None

    def on_set(self, callback: Callable[[], None]) -> None:
        """Have *callback* called at the moment of the stop."""
        self._callbacks.append(callback)

    def set(self) -> None:
        if not self.is_set():
            super().set()
            self._set_at = time.monotonic()
            for callback in self._callbacks:
                callback()

    def seconds_ago(self) -> float:
        """How long ago the stop was; 0 before it."""
        return 0.0 if self._set_at is None else time.monotonic() - self._set_at

    async def sleep_or(self, event: asyncio.Event, seconds: float) -> None:
        """Sleep, but not past the stop, nor past *event*."""
        waiting = [asyncio.ensure_future(one.wait()) for one in (self, event)]
        await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for one in waiting:
            one.cancel()

    async def sleep(self, seconds: float) -> None:
        """Sleep, but not past the stop."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.wait()


@contextlib.contextmanager
def on_signals(callback: Callable[[], None], *numbers: signal.Signals) -> Iterator[None]:
    """
    Call *callback* on the running loop at each of these signals while the context is open, and ignore them after it.

    At no moment does a signal find no handler, as it does between two of the loop's own: what follows the context is
    the end of the process, which has its exit code already.
    """
    loop = asyncio.get_running_loop()
    for number in numbers:
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(callback))
    try:
        yield
    finally:
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)
