"""What one daemon sends with, without the daemon: for tests of an attempt from the message to the campus and back."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from dramatiq.brokers.stub import StubBroker

from actors.access import AccessTokens, NoTokens
from actors.client import Abort, Sender
from actors.dependencies import Dependencies
from actors.lease import MARGIN
from actors.metrics import Metrics
from actors.resolution import Rules
from actors.send_outcomes import Outcomes
from actors.settings import Settings
from daemon.infra.stop import Stop
from daemon.loops.dispatch import Dispatcher
from models.campus import OutcomeService, ensure_campus
from models.changes import Change, Debounce, change
from models.consumer import LtiConsumer, digest, origin
from models.course import CourseTrees
from models.course_tree import Tree
from models.db.clock import Clock
from models.rescue import rescue
from tests.models.rows import BLOCK, COURSE, LEARNER, read_lines
from tests.models.scores import apply_score

KEY, SECRET, SOURCEDID = "key", "a-very-secret-secret", 'course:7<"user">&42'
PATH = "/outcomes?tool=a%2Fb&empty="
DEBOUNCE = Debounce(delay_ms=60_000, ceiling_ms=240_000)
HOLD, TIMEOUT = 20.0, 10.0
LEASE = MARGIN + TIMEOUT + HOLD
PARTITIONS = 4
#: Longer than the hold and any first backoff.
LATER = 30.0

#: For tests that no difference between the engines can touch.
on_one_engine = pytest.mark.parametrize("shared_url", ["sqlite"], indirect=True)


class Ticker:
    """A monotonic clock, in seconds, that moves only when a test moves it."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


class Trees(CourseTrees):
    """Notes its reads. What is put into *meanwhile* happens once, between a claim and the read of its score."""

    def __init__(self) -> None:
        super().__init__()
        self.reads: list[str] = []
        self.meanwhile: Any = None

    async def get(self, course_id: str, user_id: str = "") -> Tree | None:
        self.reads.append(course_id)
        happens, self.meanwhile = self.meanwhile, None
        if happens is not None:
            await happens()
        return await super().get(course_id, user_id)


class Sending:
    """
    What one daemon sends with.

    Args:
        hands_over: Whether claims follow an attempt; else each call makes one attempt of each assignment.
        tokens: Makes what gives access tokens of LTI 1.3 platforms.
        settings: Those of :class:`actors.dependencies.Settings`.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        clock: Clock,
        *,
        max_attempts: int = 80,
        max_connections: int = 200,
        may_send: bool = True,
        hands_over: bool = False,
        turn: float = 0,
        tokens: Callable[[Sender, Clock], AccessTokens] = lambda _sender, _clock: NoTokens(),
        **settings: Any,
    ) -> None:
        rules = Rules(hold_seconds=HOLD, max_attempts=max_attempts)
        self.clock = clock
        self.trees = Trees()
        self.metrics = Metrics("test")
        self.may_send = may_send
        self.broker = StubBroker(middleware=[])
        sender = Sender(session)
        self.tokens = tokens(sender, clock)
        self.dependencies = Dependencies(
            sender=sender,
            trees=self.trees,
            clock=clock,
            metrics=self.metrics,
            settings=Settings(TIMEOUT, rules, **{"max_per_campus": 4, **settings}, max_connections=max_connections),
            may_send=lambda: self.may_send,
            abort=Abort(),
            tokens=self.tokens,
        )
        self.outcomes = Outcomes(self.broker, self.dependencies, partitions=PARTITIONS, turn=turn)
        self.outcomes.contended = not hands_over
        self.dispatcher = Dispatcher(self.outcomes, self.dependencies)
        self.outcomes.notify = self.dispatcher.notify

    async def send(self, *assignment_ids: int) -> None:
        """Do what a message that names these assignments asks for."""
        await self.outcomes.send(list(assignment_ids))

    async def rescue(self) -> int:
        """Take back the claims whose lease has run out, as the dispatcher does; returns how many."""
        return await rescue(now=self.now)

    async def work_off(self) -> None:
        """Dispatch, and do what the messages ask for, until nothing may be sent any more."""
        await self.rescue()
        for _ in range(100):
            await self.dispatcher.dispatch()
            messages = self.take_messages()
            if not messages:
                return
            await asyncio.gather(*(self.send(*ids) for ids in messages))
        raise AssertionError("the dispatcher names assignments again and again that cannot be claimed")

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """A dispatcher and a worker go on with whatever is due."""
        stop = Stop()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._dispatch(stop))
            group.create_task(self._work(stop, group))
            try:
                yield
            finally:
                self.outcomes.close()
                stop.set()

    async def _dispatch(self, stop: Stop) -> None:
        while not stop.is_set():
            await self.dispatcher.step(stop)

    async def _work(self, stop: Stop, group: asyncio.TaskGroup) -> None:
        while not stop.is_set():
            for ids in self.take_messages():
                group.create_task(self.send(*ids))
            await stop.sleep(0.005)

    @property
    def now(self) -> int:
        return self.clock.now()

    def tick(self, seconds: float) -> None:
        """Let time pass, for all that have this clock."""
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

    def take_messages(self) -> list[list[int]]:
        """The ids that each message names, in all queues; they are taken out of these."""
        taken = []
        for queue in self.broker.queues.values():
            while not queue.empty():
                taken += json.loads(queue.get_nowait())["args"]
        return taken


async def fixed_clock() -> Clock:
    """A measured clock of the database's time that moves only with :meth:`Sending.tick`."""
    clock = Clock(Ticker())
    await clock.measure()
    return clock


async def make_campus(url: str, name: str = "campus", key: str = KEY, secret: str = SECRET) -> OutcomeService:
    """An address of a campus that never answered yet; *name*, *key* and *secret* are its consumer's."""
    consumer = await LtiConsumer.create(consumer_name=name, consumer_key=key, consumer_secret=secret)
    campus_id = await ensure_campus(consumer.id, origin(url))
    return await OutcomeService.create(
        lti_consumer=consumer, campus_id=campus_id, lis_outcome_service_url=url, url_digest=digest(url)
    )


async def scored(earned: float, possible: float, usage_id: str = BLOCK, learner: str = LEARNER) -> None:
    await apply_score(learner, COURSE, usage_id, points=(earned, possible), modified_us=1)


async def changed(assignment_id: int, earned: float, possible: float, now: int) -> None:
    """A new score came for a leaf, as intake applies it."""
    await scored(earned, possible)
    await change([Change(assignment_id, "leaf")], now=now, debounce=DEBOUNCE)


async def results(assignment_id: int) -> list[str]:
    return [line["result"] for line in await read_lines(assignment_id)]


def just_now() -> int:
    """
    A moment ago, in milliseconds since 1970: since when something that is due has no pause for being late.

    As long ago as a test may take, so that it is before any clock that the test has fixed, on a busy machine too.
    """
    return int(time.time() * 1000) - 120_000
