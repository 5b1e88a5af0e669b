"""
Admission per campus: a fixed number of requests at once, and a bounded line behind them.

A campus is a consumer and an origin. The gate comes before the claim, so that waiting spends neither lease nor attempt,
and a sick campus holds nobody else's slots.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

#: How many may wait in memory at one gate. Who finds the line longer leaves; the sweep brings it back.
LINE = 64


class Campus(NamedTuple):
    """What one gate stands before."""

    consumer_key: str
    #: Scheme, host and port.
    origin: str


class NotAdmittedError(Exception):
    """The line is full, or the gates are closed because the daemon stops."""


class _Gate:
    def __init__(self) -> None:
        self.inside = 0
        self.line: deque[asyncio.Future[None]] = deque()


class Gates:
    """
    All gates of one daemon.

    Args:
        limit: Requests at once before one campus.
        line: How many may wait behind them.
    """

    def __init__(self, limit: int, *, line: int = LINE) -> None:
        self._limit = limit
        self._line = line
        self._gates: dict[Campus, _Gate] = {}
        self._closed = False

    @asynccontextmanager
    async def enter(self, campus: Campus) -> AsyncIterator[None]:
        """
        Wait for a slot, first come first served, and hold it within this context.

        Raises:
            NotAdmittedError: Not now; nothing was waited for in vain that the sweep will not bring back.
        """
        gate = self._gates.setdefault(campus, _Gate())
        try:
            await self._admit(gate)
            try:
                yield
            finally:
                self._leave(gate)
        finally:
            if not gate.inside and not gate.line:
                self._gates.pop(campus, None)

    def close(self) -> None:
        """Send everybody away who waits, and whoever still comes."""
        self._closed = True
        for gate in self._gates.values():
            for waiter in gate.line:
                if not waiter.done():
                    waiter.set_exception(NotAdmittedError("the daemon stops"))

    async def _admit(self, gate: _Gate) -> None:
        if self._closed:
            raise NotAdmittedError("the daemon stops")
        if gate.inside < self._limit and not gate.line:
            gate.inside += 1
            return
        if len(gate.line) >= self._line:
            raise NotAdmittedError("the line is full")
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        gate.line.append(waiter)
        try:
            await waiter  # the one who leaves hands its slot over
        except BaseException:
            if waiter in gate.line:
                gate.line.remove(waiter)
            elif waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                self._leave(gate)
            raise

    def _leave(self, gate: _Gate) -> None:
        while gate.line:
            waiter = gate.line.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return
        gate.inside -= 1
