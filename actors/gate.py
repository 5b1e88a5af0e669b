"""
Admission per campus: what it bears at once, a breaker when it is away, and a pause when it says that it is busy.

A campus is a consumer and an origin, since LMSs meter a tool over all its URLs. The gate comes before the claim, so
that waiting spends neither lease nor attempt, and a sick campus holds nobody else's slots. What all daemons must see,
and what must outlive a restart, is in :mod:`models.gate`; the rest is this daemon's memory.
"""

from __future__ import annotations

import hashlib
import random
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import structlog

from actors.connections import CROWD, Connections
from actors.slots import NotAdmittedError, Slots
from models import gate as stored
from models.assignment import ROOM_WHEN_SHUT
from models.fleet import READER
from models.gate import LEAST_PAUSE_MS, Campus, WaitingLine

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection, Iterable

    from actors.resolution import Verdict
    from models.attempt import Address
    from models.db.clock import Clock
    from models.gate import Probe, Trouble

log = structlog.get_logger(__name__)

#: Milliseconds. The pause before a probe doubles with each one that failed, up to this.
LONGEST_PAUSE_MS = 300_000
#: Milliseconds. What a busy campus gets that does not say how long it wants to be left alone; doubles up to a minute.
BUSY_PAUSE_MS, LONGEST_BUSY_PAUSE_MS = 2_000, 60_000
#: Milliseconds. No one answer closes a whole campus for longer, whatever it asks for.
LONGEST_CLOSED_MS = 900_000
#: Milliseconds. A campus that took longer the last time is slow.
SLOW_MS = 1_000
#: How many may wait in each line of a gate, of all daemons together: so many, and so many more for each slot. The sweep
#: fills half of it twice a second, and it should not run empty in between.
LINE, LINE_A_SLOT = 64, 24


def pause_ms(failed_probes: int, *, asked: float | None, jitter: float) -> int:
    """
    How long a shut gate waits for its next probe. Pure.

    Args:
        failed_probes: One after the other, this one included; 0 when it has just been shut.
        asked: Seconds that the campus asked for, if it did.
        jitter: 0.0 to 1.0.
    """
    pause = min(LEAST_PAUSE_MS << min(failed_probes, 10), LONGEST_PAUSE_MS)
    return max(int(pause * (1 + jitter / 10)), min(int((asked or 0) * 1000), LONGEST_CLOSED_MS))


def share(most: int, me: str, roster: Collection[str], campus: Campus) -> int:
    """
    How many of *most* slots daemon *me* has before *campus*, when all of *roster* divide them. Pure.

    What does not divide evenly goes to other daemons at each campus. A daemon that joins lets nobody's share grow.
    Commands that read from campuses have one slot together, and none where it would be the daemons' only one.
    """
    if me not in roster:
        return 0
    daemons, left = _daemons(most, roster)
    if me not in daemons:
        return most - left if me == min(set(roster) - daemons) else 0

    def lot(name: str) -> bytes:
        return hashlib.sha256(f"{name} {campus.consumer_id} {campus.origin}".encode()).digest()

    ranked = sorted(daemons, key=lot)
    return len(range(ranked.index(me), left, len(ranked)))


def _daemons(most: int, roster: Collection[str]) -> tuple[set[str], int]:
    """Those who divide the slots, and how many they divide."""
    readers = {name for name in roster if name.startswith(READER)}
    daemons = set(roster) - readers
    if not readers or not daemons:
        return set(roster), most
    return daemons, max(most - 1, 1)


class _Gate:
    """One campus, in this daemon's memory."""

    def __init__(self, most: int, line: int, connections: Connections) -> None:
        self.slots = Slots(most, connections=connections, line=line)
        #: Whether this daemon knows that the breaker is shut.
        self.shut = False
        #: The assignment whose failure was the last word, if no success came since.
        self.failed: int | None = None
        #: Answers one after the other that said "busy".
        self.busy = 0
        #: Whether it is known that the campus asked for a pause.
        self.resting = False
        #: ``Clock.monotonic`` when it last slowed down: requests that were under way then say nothing new.
        self.slowed_at = 0.0


class Pass:
    """
    The right to make one attempt, and to say afterwards how the campus took it.

    Args:
        leave: Gives the slot back, once however often it is called.
        probe: If it is one.
    """

    def __init__(
        self, gate: _Gate, address: Address, clock: Clock, leave: Callable[[], None], *, probe: Probe | None
    ) -> None:
        self._gate = gate
        self._leave = leave
        self._campus = address.campus
        self._names = {"consumer": address.consumer_name, "origin": address.campus.origin}
        self._clock = clock
        self._probe = probe
        self._began = clock.monotonic()

    @property
    def campus_away(self) -> bool:
        """Whether the gate is shut, so that one more failure says nothing of the assignment."""
        return self._probe is not None or self._gate.shut

    def answered(self, verdict: Verdict) -> None:
        """
        The request has ended, and there is more to do: its time tells whether the campus is slow.

        Where the campus is well, its slot is free for another request at once.
        """
        self._take_time(verdict)
        if verdict.health == "works" and not verdict.after and not self.campus_away:
            self._leave()

    async def report(self, assignment_id: int, verdict: Verdict) -> None:
        """Let the gate know what the attempt says of the whole campus."""
        match verdict.health:
            case "works":
                self._gate.busy = 0
                await self._works()
                self._gate.slots.bears_more()
                if verdict.after and self._began >= self._gate.slowed_at:
                    await self._slow_down(int(verdict.after * 1000), "it comes near its limit")
            case "throttled":
                await self._works()
                await self._busy(verdict)
            case "fails":
                await self._fails(assignment_id, verdict)
            case "silent":
                await self.release()

    def _take_time(self, verdict: Verdict) -> None:
        if verdict.line is not None and verdict.line.duration_ms is not None:
            self._gate.slots.answers(slowly=verdict.line.duration_ms > SLOW_MS)
        elif verdict.health == "fails" and self._clock.monotonic() - self._began > SLOW_MS / 1000:
            self._gate.slots.answers(slowly=True)

    async def release(self) -> None:
        """The attempt said nothing of the campus, or was not made: if it was the probe, another may be."""
        if self._probe is not None:
            probe, self._probe = self._probe, None
            await stored.release_probe(self._campus, probe)

    async def _works(self) -> None:
        gate, was_away = self._gate, self.campus_away
        gate.failed, gate.shut, self._probe = None, False, None
        if was_away and await stored.reopen(self._campus):
            log.info("a campus is back and its gate is open", **self._names)

    async def _busy(self, verdict: Verdict) -> None:
        gate = self._gate
        if self._began >= gate.slowed_at:
            gate.busy += 1
        pause = min(BUSY_PAUSE_MS << min(max(gate.busy - 1, 0), 10), LONGEST_BUSY_PAUSE_MS)
        await self._slow_down(max(int((verdict.after or 0) * 1000), pause), _words(verdict))

    async def _slow_down(self, pause: int, reason: str) -> None:
        gate, now = self._gate, self._clock.now()
        gate.resting = True
        if self._began >= gate.slowed_at:
            gate.slowed_at = self._clock.monotonic()
            gate.slots.bears_less()
            log.info("a campus is busy", pause_ms=pause, at_once=gate.slots.limit, reason=reason, **self._names)
        gate.slots.dismiss("the campus is busy")
        await stored.close(self._campus, now=now, until=now + min(pause, LONGEST_CLOSED_MS), reason=reason)

    async def _fails(self, assignment_id: int, verdict: Verdict) -> None:
        gate, now, reason = self._gate, self._clock.now(), _words(verdict)
        if self._probe is not None:
            probe, self._probe = self._probe, None
            until = now + self._pause(probe.failed_before + 1, verdict)
            gate.slots.dismiss("the campus is away")
            await stored.probe_failed(self._campus, probe, now=now, until=until, reason=reason)
        elif gate.failed in (None, assignment_id):
            gate.failed = assignment_id  # one assignment's trouble may be its own
        elif not gate.shut:
            gate.shut = True
            gate.slots.bears_one()
            gate.slots.dismiss("the campus is away")
            if await stored.shut(self._campus, now=now, until=now + self._pause(0, verdict), reason=reason):
                log.error("a campus is away and its gate is shut", reason=reason, **self._names)

    def _pause(self, failed_probes: int, verdict: Verdict) -> int:
        jitter = random.random()  # noqa: S311 - spreads load, guards nothing
        return pause_ms(failed_probes, asked=verdict.after, jitter=jitter)


def _words(verdict: Verdict) -> str:
    return verdict.line.description if verdict.line is not None else ""


class Gates:
    """
    All gates of one daemon.

    Args:
        most: Requests at once before one campus, of all daemons together.
        connections: Requests at once of this daemon.
        lease_seconds: How long a probe may take.
        line: How many may wait in each line of a gate, of all daemons together; by default more for a larger *most*.
    """

    def __init__(
        self, most: int, *, connections: int, clock: Clock, lease_seconds: float, line: int | None = None
    ) -> None:
        self._most = most
        self._connections = Connections(connections)
        self._clock = clock
        self._lease_ms = int(lease_seconds * 1000)
        self._line = line
        self._gates: dict[Campus, _Gate] = {}
        self._me, self._roster = "", frozenset({""})
        self._closed = False

    @asynccontextmanager
    async def enter(self, address: Address) -> AsyncIterator[Pass]:
        """
        Wait for a slot and hold it within this context.

        Raises:
            NotAdmittedError: Not now; nothing was waited for in vain that the sweep will not bring back.
        """
        if self._closed:
            raise NotAdmittedError("the daemon stops")
        if not address.passable:
            raise NotAdmittedError("nothing goes to this campus now")
        gate = self._gate(address.campus)
        if not gate.slots.limit:
            raise NotAdmittedError("other daemons have all slots")
        shut = address.shut or gate.shut
        if shut and gate.slots.waiting >= ROOM_WHEN_SHUT:
            raise NotAdmittedError("enough wait for the probe")
        await gate.slots.enter(retried=address.retried)
        left = False

        def leave() -> None:
            nonlocal left
            if not left:
                left = True
                gate.slots.leave()

        try:
            admitted = await self._admit(gate, address, leave)
            try:
                yield admitted
            finally:
                await admitted.release()
        finally:
            leave()

    def divide(self, me: str, roster: frozenset[str]) -> None:
        """
        Have what each campus bears divided among the daemons of *roster* from now on.

        With each slot go its places in line, or whichever daemon hears of a whole class first would keep it from the
        others' slots. The places before slow campuses are this daemon's own, and divided among these: whoever waits
        there is in hand and does nothing.
        """
        self._me, self._roster = me, roster
        for campus, gate in self._gates.items():
            gate.slots.grant(*self._granted(campus))
            if not gate.slots.limit:
                gate.slots.dismiss("other daemons have all slots")
        slow = [gate.slots for gate in self._gates.values() if gate.slots.slow and gate.slots.waiting]
        line = self._connections.divide_places(len(slow))
        for slots in slow:
            slots.dismiss("many wait for slow campuses", beyond=line)

    def bear(self, most: int) -> None:
        """Have each campus get so many requests at once, of all daemons together, from the next division on."""
        self._most = most

    def has_room(self, campus: Campus) -> bool:
        """Whether this daemon has any slot before *campus*."""
        return self._share(campus) > 0

    def keeps_to_its_share(self) -> bool:
        """Whether no more requests are under way than this daemon's share allows."""
        return all(gate.slots.inside <= self._share(campus) for campus, gate in self._gates.items())

    def heed(self, troubles: Iterable[Trouble]) -> None:
        """Take over what all daemons know: whoever waits before a campus in trouble is sent away."""
        known = {trouble.campus: trouble for trouble in troubles}
        for campus, gate in self._gates.items():
            trouble = known.get(campus)
            if trouble is not None:
                gate.slots.dismiss(f"the gate is {trouble.state}")
            away = trouble is not None and trouble.away
            if away != gate.shut:
                gate.shut, gate.failed = away, None
                gate.slots.bears_one()
            rests = trouble is not None and trouble.state == "shut" and not away
            if rests and not gate.resting:
                gate.slots.bears_less()
            gate.resting = rests

    @property
    def room(self) -> int:
        """How many may come at once for each line that :meth:`rooms` does not name: half of it."""
        daemons, slots = _daemons(self._most, self._roster)
        line = self._line_of(-(-slots // len(daemons)))
        return max(1, min(line, self._connections.longest_line(slow=False)) // 2)

    @property
    def alone(self) -> bool:
        """Whether no other daemon has a part of the slots."""
        daemons, _ = _daemons(self._most, self._roster)
        return len(daemons) == 1

    @property
    def places(self) -> int:
        """How many may come at once for all lines together: until they become short, and a thousand even then."""
        return max(CROWD - self._connections.waiting, CROWD // 2)

    def rooms(self) -> dict[WaitingLine, int]:
        """The lines that have another room: half of a short line and what slots are free; 0 if it is over half full."""
        rooms, others = {}, self.room
        for campus, gate in self._gates.items():
            half = max(1, gate.slots.line // 2)
            for retried in (False, True):
                has_room = gate.slots.limit and gate.slots.room(retried=retried) >= half
                room = max(1, min(half + gate.slots.free, gate.slots.longest_line // 2)) if has_room else 0
                if room != others:
                    rooms[WaitingLine(campus, retried)] = room
        return rooms

    def close(self) -> None:
        """Send everybody away who waits, and whoever still comes."""
        self._closed = True
        for gate in self._gates.values():
            gate.slots.dismiss("the daemon stops")

    async def _admit(self, gate: _Gate, address: Address, leave: Callable[[], None]) -> Pass:
        if not (address.shut or gate.shut):
            return Pass(gate, address, self._clock, leave, probe=None)
        probe = await stored.take_probe(address.campus, now=self._clock.now(), lease_ms=self._lease_ms)
        if probe is None:
            raise NotAdmittedError("the gate is shut, and it is not time for a probe")
        if not gate.shut:
            gate.shut = True
            gate.slots.bears_one()
        return Pass(gate, address, self._clock, leave, probe=probe)

    def _gate(self, campus: Campus) -> _Gate:
        gate = self._gates.get(campus)
        if gate is None:
            gate = _Gate(*self._granted(campus), self._connections)
            self._gates[campus] = gate
        return gate

    def _granted(self, campus: Campus) -> tuple[int, int]:
        """Slots, and places in each line."""
        slots = self._share(campus)
        return slots, self._line_of(slots)

    def _line_of(self, slots: int) -> int:
        """The places in line that go with so many slots."""
        whole = LINE + LINE_A_SLOT * self._most if self._line is None else self._line
        return -(-whole * slots // self._most)

    def _share(self, campus: Campus) -> int:
        return share(self._most, self._me, self._roster, campus)
