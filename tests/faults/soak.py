"""A small world without a real socket or clock: SQLite, a stream and a queue in memory, campuses that fail."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from dramatiq.brokers.stub import StubBroker
from lxml import etree

from actors.client import Abort
from actors.dependencies import Dependencies
from actors.errors import Ambiguous, Misconfigured, TryLater
from actors.metrics import Metrics
from actors.resolution import Rules
from actors.response import Response
from actors.send_outcomes import Outcomes
from actors.settings import Settings
from daemon.infra.errors import is_data_fault
from daemon.infra.stop import Stop
from daemon.ingest.apply import Applier
from daemon.ingest.batch import Batches
from daemon.ingest.catch_up import CatchUp
from daemon.ingest.ownership import Ownership
from daemon.ingest.reader import IntakeLoop
from daemon.ingest.stream import StreamRead, parse_id
from daemon.loops.dispatch import Dispatcher
from daemon.loops.heartbeat import HeartbeatLoop
from daemon.wiring import access_tokens
from models.changes import Debounce
from models.course import CourseTrees
from models.db.clock import Clock, ClockReading
from models.db.sql import connection
from models.encryption import PLAINTEXT
from models.platform_admin import note_signing_key
from tests.fakes.lms import pox
from tests.faults import soak_platform

SETTINGS = Settings(10, Rules(hold_seconds=20, max_attempts=80), max_per_campus=4, max_connections=200)
DEBOUNCE = Debounce(delay_ms=900_000, ceiling_ms=3_600_000)


class SimulatedClock(Clock):
    """Time that passes when the test says so, the database's too, from when it was measured first."""

    def __init__(self) -> None:
        super().__init__(lambda: self.seconds)
        self.seconds = 1000.0
        self._measured = False

    def adopt(self, reading: ClockReading) -> int:
        if not self._measured:
            super().adopt(reading)
            self._measured = True
        return 0


class DiedError(BaseException):
    """The process is gone in the middle of what it did; nothing catches this."""


NAMES = ("failing", "healthy")
#: What a campus does with a request, by what is away.
ANSWERS: dict[str, Response | BaseException] = {
    "everything": TryLater("no connection to the campus: refused"),
    "the campus refuses connections": TryLater("no connection to the campus: refused"),
    "the campus is silent": Ambiguous("the connection was lost while waiting for the answer: time-out"),
    "the campus is in maintenance": Response(503, {}, b"<html>Back soon</html>", 0.1),
    "the campus is busy": Response(429, {"Retry-After": "30"}, b"", 0.1),
    "the campus has another secret": Response(401, {}, b"", 0.1),
    "the campus has a bad certificate": Misconfigured("the campus's certificate cannot be trusted", bytes_left=False),
    "the daemon dies again and again": DiedError(),
}
#: Every other request is stored all the same.
IN_DOUBT = ("the campus is silent", "the campus is in maintenance", "the daemon dies again and again")


#: Campuses that fail: one over each version of LTI.
FAILING = ("failing", soak_platform.NAME)


class Campuses:
    """
    In the place of the sender: a gradebook for each host. Those of :data:`FAILING` fail while something is away.

    A request to one of them over LTI 1.3 counts only if it carries a score.
    """

    def __init__(self, clock: Clock) -> None:
        self.away = ""
        self.platform = soak_platform.MemoryPlatform(clock)
        #: As :meth:`tests.blackbox.learners.Learners.gradebook` gives them.
        self.grades: dict[str, dict[tuple[str, str], str]] = {name: {} for name in NAMES}
        self.seen: Counter[str] = Counter()

    def gradebooks(self) -> dict[str, dict[tuple[str, str], str]]:
        """What each campus holds."""
        return {**self.grades, soak_platform.NAME: self.platform.gradebook()}

    async def send(
        self,
        url: str,
        body: bytes,
        headers: dict[str, str],
        *,
        abort: asyncio.Event,
        method: str = "POST",
        **_: object,
    ) -> Response:
        assert not abort.is_set()
        self.platform.away = self.away
        if url == soak_platform.TOKEN_URL:
            return await self.platform.give_token(url, body, headers)
        name = url.removeprefix("https://").partition(".")[0]
        self.seen[name] += method == "POST"
        answer = ANSWERS.get(self.away) if name in FAILING else None
        served = Response(200, {}, b"", 0.1)
        if answer is None or (self.away in IN_DOUBT and self.seen[name] % 2):
            served = await self._serve(name, url, body, headers, method)
        if isinstance(answer, BaseException):
            raise answer.with_traceback(None)
        return answer or served

    async def _serve(self, name: str, url: str, body: bytes, headers: dict[str, str], method: str) -> Response:
        if name == soak_platform.NAME:
            return await self.platform.serve(method, url, body, headers)
        request = etree.fromstring(body)
        self.grades[name]["/outcomes", request.findtext(".//{*}sourcedId")] = request.findtext(".//{*}textString")
        return Response(200, {}, pox("success"), 0.1)


class MemoryStream:
    """A Redis stream that can be away."""

    def __init__(self) -> None:
        self.away = False
        self.owner_key = "owner"
        self.owner: str | None = None
        self.entries: list[tuple[str, dict[bytes, bytes]]] = []

    def put(self, at_ms: int, event: dict[str, Any]) -> None:
        fields = {name.encode(): str(value).encode() for name, value in event.items()}
        self.entries.append((f"{at_ms}-{len(self.entries)}", fields))

    async def read(self, position: str, count: int) -> StreamRead:
        self._check()
        here = parse_id(position)
        return StreamRead(
            entries=[entry for entry in self.entries if parse_id(entry[0]) > here][:count],
            last_id=self.entries[-1][0] if self.entries else "0-0",
            first_id=self.entries[0][0] if self.entries else None,
            at_position=any(entry[0] == position for entry in self.entries),
            owner=self.owner,
        )

    async def claim(self, owner: str) -> str | None:
        self._check()
        self.owner = self.owner or owner
        return self.owner

    async def mark(self, reader: str) -> str:
        return reader

    async def wait(self, _position: str, _block_ms: int) -> None:
        self._check()

    async def trim(self, _position: str, **_before: int) -> int:
        self._check()
        return 0

    def _check(self) -> None:
        if self.away:
            raise ConnectionError("Redis is away")


class MemoryQueue(StubBroker):
    """Dramatiq's queues: away with Redis, lost with a process. Delays pass at once, so that messages come early."""

    def __init__(self, stream: MemoryStream) -> None:
        super().__init__(middleware=[])
        self._stream = stream
        #: The assignments that each message names.
        self.messages: list[list[int]] = []

    def enqueue(self, message: Any, *, delay: int | None = None) -> Any:
        if self._stream.away:
            raise ConnectionError("Redis is away")
        self.messages.extend(message.args)
        return message


class Daemon:
    """One daemon's loops, each stepped by hand; a new one is what a restart leaves."""

    def __init__(self, stream: MemoryStream, campuses: Campuses, clock: Clock) -> None:
        self.stream = stream
        self.stop = Stop()
        self.stop.set()  # no loop sleeps in simulated time
        self.tokens = access_tokens(campuses, clock, PLAINTEXT, note_signing_key)
        backlog, trees, metrics = CatchUp(), CourseTrees(), Metrics("test")
        dependencies = Dependencies(
            sender=campuses,
            trees=trees,
            clock=clock,
            metrics=metrics,
            settings=SETTINGS,
            may_send=lambda: backlog.applied and ownership.trouble is None,
            abort=Abort(),
            tokens=self.tokens,
        )
        self.queue = MemoryQueue(stream)
        self.outcomes = Outcomes(self.queue, dependencies, partitions=4)
        batches = Batches(Applier(trees, DEBOUNCE), clock, backlog, metrics, self.outcomes.enqueue_dirty)
        heartbeat = HeartbeatLoop(clock, reads=lambda: ownership.token)
        ownership = Ownership(stream, clock, heartbeat.name)
        intake = IntakeLoop(stream, batches, ownership, keep_days=7)
        dispatcher = Dispatcher(self.outcomes, dependencies)
        self.outcomes.notify = dispatcher.notify
        self.steps = [heartbeat.step, intake.step, dispatcher.step]

    async def round(self) -> None:
        """Every loop once, and whatever is due in the queue; a lost server is a matter of time."""
        for step in self.steps:
            await self._outlive(step(self.stop))
        if not self.stream.away:
            messages, self.queue.messages = self.queue.messages, []
            for assignment_ids in messages:
                await self._outlive(self.outcomes.send(assignment_ids))

    async def _outlive(self, work: Any) -> None:
        try:
            await work
        except Exception as error:
            if is_data_fault(error):
                raise


@asynccontextmanager
async def without_a_database() -> AsyncIterator[None]:
    """The daemon cannot see its tables meanwhile."""
    tables = ("graded_assignment", "intake", "heartbeat", "campus")
    for table in tables:
        await connection().execute_script(f"ALTER TABLE {table} RENAME TO {table}_away")
    yield
    for table in tables:
        await connection().execute_script(f"ALTER TABLE {table}_away RENAME TO {table}")
