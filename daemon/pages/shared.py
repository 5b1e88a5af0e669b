"""What many visitors look at is read once for all of them: it costs the database, and so the grades."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

_T = TypeVar("_T")


class Shared(Generic[_T]):
    """
    A value that is read again once it is too old, by one visitor at a time.

    Args:
        seconds: For which it is shown again.
        monotonic: Seconds that never step.
    """

    def __init__(self, seconds: float, monotonic: Callable[[], float]) -> None:
        self._seconds = seconds
        self._monotonic = monotonic
        self._turn = asyncio.Lock()
        self._read: tuple[float, _T] | None = None

    async def get(self, read: Callable[[], Awaitable[_T]]) -> _T:
        """The value; *read* reads it."""
        async with self._turn:
            if self._read is None or self._monotonic() - self._read[0] >= self._seconds:
                found = await read()
                self._read = self._monotonic(), found
            return self._read[1]
