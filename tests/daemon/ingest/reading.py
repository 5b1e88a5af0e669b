"""One daemon's intake and what it works with, on a real stream and a real database."""

import asyncio
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
import structlog

from actors.metrics import Metrics
from daemon.infra.stop import Stop
from daemon.ingest.apply import Applier
from daemon.ingest.batch import Batches
from daemon.ingest.catch_up import CatchUp
from daemon.ingest.reader import IntakeLoop
from daemon.ingest.stream import Stream
from models.changes import Debounce
from models.course import CourseTrees
from models.db.clock import Clock
from models.quarantine import QuarantinedEvent
from models.score import Score
from models.stream_position import read_position

KEY = "passback:events"
DAY_MS = 86_400_000
SCORE = {
    "type": "score.changed",
    "user_id": "u",
    "course_id": "c",
    "usage_id": "p",
    "points_earned": "1",
    "points_possible": "2",
}
LAUNCH = {
    "type": "launch",
    "oauth_consumer_key": "key",
    "user_id": "u",
    "course_id": "c",
    "usage_id": "p",
    "lis_result_sourcedid": "s",
    "lis_outcome_service_url": "https://campus.example/o",
}
STRUCTURE = {
    "type": "course.structure",
    "course_id": "c",
    "version": "1",
    "blocks": '[{"usage_id": "c"}, {"usage_id": "p", "parent": "c", "points_possible": 2}]',
}
DISABLED = {"type": "assignment.disabled", "oauth_consumer_key": "key", "lis_result_sourcedid": "s"}
RETIRED = {"type": "user.retired", "user_id": "u"}
DEBOUNCE = Debounce(delay_ms=20_000, ceiling_ms=60_000)


class Impatient(Stream):
    """A stream whose readers do not wait for new entries."""

    async def wait(self, position, block_ms):
        await asyncio.sleep(0)


class Sleepless(Stop):
    """Notes what it was asked to sleep, and does not."""

    def __init__(self) -> None:
        super().__init__()
        self.slept: list[float] = []

    async def sleep(self, seconds):
        self.slept.append(seconds)
        await asyncio.sleep(0)


class Monotonic:
    """Seconds, moved by the test."""

    seconds = 1_000.0

    def __call__(self):
        return self.seconds


@contextmanager
def logged():
    """What is logged at more than debug level."""
    found = []
    with structlog.testing.capture_logs() as logs:
        yield found
    found += [line for line in logs if line["log_level"] != "debug"]


class Stumbling(Applier):
    """Stumbles over the scores of one problem."""

    def __init__(self, error):
        super().__init__(CourseTrees(), DEBOUNCE)
        self.error = error

    async def apply(self, event, position, *, now, force=False):
        done = await super().apply(event, position, now=now, force=force)
        if self.error is not None and getattr(event, "usage_id", None) == "stumbling block":
            raise self.error
        return done

    async def apply_scores(self, events, position, **how):
        done = await super().apply_scores(events, position, **how)
        if self.error is not None and any(event.usage_id == "stumbling block" for event in events):
            raise self.error
        return done


@dataclass
class Desk:
    """One daemon's intake and what it works with."""

    stream: Stream
    monotonic: Monotonic
    clock: Clock
    applier: Applier = field(default_factory=lambda: Applier(CourseTrees(), DEBOUNCE))
    backlog: CatchUp = field(default_factory=CatchUp)
    metrics: Metrics = field(default_factory=lambda: Metrics("0"))
    stop: Sleepless = field(default_factory=Sleepless)
    dirty: list = field(default_factory=list)

    def __post_init__(self):
        self.batches = Batches(self.applier, self.clock, self.backlog, self.metrics, self.enqueue)
        self.intake = IntakeLoop(self.stream, self.batches, keep_days=7)

    async def enqueue(self, dirty):
        self.dirty += dirty

    async def step(self, *, later=0.0):
        """One step, *later* seconds after the one before."""
        self.monotonic.seconds += later
        await self.intake.step(self.stop)

    async def read_all(self):
        """Steps until nothing is left to read; gives how many they were."""
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


async def where():
    position = await read_position()
    return position.epoch, position.entry_id


async def quarantined():
    return await QuarantinedEvent.all().order_by("id")


async def scores():
    return {score.usage_id: score.points_earned for score in await Score.all()}
