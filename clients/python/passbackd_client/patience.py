"""Sends again what was not taken, for a limited time; that is harmless, since events are ordered by their own times."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from passbackd_client.errors import TryLaterError

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Patience:
    """*seconds*: from the first try until the last one begins, pauses included; 0 for one try. All in seconds."""

    seconds: float
    #: The pause after the first try, which doubles up to the longest.
    first: float = 0.1
    longest: float = 5.0

    def pause(self, tries: int, elapsed: float, *, after: float | None, jitter: float) -> float | None:
        """
        How long to wait for the next try; None to give up.

        Args:
            tries: How many have failed, at least one.
            elapsed: Since the first one began.
            after: What the server asked for, which is a floor.
            jitter: From 0 to 1; half of a pause is random, so that many senders do not come back at once.
        """
        ceiling = min(self.first * 2.0 ** min(tries - 1, 30), self.longest)
        pause = max(ceiling * (1 + jitter) / 2, after or 0.0)
        return pause if elapsed + pause <= self.seconds else None

    def sending(self, send: Callable[[], _T]) -> _T:
        """
        Call *send* until it is done.

        Raises:
            TryLaterError: The newest failure, when the time is over.
        """
        began, tries = time.monotonic(), 0
        while True:
            try:
                return send()
            except TryLaterError as error:
                tries += 1
                pause = self._next(tries, began, error)
            time.sleep(pause)

    async def asending(self, send: Callable[[], Awaitable[_T]]) -> _T:
        """As :meth:`sending`."""
        began, tries = time.monotonic(), 0
        while True:
            try:
                return await send()
            except TryLaterError as error:
                tries += 1
                pause = self._next(tries, began, error)
            await asyncio.sleep(pause)

    def _next(self, tries: int, began: float, error: TryLaterError) -> float:
        jitter = random.random()  # noqa: S311 - no secret
        pause = self.pause(tries, time.monotonic() - began, after=error.after, jitter=jitter)
        if pause is None:
            raise error
        return pause
