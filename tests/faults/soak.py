"""A small world without a real socket or clock: SQLite, a stream and a queue in memory, campuses with moods."""

import asyncio
import random
from typing import Any

from dramatiq.brokers.stub import StubBroker
from lxml import etree

from actors.client import Abort
from actors.dependencies import Dependencies, Settings
from actors.errors import Ambiguous, Misconfigured, TryLater
from actors.metrics import Metrics
from actors.outcomes import Outcomes
from actors.resolution import Rules
from actors.response import Response
from daemon.infra.errors import is_data_fault
from daemon.infra.stop import Stop
from daemon.ingest.apply import Applier
from daemon.ingest.catch_up import CatchUp
from daemon.ingest.reader import Intake
from daemon.ingest.stream import Look, parse_id
from daemon.loops.dispatch import Dispatcher
from daemon.loops.heartbeat import HeartbeatLoop
from models.changes import Debounce
from models.course import CourseTrees
from models.db.clock import Clock
from models.db.sql import connection
from tests.fakes.lms import pox

SETTINGS = Settings(timeout_seconds=10, rules=Rules(hold_seconds=20, max_attempts=80))
DEBOUNCE = Debounce(delay_ms=900_000, ceiling_ms=3_600_000)


class Ticker:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


class SimulatedClock(Clock):
    """The database's clock is simulated too: it goes with the ticker, from the time at which it was measured first."""

    def __init__(self) -> None:
        super().__init__(Ticker())
        self._measured = False

    async def measure(self) -> None:
        if not self._measured:
            await super().measure()
            self._measured = True


class DiedError(BaseException):
    """The process is gone in the middle of what it did; nobody catches this."""


class Campus:
    """A gradebook that takes scores as its mood has it."""

    def __init__(self) -> None:
        self.mood = "well"
        self.holds: dict[str, str] = {}
        self.seen = 0

    def take(self, body: bytes) -> Response:
        request = etree.fromstring(body)
        sourcedid = request.findtext(".//{*}sourcedId")
        score = request.findtext(".//{*}textString")
        self.seen += 1
        # In doubt: every other request is applied all the same.
        applies = self.mood == "well" or (self.mood in ("silent", "dies", "maintenance") and self.seen % 2)
        if self.mood == "refuses":
            raise TryLater("no connection to the campus: refused")
        if applies:
            self.holds[sourcedid] = score
        match self.mood:
            case "silent":
                raise Ambiguous("the connection was lost while waiting for the answer: time-out")
            case "dies":
                raise DiedError
            case "has a bad certificate":
                raise Misconfigured("the campus's certificate cannot be trusted", bytes_left=False)
            case "maintenance":
                return Response(503, {}, b"<html>Back soon</html>", 0.1)
            case "busy":
                return Response(429, {"Retry-After": "30"}, b"", 0.1)
            case "has another secret":
                return Response(401, {}, b"", 0.1)
        return Response(200, {}, pox("success"), 0.1)


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

    async def look(self, position: str, count: int) -> Look:
        self._check()
        here = parse_id(position)
        return Look(
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
        self.stop.set()  # nobody sleeps in simulated time
        backlog, trees, metrics = CatchUp(), CourseTrees(), Metrics("test")
        dependencies = Dependencies(
            sender=campuses,
            trees=trees,
            clock=clock,
            metrics=metrics,
            settings=SETTINGS,
            may_send=lambda: backlog.applied,
            abort=Abort(),
        )
        self.queue = MemoryQueue(stream, clock)
        self.outcomes = Outcomes(self.queue, dependencies, partitions=4, max_connections=200)
        intake = Intake(
            stream,
            Applier(trees, DEBOUNCE),
            clock=clock,
            backlog=backlog,
            metrics=metrics,
            enqueue=self.outcomes.enqueue_dirty,
            keep_days=7,
        )
        dispatcher = Dispatcher(self.outcomes, dependencies)
        self.outcomes.notify = dispatcher.notify
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
    """Loses its tables, as far as anybody can tell, and gets them back."""

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
    """Whoever works, and what they have earned last: a grade for a problem and one for its chapter."""

    NUMBER = 8

    def __init__(self) -> None:
        self.chance = random.Random(7)
        self.earned: dict[int, int] = {}

    def launches(self) -> list[dict[str, Any]]:
        return [
            {
                "type": "launch",
                "oauth_consumer_key": campus,
                "user_id": f"user-{number}",
                "course_id": "course",
                "usage_id": block,
                "lis_result_sourcedid": f"{number}-{block}",
                "lis_outcome_service_url": f"https://{campus}.example/outcomes",
            }
            for number in range(self.NUMBER)
            for block in ("problem", "chapter")
            for campus in ("sick", "healthy")
        ]

    def work(self) -> dict[str, Any]:
        number, earned = self.chance.randrange(self.NUMBER), self.chance.randrange(11)
        self.earned[number] = earned
        return {
            "type": "score.changed",
            "user_id": f"user-{number}",
            "course_id": "course",
            "usage_id": "problem",
            "points_earned": earned,
            "points_possible": 10,
        }

    def gradebook(self) -> dict[str, str]:
        return {
            f"{number}-{block}": f"{earned / 10:g}"
            for number, earned in self.earned.items()
            for block in ("problem", "chapter")
        }
