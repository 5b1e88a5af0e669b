"""Daemons on strings: the real walk behind the real gate, and each attempt stops wherever it could be frozen."""

from __future__ import annotations

import asyncio
import re
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from actors.gate import Gates
from dramatiq import Broker
from models.gate import read_troubles

from actors.attempt import MARGIN, Settings, Tools
from actors.outcomes import Outcomes
from actors.resolution import Rules
from models.course import CourseTrees
from tests.models.rows import read_address

if TYPE_CHECKING:
    from actors.errors import DeliveryError
    from actors.metrics import Metrics
    from actors.response import Response
    from models.course_tree import Tree
    from tests.models.campus import Campus, Request
    from tests.models.oracle import Address

#: Milliseconds.
DEADLINE, HOLD = 15_000, 30_000
LEASE = int(MARGIN * 1000) + DEADLINE + HOLD
#: Attempts until a row is parked.
MAX_ATTEMPTS = 3
#: Requests at once before one campus.
MAX_AT_ONCE = 8


class Time:
    """The clock of all daemons, in milliseconds; whoever drives the model moves it."""

    def __init__(self) -> None:
        self.ms = 1_700_000_000_000

    def now(self) -> int:
        return self.ms

    def monotonic(self) -> float:
        return self.ms / 1000


class Stage(IntEnum):
    """
    How far an attempt has come.

    CLAIMED: the score comes next. READY: every check is passed, and the next thing is the request. SENT: it waits for
    the answer, or has it and is slow. OVER: it has ended, or there was nothing to do.
    """

    COMING, CLAIMED, READY, SENT, OVER = range(5)


class Attempt:
    """One wake-up in a daemon's hand."""

    def __init__(self, daemon: Daemon, assignment_id: int) -> None:
        self.daemon = daemon
        self.assignment_id = assignment_id
        self.stage = Stage.COMING
        self.claimed_at = 0
        self.token = 0
        self.address: Address = ("", "")
        self.text = ""
        self.request: Request | None = None
        self._news = asyncio.Event()
        self._goes_on: asyncio.Future[Any] | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self, task: asyncio.Task[None]) -> None:
        """Let it come as far as its first stop."""
        self._task = task
        task.add_done_callback(lambda _: self._news.set())
        await self._next()

    async def go_on(self, said: Response | DeliveryError | None = None) -> None:
        """Let it come as far as its next stop; *said* is how the request went."""
        assert self._goes_on is not None
        self._goes_on.set_result(said)
        await self._next()

    async def _next(self) -> None:
        await self._news.wait()
        self._news.clear()
        assert self._task is not None
        if self._task.done():
            self.stage = Stage.OVER
            self._task.result()

    async def stop(self, stage: Stage) -> Any:
        """The attempt itself calls this; returns what it is told."""
        self.stage = stage
        self._goes_on = asyncio.get_running_loop().create_future()
        self._news.set()
        return await self._goes_on

    async def vanish(self) -> None:
        """Not as a process dies: it may still give back what it holds in memory. Only once everything is over."""
        assert self._task is not None
        self._task.cancel()
        await asyncio.wait([self._task])

    @property
    def latest(self) -> int:
        """Before this its request lands or never, if it dies."""
        return self.claimed_at + LEASE

    @property
    def may_crash(self) -> bool:
        """Whether nothing of it can reach the campus after its lease, if it dies now."""
        request = self.request
        return request is None or (request.begun_at < self.latest and (request.landed_at or 0) < self.latest)


class Post(Broker):
    """Keeps wake-ups in a list: when they come, and for whom."""

    def __init__(self, time: Time, wakes: list[tuple[int, int]]) -> None:
        super().__init__(middleware=[])
        self._time = time
        self._wakes = wakes

    def declare_queue(self, queue_name: str) -> None:
        self.queues[queue_name] = None

    def enqueue(self, message: Any, *, delay: int | None = None) -> Any:
        self._wakes.append((self._time.now() + (delay or 0), message.args[0]))
        return message


class _Trees(CourseTrees):
    """The first thing after the claim is a look at the course."""

    def __init__(self, daemon: Daemon) -> None:
        super().__init__()
        self._daemon = daemon

    async def get(self, course_id: str) -> Tree | None:
        await self._daemon.stop_once_claimed()
        return await super().get(course_id)


class Daemon:
    """What one daemon sends with."""

    def __init__(self, time: Time, campus: Campus, metrics: Metrics, wakes: list[tuple[int, int]]) -> None:
        self._time = time
        self._campus = campus
        self._attempts: dict[asyncio.Task[Any] | None, Attempt] = {}
        # Nobody stands in a line: whoever finds no slot goes, as from a line that is full.
        self.gates = Gates(MAX_AT_ONCE, connections=99, clock=time, lease_seconds=LEASE / 1000, line=0)
        tools = Tools(
            sender=self,
            gates=self.gates,
            trees=_Trees(self),
            clock=time,
            metrics=metrics,
            settings=Settings(DEADLINE / 1000, Rules(HOLD / 1000, MAX_ATTEMPTS)),
            may_send=lambda: True,
            abort=asyncio.Event(),
        )
        self.outcomes = Outcomes(Post(time, wakes), tools, partitions=1)

    async def beat(self) -> None:
        """What every daemon does each second."""
        self.gates.heed(await read_troubles(now=self._time.now()))

    async def wake(self, assignment_id: int) -> Attempt:
        """A wake-up came."""
        attempt = Attempt(self, assignment_id)
        task = asyncio.create_task(self.outcomes.pass_back(assignment_id, 0))
        self._attempts[task] = attempt
        await attempt.start(task)
        return attempt

    async def stop_once_claimed(self) -> None:
        attempt = self._attempts[asyncio.current_task()]
        attempt.claimed_at = self._time.now()
        attempt.token, attempt.address = await read_address(attempt.assignment_id)
        await attempt.stop(Stage.CLAIMED)

    async def post(self, url: str, body: bytes, headers: Any, *, abort: Any, **_: Any) -> Response:
        """In place of a real sender's."""
        attempt = self._attempts[asyncio.current_task()]
        sourcedid, attempt.text = re.findall("<(?:sourcedId|textString)>(.*?)<", body.decode())
        assert attempt.address == (url, sourcedid)
        said = await attempt.stop(Stage.READY)
        if said is None:
            attempt.request = self._campus.receive(attempt.token, attempt.address, attempt.text, now=self._time.now())
            said = await attempt.stop(Stage.SENT)
        if isinstance(said, Exception):
            raise said
        return said
