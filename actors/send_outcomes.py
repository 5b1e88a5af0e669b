"""
The two actors, the messages that call them, and the connections that they share.

They differ only in when they are called. A message names assignments of one partition and never a score. An actor
claims those that are due and have a slot at their campus, attempts each, and goes on with what is handed over to it.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

import dramatiq
import structlog

from actors.attempt import Attempts
from actors.dependencies import Dependencies
from actors.finisher import Finisher
from models.assignment import Kind
from models.campus import SLOW_MS
from models.changes import Dirty
from models.claims import Claim, claim
from models.db.data_loader import DataLoader
from models.db.sql import MAX_ID
from models.due import Due
from models.scopes import SCORE_SCOPE

log = structlog.get_logger(__name__)

#: Assignments that one message names, at most.
MAX_IDS_A_MESSAGE = 64
#: Seconds that a connection stays with a campus while other campuses wait for one. The way from one campus to the next,
#: through dispatcher, message and claim, takes some 50 ms: that is to be a small part of it.
TURN = 1.0
#: Milliseconds. Delayed messages for the same piece of time are one message, at its end.
DELAY_STEP_MS = 1000


def queue_name(assignment_id: int, partitions: int) -> str:
    """The queue of an assignment's partition."""
    return f"outcomes.{assignment_id % partitions}"


class Outcomes:
    """
    Declares the actors on a broker, sends their messages and does their work.

    Args:
        broker: Not yet used by a worker; its partition queues are declared here.
        partitions: How many queues there are.
        turn: Seconds that a connection stays with a campus while other campuses wait for one.
    """

    def __init__(
        self, broker: dramatiq.Broker, dependencies: Dependencies, *, partitions: int, turn: float = TURN
    ) -> None:
        self._broker = broker
        self._dependencies = dependencies
        self._partitions = partitions
        self._turn = turn
        #: Called when waiting assignments may be sent: a slot is free, or a limit has changed.
        self.notify: Callable[[], None] = lambda: None
        #: Whether campuses, or slow ones among themselves, wait for connections, so that these go to each in turn.
        self.contended = self.slow_contended = False
        #: Whether due assignments may wait for a slot or a connection.
        self.backlog = False
        self._closed = False
        self._reserved = 0
        #: By token, the claim of each running attempt, and until when its connection may be handed over, by the
        #: monotonic clock.
        self._running: dict[int, tuple[Claim, float]] = {}
        #: Tokens of claims for which no attempt has begun: two messages may name the same assignment.
        self._fresh: set[int] = set()
        finisher = Finisher(
            dependencies,
            partitions=partitions,
            hands_over=self._hands_over,
            notify=lambda: self.notify(),  # noqa: PLW0108 - it is set later
        )
        self._attempts = Attempts(dependencies, finisher)
        self._claims = DataLoader(self._claim_many, most=256)
        for number in range(partitions):
            broker.declare_queue(queue_name(number, partitions))
        declared = partial(dramatiq.actor, broker=broker, queue_name=queue_name(0, partitions))
        self._actors = {
            "leaf": declared(self.send, actor_name="send_leaf_outcome"),
            "composite": declared(self.send, actor_name="send_composite_outcome"),
        }

    @property
    def free(self) -> int:
        """Connections that no attempt uses."""
        return max(0, self._dependencies.settings.max_connections - len(self._running) - self._reserved)

    def free_for_slow(self) -> int:
        """How many of these slow campuses may use: together they have half of all."""
        before = self._dependencies.clock.now() - SLOW_MS
        slow = sum(claim.slow or claim.claimed_at < before for claim, _ in self._running.values())
        return max(0, min(self.free, max(1, self._dependencies.settings.max_connections // 2) - slow))

    def close(self) -> None:
        """Claim nothing more: the daemon stops."""
        self._closed = True

    # --- messages ---

    async def enqueue_dirty(self, dirty: Sequence[Dirty]) -> None:
        """
        Send the messages that changes call for: at once for leaves, at their time for composites.

        A composite that was pending before has its message; the dispatcher finds those whose time has moved. Leaves for
        which no connection is free are the dispatcher's too: their messages would come to nothing.
        """
        now = self._dependencies.clock.now()
        free = 0 if self.contended else self.free
        due = [one for one in dirty if one.due_at <= now]
        if len(due) > free:
            self.backlog = True
            self.notify()
        await self._enqueue(
            [(one.kind, one.assignment_id, None) for one in due[:free]]
            + [(one.kind, one.assignment_id, one.due_at) for one in dirty if one.due_at > now and one.first]
        )

    async def enqueue_due(self, due: Sequence[Due]) -> None:
        """Send messages for assignments that are due."""
        await self._enqueue((one.kind, one.assignment_id, None) for one in due)

    async def _enqueue(self, named: Iterable[tuple[Kind, int, int | None]]) -> None:
        grouped: dict[tuple[Kind, str, int | None], list[int]] = {}
        for kind, assignment_id, due_at in named:
            when = None if due_at is None else -(-due_at // DELAY_STEP_MS) * DELAY_STEP_MS
            key = (kind, queue_name(assignment_id, self._partitions), when)
            grouped.setdefault(key, []).append(assignment_id)
        if not grouped:
            return
        try:
            # Dramatiq's broker talks to Redis synchronously.
            await asyncio.to_thread(self._send_messages, grouped, self._dependencies.clock.now())
        except Exception as error:  # noqa: BLE001 - whatever it was, the rows are dirty and the dispatcher finds them
            log.warning("messages.not_sent", messages=len(grouped), error=error)

    def _send_messages(self, grouped: Mapping[tuple[Kind, str, int | None], Sequence[int]], now: int) -> None:
        for (kind, queue, due_at), ids in grouped.items():
            delay = None if due_at is None else max(due_at - now, 0) or None
            for start in range(0, len(ids), MAX_IDS_A_MESSAGE):
                message = self._actors[kind].message(list(ids[start : start + MAX_IDS_A_MESSAGE]))
                self._broker.enqueue(message.copy(queue_name=queue), delay=delay)

    # --- work ---

    async def send(self, assignment_ids: object) -> None:
        """
        Pass back the grades of assignments that are due, and of those that are handed over after them.

        Raises:
            TypeError: It is no list of so many ids: a message of another release, or of another program.
        """
        ids = _checked(assignment_ids)
        if self._closed or not self._dependencies.may_send():
            return
        found = await asyncio.gather(*(self._claims(assignment_id) for assignment_id in ids))
        claims = [one for one in found if one is not None and one.token in self._fresh]
        self._fresh.difference_update(one.token for one in claims)
        results = await asyncio.gather(*map(self._chain, claims), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result

    async def _chain(self, claim: Claim) -> None:
        """Make an attempt, and those that are handed over after it, with one connection."""
        try:
            while (following := await self._attempts.make(claim)) is not None:
                _, turn_ends = self._running.pop(claim.token)
                claim = following
                self._running[claim.token] = claim, turn_ends
        finally:
            del self._running[claim.token]
            if self.slow_contended if claim.slow else self.backlog:
                self.notify()

    async def _claim_many(self, assignment_ids: Sequence[int]) -> Mapping[int, Claim]:
        reserved = self.free
        self._reserved += reserved
        try:
            claims = await claim(assignment_ids, self._dependencies.lease(), most=reserved, has_token=self._has_token)
        finally:
            self._reserved -= reserved
        self.backlog |= len(claims) < len(assignment_ids)
        turn_ends = self._dependencies.clock.monotonic() + self._turn
        for one in claims:
            self._fresh.add(one.token)
            self._running[one.token] = one, turn_ends
        return {one.assignment_id: one for one in claims}

    def _has_token(self, platform_id: int) -> bool:
        """Rule 12. The dispatcher gets one where there is none."""
        return self._dependencies.tokens.usable(platform_id, SCORE_SCOPE) is not None

    def _hands_over(self, claim: Claim) -> bool:
        if self._closed or not self._dependencies.may_send():
            return False
        if claim.address.issuer is not None and not self._has_token(claim.address.consumer_id):
            return False
        contended = self.slow_contended if claim.slow else self.contended
        return not contended or self._dependencies.clock.monotonic() < self._running[claim.token][1]


def _checked(assignment_ids: object) -> list[int]:
    # An id that the database cannot hold would fail the claims of the messages beside it.
    if (
        not isinstance(assignment_ids, list)
        or len(assignment_ids) > MAX_IDS_A_MESSAGE
        or not all(isinstance(one, int) and not isinstance(one, bool) and 0 < one <= MAX_ID for one in assignment_ids)
    ):
        raise TypeError(f"a message names a list of assignment ids, {MAX_IDS_A_MESSAGE} at most")
    return list(dict.fromkeys(assignment_ids))
