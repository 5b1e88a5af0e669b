"""Finishes attempts: those that end together in one transaction, again while the database is away."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import structlog

from actors import resolution
from actors.dependencies import Dependencies
from actors.instrumentation import record_breaker
from actors.lease import lease_seconds
from models.claims import Claim, Lease
from models.db.data_loader import DataLoader
from models.finish import Finish, Finished, HandOver
from models.finishing import finish

log = structlog.get_logger(__name__)

#: Seconds between two tries to finish an attempt; and while another transaction holds its row.
FINISH_RETRY, LOCKED_RETRY = 0.5, 0.02


class Finisher:
    """
    Finishes attempts.

    Args:
        partitions: How many queues there are; a claim that follows an attempt is of the same one.
        hands_over: Whether a claim shall follow this one's attempt now.
        notify: Called when a campus may have another number of requests than before.
    """

    def __init__(
        self,
        dependencies: Dependencies,
        *,
        partitions: int,
        hands_over: Callable[[Claim], bool],
        notify: Callable[[], None],
    ) -> None:
        self._dependencies = dependencies
        self._partitions = partitions
        self._hands_over = hands_over
        self._notify = notify
        self._finishes = DataLoader(self._finish_many, overlapping=True)
        #: Claims of hand-overs whose commit may have gone through although its answer was lost.
        self._lost: list[Claim] = []

    async def finish(self, end: Finish) -> Finished:
        """
        Finish the attempt; while the database is away, again until its claim has long been rescued and a score that
        the LMS may yet store is in. At least once after that: a daemon that was frozen meanwhile comes back to it.
        """
        clock = self._dependencies.clock
        hold_ms = max(end.hold_until - clock.now(), 0)
        deadline = clock.monotonic() + lease_seconds(self._dependencies.settings) + hold_ms / 1000
        alone = is_last = False
        while True:
            wait = FINISH_RETRY
            try:
                found = (await self._finish_alone(end)) if alone else await self._finishes(end)
                if found is not None and not found.locked:
                    if end.delivery is not None and end.given_back and not end.not_before:
                        self._notify()  # it is made again at once
                    return found
                wait = LOCKED_RETRY
            except Exception:
                if is_last or self._dependencies.abort.is_set():
                    raise
                is_last = clock.monotonic() > deadline
                log.warning("attempt.not_finished_yet", assignment=end.claim.assignment_id, exc_info=True)
                alone = True
            await asyncio.sleep(wait)

    async def _finish_alone(self, end: Finish) -> Finished | None:
        """
        Finish an attempt whose batch failed, perhaps for another's fault, and give back what the batch claimed.

        Without a claim that follows: if the batch was committed after all, its slot is taken already.
        """
        lost, self._lost = self._lost, []
        released = [resolution.not_sent(claim, "released") for claim in lost]
        try:
            found = await self._finish_now([end, *released], self._dependencies.lease(), None)
        except Exception:
            self._lost += lost
            raise
        self._lost += [one.claim for one in released if one not in found or found[one].locked]
        return found.get(end)

    async def _finish_many(self, ends: Sequence[Finish]) -> Mapping[Finish, Finished]:
        lease = self._dependencies.lease()
        freed = frozenset(end for end in ends if self._hands_over(end.claim))
        hand_over = HandOver(lease, self._partitions, freed) if freed else None
        try:
            return await self._finish_now(ends, lease, hand_over)
        except Exception:
            self._lost += hand_over.claimed if hand_over is not None else []
            raise

    async def _finish_now(
        self, ends: Sequence[Finish], lease: Lease, hand_over: HandOver | None
    ) -> Mapping[Finish, Finished]:
        found, changes = await finish(
            ends,
            now=lease.now,
            next_breaker=partial(self._dependencies.next_breaker, lease.now),
            hand_over=hand_over,
            steps=lease.steps,
        )
        addresses = {end.claim.address.campus_id: end.claim.address for end in ends}
        for change in changes:
            address = addresses[change.after.campus_id]
            record_breaker(change, consumer=address.consumer_name, origin=address.origin)
        if changes:
            self._notify()
        return found
