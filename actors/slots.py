"""
Who may send to one campus now, in this daemon's memory: so many at once, and two bounded lines behind them.

Fresh and retried work stand in lines of their own and are let in in turn, so that neither waits for the other's end.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque

#: Requests that are let out again for each slot that a campus has, before it gets another: growth is slow.
GROWTH = 0.25


class NotAdmittedError(Exception):
    """Not now. Nothing was claimed; the sweep comes back."""


class Slots:
    """
    The slots of one campus.

    Args:
        most: What this daemon may have at once; may change, and may be 0.
        line: How many may wait in each of the two lines. Who finds it full leaves; the sweep brings him back.
    """

    def __init__(self, most: int, *, line: int) -> None:
        self.inside = 0
        self._most = most
        self._line = line
        #: What the campus bears, as far as its answers told.
        self._bears = math.inf
        self._lines: tuple[deque[asyncio.Future[None]], deque[asyncio.Future[None]]] = (deque(), deque())
        self._next = 0

    @property
    def limit(self) -> int:
        """Requests at once."""
        return int(min(self._most, self._bears))

    @property
    def waiting(self) -> int:
        return sum(map(len, self._lines))

    def room(self, *, retried: bool) -> int:
        """How many places that line has left."""
        return self._line - len(self._lines[retried])

    def grant(self, most: int) -> None:
        """Have *most* at once from now on; whoever is inside stays."""
        self._most = most
        self._admit()

    def bears_less(self) -> None:
        """The campus is busy: half as many at once."""
        self._bears = max(1.0, min(self._bears, self._most) / 2)

    def bears_one(self) -> None:
        """The campus comes back from an outage: begin with one at once."""
        self._bears = 1.0

    def bears_more(self) -> None:
        """The campus answered: one more at once after some rounds of answers."""
        if self._bears < self._most:
            self._bears = min(float(self._most), self._bears + GROWTH / self._bears)
            self._admit()

    async def enter(self, *, retried: bool) -> None:
        """
        Wait for a slot and take it; :meth:`leave` gives it back.

        Raises:
            NotAdmittedError: The line is full, or was sent away.
        """
        if self.inside < self.limit and not any(self._lines):
            self.inside += 1
            return
        line = self._lines[retried]
        if len(line) >= self._line:
            raise NotAdmittedError("the line is full")
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        line.append(waiter)
        try:
            await waiter  # who lets it in counts it as inside
        except BaseException:
            if waiter in line:
                line.remove(waiter)
            elif waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                self.leave()
            raise

    def leave(self) -> None:
        self.inside -= 1
        self._admit()

    def dismiss(self, why: str) -> None:
        """Send everybody away who waits."""
        for line in self._lines:
            while line:
                waiter = line.popleft()
                if not waiter.done():
                    waiter.set_exception(NotAdmittedError(why))

    def _admit(self) -> None:
        while self.inside < self.limit and (waiter := self._first()) is not None:
            self.inside += 1
            waiter.set_result(None)

    def _first(self) -> asyncio.Future[None] | None:
        """The longest waiter of the line whose turn it is, or of the other one."""
        for _ in self._lines:
            line = self._lines[self._next]
            self._next = 1 - self._next
            while line:
                waiter = line.popleft()
                if not waiter.done():
                    return waiter
        return None
