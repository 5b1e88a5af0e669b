"""A small world without a real socket or clock: SQLite, a stream and a queue in memory, campuses that fail."""

import asyncio
import random
from typing import Any

from dramatiq.brokers.stub import StubBroker
from lxml import etree

from actors.dependencies import Dependencies
from actors.errors import Ambiguous, Misconfigured, TryLater
from actors.metrics import Metrics
from actors.outcomes import Outcomes
from actors.resolution import Rules
from actors.response import Response
from actors.settings import Settings
from daemon.infra.errors import is_data_fault
from daemon.infra.stop import Stop
from daemon.ingest.apply import Applier
from daemon.ingest.batch import Batches
from daemon.ingest.catch_up import CatchUp
from daemon.ingest.reader import IntakeLoop
from daemon.ingest.stream import StreamRead, parse_id
from daemon.loops.dispatch import Dispatcher
from daemon.loops.heartbeat import HeartbeatLoop
from models.changes import Debounce
from models.course import CourseTrees
from models.db.clock import Clock
from models.db.sql import connection
from tests.blackbox.world import COURSE, Fields, launch, score, structure
from tests.fakes.lms import pox

SETTINGS = Settings(timeout_seconds=10, rules=Rules(hold_seconds=20, max_attempts=80))
DEBOUNCE = Debounce(delay_ms=900_000, ceiling_ms=3_600_000)
STRUCTURE = structure(
    blocks=[
        {"usage_id": COURSE, "parent": None},
        {"usage_id": "chapter", "parent": COURSE},
        {"usage_id": "problem-1", "parent": "chapter", "points_possible": 10},
    ]
)


class SimulatedClock(Clock):
    """Time that passes when the test says so, the database's too, from when it was measured first."""

    def __init__(self) -> None:
        super().__init__(lambda: self.seconds)
        self.seconds = 1000.0
        self._measured = False

    async def measure(self) -> None:
        if not self._measured:
            await super().measure()
            self._measured = True


class DiedError(BaseException):
    """The process is gone in the middle of what it did; nothing catches this."""


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


class Campus:
    """A gradebook that takes scores unless something is away."""

    def __init__(self) -> None:
        self.away = ""
        self.holds: dict[str, str] = {}
        self.seen = 0

    def take(self, body: bytes) -> Response:
        request = etree.fromstring(body)
        self.seen += 1
        answer = ANSWERS.get(self.away, Response(200, {}, pox("success"), 0.1))
        if self.away not in ANSWERS or (self.away in IN_DOUBT and self.seen % 2):
            self.holds[request.findtext(".//{*}sourcedId")] = request.findtext(".//{*}textString")
        if isinstance(answer, BaseException):
            raise answer.with_traceback(None)
        return answer


class Campuses:
    """In the place of the sender: the campus by the host of its URL."""

    def __init__(self, **campuses: Campus) -> None:
        self.by_name = campuses

    async def post(self, url: str, body: bytes, _headers: object, *, abort: asyncio.Event, **_: object) -> Response:
        assert not abort.is_set()
        return self.by_name[url.removeprefix("https://").partition(".")[0]].take(body)


class MemoryStream:
    """A Redis stream that can be away."""

    def __init__(self) -> None:
        self.away = False
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
        )

    async def wait(self, _position: str, _block_ms: int) -> None:
        self._check()

    async def trim(self, _position: str, **_before: int) -> int:
        self._check()
        return 0

    def _check(self) -> None:
        if self.away:
            raise ConnectionError("Redis is away")


class MemoryQueue(StubBroker):
    """Dramatiq's queues, as far as these messages need them: away with Redis, lost with a process."""

    def __init__(self, stream: MemoryStream, clock: Clock) -> None:
        super().__init__(middleware=[])
        self._stream = stream
        self._clock = clock
        #: When each is due, in milliseconds since 1970, and the assignments that it names.
        self.messages: list[tuple[int, list[int]]] = []

    def enqueue(self, message: Any, *, delay: int | None = None) -> Any:
        if self._stream.away:
            raise ConnectionError("Redis is away")
        (assignment_ids,) = message.args
        self.messages.append((self._clock.now() + (delay or 0), assignment_ids))
        return message

    def due(self) -> list[list[int]]:
        now = self._clock.now()
        due = [assignment_ids for at, assignment_ids in self.messages if at <= now]
        self.messages = [message for message in self.messages if message[0] > now]
        return due


class Daemon:
    """One daemon's loops, each stepped by hand; a new one is what a restart leaves."""

    def __init__(self, stream: MemoryStream, campuses: Campuses, clock: Clock) -> None:
        self.clock = clock
        self.stream = stream
        self.stop = Stop()
        self.stop.set()  # no loop sleeps in simulated time
        backlog, trees, metrics = CatchUp(), CourseTrees(), Metrics("test")
        dependencies = Dependencies(
            sender=campuses,
            trees=trees,
            clock=clock,
            metrics=metrics,
            settings=SETTINGS,
            may_send=lambda: backlog.applied,
            abort=asyncio.Event(),
        )
        self.queue = MemoryQueue(stream, clock)
        self.outcomes = Outcomes(self.queue, dependencies, partitions=4, max_connections=200)
        batches = Batches(Applier(trees, DEBOUNCE), clock, backlog, metrics, self.outcomes.enqueue_dirty)
        intake = IntakeLoop(stream, batches, keep_days=7)
        dispatcher = Dispatcher(self.outcomes, dependencies)
        self.outcomes.on_capacity(dispatcher.notify)
        self.steps = [HeartbeatLoop(clock).step, intake.step, dispatcher.step]

    async def round(self) -> None:
        """Every loop once, and whatever is due in the queue; a lost server is a matter of time."""
        for step in self.steps:
            await self._outlive(step(self.stop))
        if not self.stream.away:
            for assignment_ids in self.queue.due():
                await self._outlive(self.outcomes.send(assignment_ids))

    async def _outlive(self, work: Any) -> None:
        try:
            await work
        except Exception as error:
            if is_data_fault(error):
                raise


class Database:
    """Loses its tables, as far as the daemon can see, and gets them back."""

    TABLES = ("graded_assignment", "intake", "heartbeat", "campus")

    def __init__(self) -> None:
        self.away = False

    async def leave(self, *, away: bool) -> None:
        if away == self.away:
            return
        for table in self.TABLES:
            names = (table, f"{table}_away") if away else (f"{table}_away", table)
            await connection().execute_script("ALTER TABLE {} RENAME TO {}".format(*names))
        self.away = away


class Learners:
    """Learners at work, and what they earned last: each has a grade for a problem and one for its chapter."""

    NUMBER = 8
    BLOCKS = ("problem-1", "chapter")

    def __init__(self) -> None:
        self.chance = random.Random(7)
        self.earned: dict[int, int] = {}

    def launches(self) -> list[Fields]:
        return [
            launch(f"user-{number}", block, f"{number}-{block}", f"https://{name}.example/outcomes")
            | {"oauth_consumer_key": name}
            for number in range(self.NUMBER)
            for block in self.BLOCKS
            for name in ("failing", "healthy")
        ]

    def work(self) -> Fields:
        number, earned = self.chance.randrange(self.NUMBER), self.chance.randrange(11)
        self.earned[number] = earned
        return score(f"user-{number}", "problem-1", earned)

    def gradebook(self) -> dict[str, str]:
        return {
            f"{number}-{block}": f"{earned / 10:g}" for number, earned in self.earned.items() for block in self.BLOCKS
        }
