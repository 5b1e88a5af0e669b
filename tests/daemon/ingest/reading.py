"""One daemon's intake on a real stream and a real database, the events that tests put there, and a course."""

import asyncio
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import uuid4

import pytest
import structlog

from actors.metrics import Metrics
from daemon.ingest.apply import Applier
from daemon.ingest.batch import Batches
from daemon.ingest.catch_up import CatchUp
from daemon.ingest.ownership import Ownership
from daemon.ingest.reader import IntakeLoop
from daemon.ingest.stream import Stream
from models.assignment import GradedAssignment
from models.changes import Debounce
from models.course import CourseTrees
from models.db.clock import Clock
from models.heartbeat import beat
from models.quarantine import QuarantinedEvent
from models.score import Score
from models.stream_position import read_position
from tests.daemon.doubles import Sleepless

KEY = "passback:events"
#: Milliseconds: of the database's clock and of the entries.
NOW = 1_767_268_800_000
DEBOUNCE = Debounce(delay_ms=20_000, ceiling_ms=60_000)
CLEAN = {"version_number": 3, "sent_version": 3, "due_at": NOW - 9_000, "pending_since": None}

#: chapter > vertical > unit, as in the examples of the field, and another vertical beside it.
COURSE = {"course": None, "chapter": "course", "vertical": "chapter", "unit": "vertical", "side": "chapter"}
PROBLEMS = {"unit": 2, "other": 5}
SCORE = {
    "type": "score.changed",
    "user_id": "u",
    "course_id": "c",
    "usage_id": "p",
    "points_earned": "1",
    "points_possible": "2",
}
CLEARED = {"type": "score.cleared", "user_id": "u", "course_id": "c", "usage_id": "p"}
LAUNCH = {
    "type": "launch",
    "oauth_consumer_key": "key",
    "user_id": "u",
    "course_id": "c",
    "usage_id": "p",
    "lis_result_sourcedid": "s",
    "lis_outcome_service_url": "https://campus.example/o",
}
LAUNCH_13 = {
    "type": "launch",
    "issuer": "https://campus.example",
    "client_id": "client",
    "lti_user_id": "sub",
    "user_id": "u",
    "course_id": "c",
    "usage_id": "p",
    "lineitem": "https://campus.example/item?t=1",
}
STRUCTURE = {
    "type": "course.structure",
    "course_id": "c",
    "version": "1",
    "blocks": '[{"usage_id": "c"}, {"usage_id": "p", "parent": "c", "points_possible": 2}]',
}
DISABLED = {"type": "assignment.disabled", "oauth_consumer_key": "key", "lis_result_sourcedid": "s"}
RETIRED = {"type": "user.retired", "user_id": "u"}


class Impatient(Stream):
    """A stream whose readers do not wait for new entries."""

    async def wait(self, position, block_ms):
        await asyncio.sleep(0)


@contextmanager
def logged():
    """What is logged above debug level."""
    found = []
    with structlog.testing.capture_logs() as logs:
        yield found
    found += [line for line in logs if line["log_level"] != "debug"]


class Stumbling(Applier):
    """Fails on the scores of one problem."""

    def __init__(self, error):
        super().__init__(CourseTrees(), DEBOUNCE)
        self.error = error

    async def apply_scores(self, events, position, **how):
        done = await super().apply_scores(events, position, **how)
        if self.error is not None and any(event.usage_id == "stumbling block" for event in events):
            raise self.error
        return done


@dataclass
class DaemonIntake:
    """One daemon's intake and its dependencies."""

    stream: Stream
    clock: Clock
    applier: Applier = field(default_factory=lambda: Applier(CourseTrees(), DEBOUNCE))
    backlog: CatchUp = field(default_factory=CatchUp)
    metrics: Metrics = field(default_factory=lambda: Metrics("0"))
    stop: Sleepless = field(default_factory=Sleepless)
    dirty: list = field(default_factory=list)
    name: str = field(default_factory=lambda: uuid4().hex)

    def __post_init__(self):
        self.batches = Batches(self.applier, self.clock, self.backlog, self.metrics, self.enqueue)
        self.ownership = Ownership(self.stream, self.clock, self.name)
        self.loop = IntakeLoop(self.stream, self.batches, self.ownership, keep_days=7)

    async def enqueue(self, dirty):
        self.dirty += dirty

    async def step(self, *, later=0.0):
        """One step, *later* seconds after the one before."""
        self.clock.monotonic.seconds += later
        # Its own heartbeat: each daemon of a database knows the others.
        await beat(self.name, now=self.clock.now(), stream_token=self.ownership.token)
        await self.loop.step(self.stop)

    async def read_all(self):
        """Steps until nothing is left to read; gives their number."""
        for steps in range(1, 100):
            await self.step()
            if not await self.stream.lag((await read_position()).entry_id):
                return steps
        raise AssertionError("intake does not come to the end of the stream")

    def counted(self):
        """Entries by type and result; what has not come yet is left out."""
        return {
            (sample.labels["type"], sample.labels["result"]): int(sample.value)
            for metric in self.metrics.registry.collect()
            for sample in metric.samples
            if sample.name == "passback_events_total" and sample.value
        }

    def resets(self):
        return self.metrics.registry.get_sample_value("passback_stream_resets_total")

    def gaps(self):
        return self.metrics.registry.get_sample_value("passback_stream_gaps_total")


#: For tests to which the kind of Redis may matter.
on_each_redis = pytest.mark.usefixtures("redis_url")


def raw(fields):
    """As the stream gives it."""
    return {name.encode(): str(value).encode() for name, value in fields.items()}


async def versions():
    return dict(await GradedAssignment.all().values_list("id", "version_number"))


async def where():
    position = await read_position()
    return position.epoch, position.entry_id


async def quarantined():
    return await QuarantinedEvent.all().order_by("id")


async def scores():
    return {score.usage_id: score.points_earned for score in await Score.all()}
