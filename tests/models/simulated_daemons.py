"""Simulated daemons: attempts that the real code claims, hands over and dispatches; each stops where it may freeze."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any

from dramatiq import Broker

from actors.access import AccessTokens, NoTokens
from actors.client import Abort
from actors.dependencies import Dependencies
from actors.errors import DeliveryError
from actors.lease import MARGIN
from actors.metrics import Metrics
from actors.resolution import Rules
from actors.response import Response
from actors.send_outcomes import Outcomes
from actors.settings import Settings
from daemon.loops.dispatch import Dispatcher
from models.course import CourseTrees
from models.course_tree import Tree
from tests.models.campus import Campus, Request
from tests.models.oracle import Address
from tests.models.rows import address_of, campus_of, read_rows

#: Milliseconds.
DEADLINE, HOLD = 15_000, 30_000
LEASE = int(MARGIN * 1000) + DEADLINE + HOLD
#: Attempts until a row is parked.
MAX_ATTEMPTS = 3
#: Queues, and attempts at once of a daemon.
PARTITIONS, CONNECTIONS = 2, 4


class Time:
    """Real time and the database's clock, in milliseconds; the driver of the model moves them."""

    def __init__(self) -> None:
        self.real = 1_700_000_000_000
        #: How far the database's clock is ahead of real time, and how often it has stepped.
        self.ahead = self.steps = 0

    @property
    def ms(self) -> int:
        """By the database's clock."""
        return self.real + self.ahead


class DaemonClock:
    """What one daemon takes for the database's time: it knows of a step once it has looked."""

    def __init__(self, time: Time) -> None:
        self._time = time
        self.look()

    def look(self) -> None:
        self.ahead, self.steps = self._time.ahead, self._time.steps

    @property
    def is_current(self) -> bool:
        return self.steps == self._time.steps

    def now(self) -> int:
        return self._time.real + self.ahead

    def now_utc(self) -> datetime:
        return datetime.fromtimestamp(self.now() / 1000, UTC)

    def monotonic(self) -> float:
        return self._time.real / 1000


class Stage(IntEnum):
    """How far an attempt has come. CLAIMED: it reads the score next. READY: it sends next. SENT: no answer yet."""

    CLAIMED, READY, SENT, OVER = range(4)


class Attempt:
    """One claim, and what a daemon does with it."""

    def __init__(self, call: Call) -> None:
        self.call = call
        self.assignment_id = 0
        self.stage = Stage.CLAIMED
        self.log_entry = 0
        self.claimed_at = 0
        self.token = 0
        #: Consumer key and origin.
        self.campus = ("", "")
        self.address: Address = ("", "")
        self.text = ""
        self.request: Request | None = None
        #: The attempt that was handed over when this one finished.
        self.next: Attempt | None = None
        self._goes_on: asyncio.Future[Any] | None = None

    @property
    def daemon(self) -> Daemon:
        return self.call.daemon

    async def go_on(self, said: Response | DeliveryError | None = None) -> None:
        """Let it come as far as its next stop; *said* is how the request went."""
        assert self._goes_on is not None
        self.call.moving.add(self)
        self._goes_on.set_result(said)
        await self.call.settle()

    async def stop(self, stage: Stage) -> Any:
        """The attempt itself calls this; returns what the driver hands to :meth:`go_on`."""
        self.stage = stage
        self._goes_on = asyncio.get_running_loop().create_future()
        self.call.rests(self)
        return await self._goes_on

    @property
    def latest(self) -> int:
        """Before this its request lands or never, if it dies."""
        return self.claimed_at + LEASE

    @property
    def may_crash(self) -> bool:
        """Whether nothing of it can reach the campus after its lease, if it dies now."""
        request = self.request
        return request is None or (request.begun_at < self.latest and (request.landed_at or 0) < self.latest)


class Call:
    """One call of an actor: the attempts of the assignments that it claimed, and those that are handed over."""

    def __init__(self, daemon: Daemon) -> None:
        self.daemon = daemon
        self.attempts: list[Attempt] = []
        #: Those that have not yet come to their next stop.
        self.moving: set[Attempt] = set()
        self._by_task: dict[asyncio.Task[Any], Attempt] = {}
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self, assignment_ids: Sequence[int]) -> None:
        _CALL.set(self)
        self._task = asyncio.create_task(self.daemon.outcomes.send(list(assignment_ids)))
        self._task.add_done_callback(lambda _: self._changed.set())
        await self.settle()

    async def settle(self) -> None:
        """Wait until each attempt has come to its next stop, or has finished."""
        assert self._task is not None
        while not self._task.done() and (self.moving or not self.attempts):
            await self._changed.wait()
            self._changed.clear()
        if self._task.done():
            self._task.result()

    def begin(self) -> Attempt:
        """The running task has a new claim; its last attempt, if there was one, has finished."""
        task = asyncio.current_task()
        assert task is not None
        attempt = Attempt(self)
        before = self._by_task.get(task)
        self._by_task[task] = attempt
        self.attempts.append(attempt)
        self.moving.add(attempt)
        if before is None:
            task.add_done_callback(lambda task: self._over(self._by_task[task]))
        else:
            before.next = attempt
            self._over(before)
        return attempt

    def _over(self, attempt: Attempt) -> None:
        attempt.stage = Stage.OVER
        self.rests(attempt)

    def rests(self, attempt: Attempt) -> None:
        self.moving.discard(attempt)
        self._changed.set()

    async def vanish(self) -> None:
        """Not as a process dies: it may release what it holds in memory. Only at the end of a run."""
        assert self._task is not None
        self._task.cancel()
        await asyncio.wait([self._task])


#: Of the running task.
_CALL: ContextVar[Call] = ContextVar("call")
_ATTEMPT: ContextVar[Attempt] = ContextVar("attempt")


class Post(Broker):
    """Keeps messages in a list: when each arrives, and the assignments that it names."""

    def __init__(self, time: Time, messages: list[tuple[int, list[int]]]) -> None:
        super().__init__(middleware=[])
        self._time = time
        self._messages = messages

    def declare_queue(self, queue_name: str) -> None:
        self.queues[queue_name] = None

    def enqueue(self, message: Any, *, delay: int | None = None) -> Any:
        (ids,) = message.args
        assert {f"outcomes.{assignment_id % PARTITIONS}" for assignment_id in ids} == {message.queue_name}
        self._messages.append((self._time.real + (delay or 0), ids))
        return message


class _Trees(CourseTrees):
    """The first thing after the claim is to read the course."""

    def __init__(self, daemon: Daemon) -> None:
        super().__init__()
        self._daemon = daemon

    async def get(self, course_id: str, user_id: str = "") -> Tree | None:
        await self._daemon.stop_once_claimed()
        return await super().get(course_id, user_id)


class Daemon:
    """What one daemon sends with. *logs*: what the daemons have logged; attempts name their assignment there."""

    def __init__(
        self,
        time: Time,
        campus: Campus,
        metrics: Metrics,
        messages: list[tuple[int, list[int]]],
        *,
        max_per_campus: int,
        logs: Sequence[Any],
        tokens: AccessTokens | None = None,
        may_send: Callable[[], bool] = lambda: True,
    ) -> None:
        self._time = time
        self.clock = DaemonClock(time)
        self._campus = campus
        self._logs = logs
        dependencies = Dependencies(
            sender=self,
            trees=_Trees(self),
            clock=self.clock,
            metrics=metrics,
            settings=Settings(
                DEADLINE / 1000,
                Rules(HOLD / 1000, MAX_ATTEMPTS),
                max_per_campus=max_per_campus,
                max_connections=CONNECTIONS,
            ),
            may_send=may_send,
            abort=Abort(),
            hit=self._reach,
            tokens=tokens or NoTokens(),
        )
        self.outcomes = Outcomes(Post(time, messages), dependencies, partitions=PARTITIONS)
        self.dispatcher = Dispatcher(self.outcomes, dependencies)

    async def receive(self, assignment_ids: Sequence[int]) -> Call:
        """A message came."""
        call = Call(self)
        await call.start(assignment_ids)
        return call

    def _reach(self, failpoint: str) -> None:
        if failpoint == "claimed":
            attempt = _CALL.get().begin()
            # What is logged next says of which assignment it is.
            attempt.log_entry = len(self._logs)
            _ATTEMPT.set(attempt)

    async def stop_once_claimed(self) -> None:
        attempt = _ATTEMPT.get()
        began = self._logs[attempt.log_entry]
        assert began["event"] == "attempt.started"
        attempt.assignment_id = began["assignment"]
        attempt.claimed_at = self._time.real
        (row,) = [row for row in await read_rows() if row["id"] == attempt.assignment_id]
        attempt.token, attempt.campus, attempt.address = row["claim_token"], campus_of(row), address_of(row)
        await attempt.stop(Stage.CLAIMED)

    async def send(self, url: str, body: bytes, headers: Any, *, abort: Any, **_: Any) -> Response:
        """In place of a real sender's."""
        attempt = _ATTEMPT.get()
        sourcedid, attempt.text = re.findall("<(?:sourcedId|textString)>(.*?)<", body.decode())
        assert attempt.address == (url, sourcedid)
        said = await attempt.stop(Stage.READY)
        if said is None:
            attempt.request = self._campus.receive(attempt.token, attempt.address, attempt.text, now=self._time.real)
            said = await attempt.stop(Stage.SENT)
        if isinstance(said, Exception):
            raise said
        return said
