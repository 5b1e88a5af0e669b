"""What one daemon sends with, without the daemon: for tests of attempts, from the message to the campus and back."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import asynccontextmanager
from dataclasses import replace
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

import pytest
from dramatiq.brokers.stub import StubBroker

from actors.attempt import Dependencies
from actors.client import Sender, http_session
from actors.egress import Egress
from actors.metrics import Metrics
from actors.outcomes import Outcomes
from actors.resolution import Rules
from actors.settings import MARGIN, Settings
from models.campus import OutcomeService, ensure_campus
from models.changes import Change, Debounce, change
from models.consumer import LtiConsumer, digest, origin
from models.course import CourseTrees
from models.db.clock import Clock
from models.score import apply_score
from tests.models.rows import BLOCK, COURSE, LEARNER, read_lines

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import aiohttp

    from models.course_tree import Tree

KEY, SECRET, SOURCEDID = "key", "a-very-secret-secret", 'course:7<"user">&42'
PATH = "/outcomes?tool=a%2Fb&empty="
DEBOUNCE = Debounce(delay_ms=60_000, ceiling_ms=240_000)
HOLD, TIMEOUT = 20.0, 10.0
LEASE = MARGIN + TIMEOUT + HOLD
#: Longer than the hold and any first backoff.
LATER = 30.0

#: For tests that no difference between the engines can touch.
on_one_engine = pytest.mark.parametrize("shared_url", ["sqlite"], indirect=True)


class Ticker:
    """A monotonic clock that stands still until it is moved. Seconds."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


class Trees(CourseTrees):
    """Notes its reads. What is put into *meanwhile* happens once, between a claim and its look at the score."""

    def __init__(self) -> None:
        super().__init__()
        self.reads: list[str] = []
        self.meanwhile: Any = None

    async def get(self, course_id: str) -> Tree | None:
        self.reads.append(course_id)
        happens, self.meanwhile = self.meanwhile, None
        if happens is not None:
            await happens()
        return await super().get(course_id)


class Sending:
    """What one daemon sends with."""

    def __init__(self, session, clock: Clock, **settings: Any) -> None:
        rules = Rules(hold_seconds=HOLD, max_attempts=settings.pop("max_attempts", 80))
        self.clock = clock
        self.trees = Trees()
        self.metrics = Metrics("test")
        self.abort = asyncio.Event()
        self.may_send = settings.pop("may_send", True)
        self.max_connections = settings.pop("max_connections", 200)
        self.broker = StubBroker(middleware=[])
        self.dependencies = Dependencies(
            sender=Sender(session),
            trees=self.trees,
            clock=self.clock,
            metrics=self.metrics,
            settings=Settings(TIMEOUT, rules, settings.pop("max_per_campus", 4), **settings),
            may_send=lambda: self.may_send,
            abort=self.abort,
        )
        self.outcomes = self._outcomes(self.dependencies)

    def replace_sender(self, sender: Any) -> None:
        """Send with another sender from now on."""
        self.broker = StubBroker(middleware=[])
        self.outcomes = self._outcomes(replace(self.dependencies, sender=sender))

    def _outcomes(self, dependencies: Dependencies) -> Outcomes:
        return Outcomes(self.broker, dependencies, partitions=4, max_connections=self.max_connections)

    async def send(self, *assignment_ids: int) -> None:
        await self.outcomes.send(list(assignment_ids))

    @property
    def now(self) -> int:
        return self.clock.now()

    def tick(self, seconds: float) -> None:
        """Let time pass, for everybody who has this clock."""
        self.clock.monotonic.seconds += seconds

    def counted(self, **labels: str) -> float:
        """How many outcomes of that result, and perhaps that consumer or kind, were counted."""
        return sum(
            sample.value
            for metric in self.metrics.registry.collect()
            for sample in metric.samples
            if sample.name == "passback_outcomes_total" and labels.items() <= sample.labels.items()
        )

    def value(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(name, labels)

    def enqueued(self) -> list[int]:
        """The assignments that the messages in all queues name."""
        messages = [json.loads(raw) for queue in self.broker.queues.values() for raw in queue.queue]
        return [assignment_id for message in messages for assignment_id in message["args"][0]]


@asynccontextmanager
async def outcome_session(patience: float = 5.0, **options: Any) -> AsyncIterator[aiohttp.ClientSession]:
    """A session that may reach this machine over plain HTTP; *patience* is its time-out in seconds."""
    async with http_session(
        timeout_seconds=patience,
        max_connections=10,
        egress=Egress(allow_http=True, allow_networks=[ip_network("127.0.0.0/8")]),
        **options,
    ) as session:
        yield session


async def standing_clock() -> Clock:
    """A measured clock of the database's time that moves only with :meth:`Sending.tick`."""
    clock = Clock(Ticker())
    await clock.measure()
    return clock


async def make_campus(url: str, name: str = "campus", key: str = KEY, secret: str = SECRET) -> OutcomeService:
    consumer = await LtiConsumer.create(consumer_name=name, consumer_key=key, consumer_secret=secret)
    campus_id = await ensure_campus(consumer.id, origin(url))
    return await OutcomeService.create(
        lti_consumer=consumer, campus_id=campus_id, lis_outcome_service_url=url, url_digest=digest(url)
    )


async def scored(earned: float, possible: float, usage_id: str = BLOCK) -> None:
    await apply_score(LEARNER, COURSE, usage_id, points=(earned, possible), modified_us=1)


async def changed(assignment_id: int, earned: float, possible: float, now: int) -> None:
    """A new score came for a leaf, as intake applies it."""
    await scored(earned, possible)
    await change([Change(assignment_id, "leaf")], now=now, debounce=DEBOUNCE)


async def results(assignment_id: int) -> list[str]:
    return [line["result"] for line in await read_lines(assignment_id)]


def just_now() -> int:
    """A moment ago, in milliseconds since 1970: since when something that is not overdue may be due."""
    return int(time.time() * 1000) - 1000
