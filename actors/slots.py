"""
Who may send to one campus now, in this daemon's memory: so many at once, and two bounded lines behind them.

Fresh and retried work stand in lines of their own and are let in in turn, so that neither waits for the other's end.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from actors.connections import Connections

#: Requests that are let out again for each slot that a campus has, before it gets another: growth is slow.
GROWTH = 0.25


class NotAdmittedError(Exception):
    """Not now. Nothing was claimed; the sweep comes back."""


class Slots:
    """
    The slots of one campus.

    Args:
        most: What this daemon may have at once; may change, and may be 0.
        connections: Whoever is let in has one.
        line: How many may wait in each of the two lines, unless very many wait or many campuses are slow; may change.
            Who finds it full leaves; the sweep brings him back.
    """

    def __init__(self, most: int, *, connections: Connections, line: int) -> None:
        self.inside = 0
        #: Whether the campus took long the last time.
        self.slow = False
        #: Whether it is known how long it takes; until then it has one slot.
        self._is_known = False
        self._connections = connections
        self._most = most
        #: How many may wait in each line, if none has to be a short one.
        self.longest_line = line
        #: What the campus bears, as far as its answers told.
        self._bears = math.inf
        self._lines: tuple[deque[asyncio.Future[None]], deque[asyncio.Future[None]]] = (deque(), deque())
        self._next = 0

    @property
    def limit(self) -> int:
        """Requests at once."""
        return int(min(self._most, self._bears if self._is_known else 1))

    @property
    def waiting(self) -> int:
        return sum(map(len, self._lines))

    @property
    def free(self) -> int:
        """Slots that nobody has, and nobody waits for."""
        return 0 if any(self._lines) else max(0, self.limit - self.inside)

    @property
    def line(self) -> int:
        """How many may wait in each of the two lines."""
        return min(self.longest_line, self._connections.longest_line(slow=self.slow))

    def room(self, *, retried: bool) -> int:
        """How many places that line has left."""
        return max(0, self.line - len(self._lines[retried]))

    def grant(self, most: int, line: int) -> None:
        """Have *most* at once and *line* in each line from now on; whoever is inside or waits stays."""
        self._most, self.longest_line = most, line
        self._ask()

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
            self._ask()

    def answers(self, *, slowly: bool) -> None:
        """How long the campus took."""
        if self._is_known and slowly == self.slow:
            return
        if slowly != self.slow:
            self._connections.slow += self.inside if slowly else -self.inside
        self._is_known, self.slow = True, slowly
        self._ask()
        # One slow campus less is room for another one.
        self._connections.share()

    async def enter(self, *, retried: bool) -> None:
        """
        Wait for a slot and a connection and take them; :meth:`leave` gives them back.

        Raises:
            NotAdmittedError: The line is full, or was sent away.
        """
        if self.free and self._connections.take(slow=self.slow):
            self.inside += 1
            return
        line = self._lines[retried]
        if not self.room(retried=retried):
            raise NotAdmittedError("the line is full")
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        line.append(waiter)
        self._connections.waiting += 1
        self._ask()
        try:
            await waiter  # who lets it in counts it as inside
        except BaseException:
            if waiter in line:
                line.remove(waiter)
            elif waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                self.leave()
            raise
        finally:
            self._connections.waiting -= 1

    def leave(self) -> None:
        self.inside -= 1
        self._connections.give_back(slow=self.slow)
        self._ask()

    def admit(self) -> bool:
        """There is a connection and it is this campus's turn: let one in. Returns whether it wants another turn."""
        if self._is_wanted() and self._connections.take(slow=self.slow):
            self.inside += 1
            self._first().set_result(None)
        return self._is_wanted()

    def dismiss(self, why: str, *, beyond: int = 0) -> None:
        """Send everybody away who waits, or those who stand *beyond* so many in their line."""
        for line in self._lines:
            while len(line) > beyond:
                waiter = line.pop()
                if not waiter.done():
                    waiter.set_exception(NotAdmittedError(why))

    def _ask(self) -> None:
        if self._is_wanted():
            self._connections.ask(self)

    def _is_wanted(self) -> bool:
        """Whether there is a slot, and somebody who waits for it."""
        for line in self._lines:
            while line and line[0].done():
                line.popleft()
        return self.inside < self.limit and any(self._lines)

    def _first(self) -> asyncio.Future[None]:
        """The longest waiter of the line whose turn it is, or of the other one if nobody stands there."""
        line = self._lines[self._next] or self._lines[1 - self._next]
        self._next = 1 - self._next
        return line.popleft()
