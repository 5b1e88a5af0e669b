"""Waiting until something has come to a fake campus."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any, Self

from tests.fakes.thread import in_thread

#: Seconds between two looks at a condition.
TICK = 0.005


class Awaited:
    """What a fake campus has for tests that wait for it. :meth:`seen` says what came."""

    def seen(self) -> str:
        raise NotImplementedError

    def wait_for(self, predicate: Callable[[], object], timeout: float = 10.0) -> None:
        """
        Block until *predicate* holds. Not on the campus's own loop: see :meth:`until`.

        Raises:
            TimeoutError: It did not within *timeout* seconds.
        """
        for tick in self._ticks(predicate, timeout):
            time.sleep(tick)

    async def until(self, predicate: Callable[[], object], timeout: float = 10.0) -> None:
        """Wait until *predicate* holds, on any loop; raises as :meth:`wait_for`."""
        for tick in self._ticks(predicate, timeout):
            await asyncio.sleep(tick)

    def _ticks(self, predicate: Callable[[], object], timeout: float) -> Iterator[float]:
        deadline = time.monotonic() + timeout
        while not predicate():
            if time.monotonic() >= deadline:
                raise TimeoutError(f"not within {timeout} s: {self.seen()}")
            yield TICK

    @classmethod
    def in_thread(cls, *arguments: Any, **named: Any) -> AbstractContextManager[Self]:
        """Run one, with the arguments of the class, on a loop in a thread of its own."""
        return in_thread(cls(*arguments, **named))
