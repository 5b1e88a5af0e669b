"""Deletes in small steps what was kept long enough."""

from daemon.config.sections import RetentionSection
from daemon.infra.stop import Stop
from models.db.clock import Clock
from models.orphaned_claim import prune_orphans
from models.queries.retention import LedgerRound, prune_events, prune_ledger
from models.retirement import wipe

#: Seconds between two rounds, and between two chunks of one round.
EVERY, BREATH = 600.0, 0.1
_DAY_MS = 86_400_000


class Prune:
    """The loop that prunes the ledger, the quarantine, the stale events and the orphaned claims."""

    def __init__(self, *, clock: Clock, retention: RetentionSection) -> None:
        self._clock = clock
        #: May change at any time.
        self.retention = retention
        self._next = 0.0
        self._ledger: LedgerRound | None = LedgerRound()

    async def step(self, stop: Stop) -> None:
        """Prune a chunk of each; rest for long once nothing is left."""
        if self._clock.monotonic() < self._next:
            # After a retirement whose bytes another process kept from being overwritten.
            await wipe(at_once=True)
            await stop.sleep(1.0)
            return
        now, kept = self._clock.now(), self.retention
        if self._ledger is not None:
            self._ledger = await prune_ledger(self._ledger, before=now - int(kept.ledger_days * _DAY_MS))
        more = await prune_events(before=now - int(kept.quarantine_days * _DAY_MS))
        if self._ledger is None and not more:
            await prune_orphans(now=now, steps=self._clock.steps)
            await wipe()
            self._next = self._clock.monotonic() + EVERY
            self._ledger = LedgerRound()
        await stop.sleep(BREATH)
