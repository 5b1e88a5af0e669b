"""
The connections of one daemon, in its memory: campuses share them in turn.

A campus that takes seconds to answer keeps a connection as long, and many such campuses would soon keep all of them.
Together they get no more than half, and no more than a quarter while quick ones wait.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from actors.slots import Slots

#: How many may wait at all campuses together, until the line of each is a short one: the queue worker's window must not
#: be filled by those who wait.
CROWD, SHORT_LINE = 2_048, 2
#: Places in line before all slow campuses together, as long as these are few enough that each has a short line.
SLOW_PLACES = 512


class Connections:
    """
    Args:
        most: Requests at once. Beyond it a request would wait for a connection while its lease runs, and its time-out
            would be blamed on the campus.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.used = 0
        #: Those of them that slow campuses have.
        self.slow = 0
        #: How many may wait in each line of a slow campus.
        self._slow_line = sys.maxsize
        #: Tasks that wait at all campuses together.
        self.waiting = 0
        #: Campuses that want one, in turn: quick ones and slow ones. Ordered sets.
        self._asking: tuple[dict[Slots, None], dict[Slots, None]] = ({}, {})
        self._next = False

    def take(self, *, slow: bool) -> bool:
        """Take one if one is free, for a slow campus or a quick one."""
        if not self.is_free(slow=slow):
            return False
        self.used += 1
        self.slow += slow
        return True

    def is_free(self, *, slow: bool) -> bool:
        return self.used < self.most and not (slow and self.slow >= self._slow_share)

    @property
    def _slow_share(self) -> int:
        quick_ones_wait = bool(self._asking[False])
        return max(1, self.most // (4 if quick_ones_wait else 2))

    def longest_line(self, *, slow: bool) -> int:
        """How many may wait in each line of a campus, whatever is its own."""
        if self.waiting >= CROWD:
            return SHORT_LINE
        return self._slow_line if slow else sys.maxsize

    def divide_places(self, slow_campuses: int) -> int:
        """Divide the places before slow campuses among so many that have somebody wait; returns each line's."""
        self._slow_line = max(SHORT_LINE, SLOW_PLACES // max(1, 2 * slow_campuses))  # each has two lines
        return self._slow_line

    def give_back(self, *, slow: bool) -> None:
        """Whose turn it is gets it."""
        self.used -= 1
        self.slow -= slow
        self.share()

    def ask(self, slots: Slots) -> None:
        """Let the campus in as soon as it is its turn; once, however often it asks."""
        self._asking[slots.slow].setdefault(slots)
        self.share()

    def share(self) -> None:
        while (slots := self._first()) is not None:
            if slots.admit():
                self._asking[slots.slow].setdefault(slots)

    def _first(self) -> Slots | None:
        """The campus that asks for longest, of the quick and the slow ones in turn, if there is a connection for it."""
        for _ in self._asking:
            slow, self._next = self._next, not self._next
            if self._asking[slow] and self.is_free(slow=slow):
                slots = next(iter(self._asking[slow]))
                del self._asking[slow][slots]
                return slots
        return None
