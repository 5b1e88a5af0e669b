"""The daemons of a small world: their messages, claims and attempts, and how many requests each campus has."""

from typing import Any

from actors.errors import DeliveryError, TryLater
from actors.metrics import Metrics
from actors.response import Response
from models.clock_watch import ClockWatch, follow
from models.orphaned_claim import prune_orphans
from models.rescue import rescue
from tests.models.campus import Campus, Request
from tests.models.oracle import limit
from tests.models.rows import TIMES, campus_of, read_campuses
from tests.models.simulated_daemons import PARTITIONS, Attempt, Call, Daemon, Stage, Time
from tests.models.world_campuses import ANSWERS, IN_DOUBT

#: Milliseconds by which the database's clock may be behind; a stream entry would be refused for its time after that.
BEHIND = 3_600_000


class Daemons:
    """Daemons that may fail, and the attempts of theirs that are under way."""

    def __init__(self, logs: list[Any], *, max_per_campus: int) -> None:
        self.time = Time()
        self.campus = Campus()
        self.metrics = Metrics("model")
        #: When each message arrives, and the assignments that it names.
        self.messages: list[tuple[int, list[int]]] = []
        self.attempts: list[Attempt] = []
        self.gone: list[Attempt] = []
        self._logs = logs
        self._max_per_campus = max_per_campus
        self.daemons: list[Daemon] = [self._daemon(), self._daemon()]
        self._calls: list[Call] = []
        #: By token: the campus and the lease's end of each claim that was not finished.
        self._claims: dict[int, tuple[tuple[str, str], int]] = {}
        #: By token.
        self.results: dict[int, str] = {}
        self.texts: dict[int, str] = {}
        #: By token: which row has the attempt's delivery record, or None if the row is gone.
        self.ledgers: dict[int, int | None] = {}

    def _daemon(self) -> Daemon:
        settings: dict[str, Any] = {"max_per_campus": self._max_per_campus, "logs": self._logs}
        return Daemon(self.time, self.campus, self.metrics, self.messages, **settings)

    @property
    def real(self) -> int:
        """The time that passes for requests."""
        return self.time.real

    # --- Time and messages ---

    def pass_time(self, milliseconds: int) -> None:
        self.time.real += max(0, milliseconds)
        self.campus.lose_what_is_late(self.time.real)

    async def _database_now(self) -> int:
        return self.time.ms

    async def step_clock(self, milliseconds: int, *, seen_by: int) -> None:
        """The database's clock steps, and one daemon sees it; forward, where it would be too far behind."""
        if self.time.ahead + milliseconds < -BEHIND:
            milliseconds = -milliseconds
        await self._was_looked_at()
        self.time.ahead += milliseconds
        assert await follow(self._database_now) == milliseconds
        self.time.steps += 1
        self.daemons[seen_by % len(self.daemons)].clock.look()

    async def _was_looked_at(self) -> None:
        """Some daemon looks at the clock twice a second."""
        await ClockWatch.filter(id=1).update(seen_at=self.time.ms)

    async def wait_for_campuses(self) -> None:
        """Let the pauses of blocked campuses pass."""
        self.pass_time(max([0, *(campus["blocked_until"] - self.time.ms for campus in await read_campuses())]))

    def wait(self, row: dict[str, Any]) -> None:
        """Let the times of a row pass."""
        self.pass_time(max((row[column] or 0) - self.time.ms for column in TIMES))

    async def dispatch(self, which: int) -> None:
        """A round of one daemon's dispatcher."""
        await self.rescue(which)
        await self.daemons[which % len(self.daemons)].dispatcher.dispatch()

    async def rescue(self, which: int) -> None:
        """What a daemon does before it dispatches; also once before it knows of the last step of the clock."""
        clock = self.daemons[which % len(self.daemons)].clock
        if not clock.is_current:
            assert await rescue(now=clock.now(), steps=clock.steps) == 0, "rescued by a clock that has stepped"
            await prune_orphans(now=clock.now(), steps=clock.steps)
            clock.look()
        await rescue(now=clock.now(), steps=clock.steps)
        await prune_orphans(now=clock.now(), steps=clock.steps)

    async def take_message(self, which: int) -> list[Attempt]:
        """A message arrives, at its time or later."""
        arrives_at, ids = self.messages.pop(0)
        self.pass_time(arrives_at - self.time.real)
        return await self.receive(ids, which)

    async def receive(self, ids: list[int], which: int) -> list[Attempt]:
        """A daemon takes a message; the attempts that begin."""
        daemon = self.daemons[which % len(self.daemons)]
        if not daemon.clock.is_current:
            self._calls.append(await daemon.receive(ids))
            assert not self._calls[-1].attempts, "claimed by a clock that has stepped"
            daemon.clock.look()
        call = await daemon.receive(ids)
        self._calls.append(call)
        self.attempts += call.attempts
        await self._count(call.attempts)
        return list(call.attempts)

    async def _count(self, new: list[Attempt]) -> None:
        """
        Note the new claims. With them a campus has no more than its limit.

        A request under way counts until its attempt has finished, or its lease has run out, whatever became of its row.
        """
        for attempt in new:
            self.ledgers[attempt.token] = attempt.assignment_id
            self._claims[attempt.token] = (attempt.campus, attempt.latest)
        for campus in await read_campuses():
            here = campus_of(campus)
            if any(attempt.campus == here for attempt in new):
                under_way = sum(until > self.time.real and at == here for at, until in self._claims.values())
                allowed = limit(campus, now=self.time.ms, max_per_campus=self._max_per_campus)
                assert under_way <= allowed, "more requests at once than the campus may have"

    def join(self) -> None:
        """Another daemon is started."""
        if len(self.daemons) < 3:
            self.daemons.append(self._daemon())

    def restart(self) -> None:
        """Every daemon dies; Redis too."""
        self.messages.clear()
        for attempt in [attempt for attempt in self.attempts if attempt.may_crash]:
            self.crash(attempt)
        self.daemons[:] = [self._daemon(), self._daemon()]

    # --- Attempts ---

    async def go_on(self, attempt: Attempt, until: Stage) -> None:
        """Let it take its next steps, until the request is sent at most."""
        while attempt.stage < min(until, Stage.SENT):
            await self._go(attempt, None)

    async def _go(self, attempt: Attempt, said: Response | DeliveryError | None) -> None:
        if not attempt.daemon.clock.is_current:
            await self._was_looked_at()
        await attempt.go_on(said)
        if attempt.stage == Stage.OVER:
            self.attempts.remove(attempt)
            self._claims.pop(attempt.token, None)
            if attempt.next is not None:
                await self._follow(attempt, attempt.next)

    async def _follow(self, attempt: Attempt, following: Attempt) -> None:
        assert attempt.daemon.clock.is_current, "claimed by a clock that has stepped"
        assert following.campus == attempt.campus, "handed over to another campus"
        assert following.assignment_id % PARTITIONS == attempt.assignment_id % PARTITIONS, "to another partition"
        self.attempts.append(following)
        await self._count([following])

    async def find_no_connection(self, attempt: Attempt) -> None:
        """No connection; not a byte leaves."""
        self.texts[attempt.token] = attempt.text
        await self._go(attempt, TryLater("no connection"))

    def apply(self, attempt: Attempt) -> None:
        """The campus stores the score, and its answer is not read yet."""
        assert attempt.request is not None
        self.campus.apply(attempt.request, now=self.time.real)

    async def answer(self, attempt: Attempt, how: str) -> None:
        """The campus answers, the attempt ends, and the score is stored now, later or never."""
        request = attempt.request
        assert request is not None
        if not request.under_way and how not in IN_DOUBT:
            how = "is silent"
        answer, result, stored_within = ANSWERS[how]
        if request.under_way:
            request.lost = stored_within is None
            if how == "accepts":
                self.apply(attempt)
            elif stored_within:
                limit = self.time.real + stored_within
                request.limit = limit if request.limit is None else min(request.limit, limit)
        self.texts[attempt.token] = attempt.text
        self.results.setdefault(attempt.token, result)
        await self._go(attempt, answer)

    def crash(self, attempt: Attempt) -> None:
        """Its daemon dies; of the attempt only its claim and a request under way are left."""
        assert attempt.may_crash
        self.die(attempt)
        if attempt.request is not None and attempt.request.under_way:
            attempt.request.limit = attempt.latest
            self.campus.lose_what_is_late(self.time.real)

    def die(self, attempt: Attempt) -> None:
        self.attempts.remove(attempt)
        self.gone.append(attempt)
        self.daemons[:] = [self._daemon() if daemon is attempt.daemon else daemon for daemon in self.daemons]

    async def close(self) -> None:
        """Nothing of the run is left behind."""
        for call in self._calls:
            await call.vanish()

    def land(self, late: Request) -> None:
        """What is under way lands at the last moment."""
        assert late.limit is not None
        self.pass_time(late.limit - 1 - self.time.real)
        self.campus.apply(late, now=self.time.real)
