"""
The two actors, and the wake-ups that bring them.

They differ in when they are woken, and in nothing else: a wake-up names an assignment and never a score.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import dramatiq
import structlog

from actors.attempt import Tools, Walk
from actors.partition import queue_name, queue_names
from actors.slots import NotAdmittedError
from models.assignment import Wake, forget_wake
from models.attempt import as_address, read_addresses
from models.db.batcher import Batcher
from models.together import forget_wakes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from models.assignment import Kind

log = structlog.get_logger(__name__)

#: Assignments that one message names, at most: a message costs Redis and Dramatiq as much as dozens of names in it.
MOST_NAMED = 64
#: Assignments in hand, up to which news wake theirs at once: of a daemon that is alone, and of one of several. Whoever
#: sends a wake-up looks first: more of them would leave nothing to the others.
ROOM_ALONE, ROOM = 1024, 256
#: Milliseconds. Wake-ups for later that fall into the same piece of time go together, at its end.
TOGETHER_MS = 1000


class Outcomes:
    """
    Declares the actors on a broker, sends their wake-ups and does their work.

    Args:
        broker: Not yet used by a worker; its partition queues are declared here.
        partitions: How many queues there are.
        named: Assignments that one message names, at most.
    """

    def __init__(self, broker: dramatiq.Broker, tools: Tools, *, partitions: int, named: int = MOST_NAMED) -> None:
        self._broker = broker
        self._named = named
        self._tools = tools
        self._partitions = partitions
        self._walk = Walk(tools)
        self._addresses = Batcher(self._read_addresses)
        self._forgotten = Batcher(forget_wakes)
        self._in_hand: set[int] = set()
        queues = queue_names(partitions)
        for queue in queues:
            broker.declare_queue(queue)

        # A message names an assignment and a version, then perhaps more such pairs: see `named_in`.
        async def send_leaf_outcome(assignment_id: int, version: int) -> None:
            await self.pass_back(assignment_id, version)

        async def send_composite_outcome(assignment_id: int, version: int) -> None:
            await self.pass_back(assignment_id, version)

        self._actors = {
            "leaf": dramatiq.actor(broker=broker, queue_name=queues[0])(send_leaf_outcome),
            "composite": dramatiq.actor(broker=broker, queue_name=queues[0])(send_composite_outcome),
        }

    async def wake(self, wakes: Sequence[Wake]) -> None:
        """Send wake-ups. A queue that cannot be reached is logged and no more: the sweep sends them again."""
        if not wakes:
            return
        try:
            # Dramatiq's broker talks to Redis synchronously.
            await asyncio.to_thread(self._enqueue, wakes, self._tools.clock.now())
        except Exception as error:  # noqa: BLE001 - whatever it was, the rows are dirty and the sweep is behind us
            log.warning("wake-ups could not be sent; the sweep will", wakes=len(wakes), error=error)

    def _enqueue(self, wakes: Sequence[Wake], now: int) -> None:
        for (kind, queue, due_at), named in _grouped(wakes, now, self._partitions).items():
            for some in _pieces(named, self._named):
                message = self._actors[kind].message(*(number for wake in some for number in wake))
                self._broker.enqueue(message.copy(queue_name=queue), delay=due_at - now if due_at > now else None)

    def has_room(self) -> bool:
        """Whether a wake-up sent now is of use; if not, the sweep wakes whoever is longest due, in time."""
        return len(self._in_hand) < (ROOM_ALONE if self._tools.gates.alone else ROOM)

    async def pass_back(self, assignment_id: int, version: int) -> None:
        """Whatever an assignment needs now. *version* tells who reads the log what this wake-up was sent for."""
        if assignment_id in self._in_hand:
            return  # a line can be longer than a wake-up lasts
        self._in_hand.add(assignment_id)
        try:
            wake = await self._pass_back(assignment_id, version)
        finally:
            self._in_hand.discard(assignment_id)
        if wake is not None:
            await self.wake([wake])

    async def _pass_back(self, assignment_id: int, version: int) -> Wake | None:
        if not self._tools.may_send():
            await self._forget_wake(assignment_id)
            return None
        row = await self._addresses(assignment_id)
        if row is None:
            log.debug("woken for an assignment that is gone", assignment=assignment_id, version=version)
            return None
        address = as_address(row, self._tools.vault)
        if not address.claimable:
            await self._forget_wake(assignment_id)
            return None
        try:
            # Before the claim, so that waiting spends neither lease nor attempt.
            async with self._tools.gates.enter(address) as admitted:
                # The wait may have been long: the database may have been restored, or this daemon frozen.
                if not self._tools.may_send():
                    await self._forget_wake(assignment_id)
                    return None
                ended = await self._walk.attempt(assignment_id, address, admitted)
                if ended is None:
                    await self._forget_wake(assignment_id)
        except NotAdmittedError:
            await self._forget_wake(assignment_id)
            return None
        return None if ended is None else ended.wake

    async def _read_addresses(self, assignment_ids: Sequence[int]) -> Mapping[int, dict[str, Any]]:
        return await read_addresses(assignment_ids, now=self._tools.clock.now())

    async def _forget_wake(self, assignment_id: int) -> None:
        if not await self._forgotten(assignment_id):
            await forget_wake(assignment_id)


def named_in(numbers: Sequence[int]) -> list[tuple[int, ...]]:
    """
    The arguments of each wake-up in a message's: assignment id and version, again and again.

    A message of another release may have others; they are one wake-up, for the actor to refuse.
    """
    if not numbers or len(numbers) % 2:
        return [tuple(numbers)]
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def _grouped(wakes: Sequence[Wake], now: int, partitions: int) -> dict[tuple[Kind, str, int], list[tuple[int, int]]]:
    """What may go in one message: by kind, queue and time the assignments with their versions, in their order."""
    grouped: dict[tuple[Kind, str, int], list[tuple[int, int]]] = {}
    for wake in wakes:
        due_at = -(-wake.due_at // TOGETHER_MS) * TOGETHER_MS if wake.due_at > now else now
        key = (wake.kind, queue_name(wake.assignment_id, partitions), due_at)
        grouped.setdefault(key, []).append((wake.assignment_id, wake.version))
    return grouped


def _pieces(named: Sequence[tuple[int, int]], most: int) -> Iterator[Sequence[tuple[int, int]]]:
    for start in range(0, len(named), most):
        yield named[start : start + most]
