"""Dropping what was kept long enough, in small steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.retention import CHUNK, LedgerRound, prune_ledger, prune_quarantine, prune_stale

if TYPE_CHECKING:
    from daemon.stop import Stop
    from models.clock import Clock

#: Seconds between two rounds, and between two chunks of one round.
EVERY, BREATH = 600.0, 0.1
_DAY_MS = 86_400_000


class Prune:
    """
    The loop that prunes the ledger, the quarantine and the stale events.

    Args:
        ledger_days, quarantine_days: How long the ledger is kept, and how long the other two.
    """

    def __init__(self, *, clock: Clock, ledger_days: float, quarantine_days: float) -> None:
        self._clock = clock
        self._ledger_ms = int(ledger_days * _DAY_MS)
        self._quarantine_ms = int(quarantine_days * _DAY_MS)
        self._next = 0.0
        self._ledger: LedgerRound | None = LedgerRound()

    async def step(self, stop: Stop) -> None:
        """A chunk of each; a long sleep once nothing was left."""
        if self._clock.monotonic() < self._next:
            await stop.sleep(1.0)
            return
        now = self._clock.now()
        if self._ledger is not None:
            self._ledger = await prune_ledger(self._ledger, before=now - self._ledger_ms)
        pruned = [await prune(before=now - self._quarantine_ms) for prune in (prune_quarantine, prune_stale)]
        if self._ledger is None and max(pruned) < CHUNK:
            self._next = self._clock.monotonic() + EVERY
            self._ledger = LedgerRound()
        await stop.sleep(BREATH)
