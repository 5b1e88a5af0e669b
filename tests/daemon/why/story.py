"""What happened to some grades, in a real database, through intake and the attempts of senders, at chosen times."""

import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from actors.metrics import Metrics
from daemon.ingest.apply import Applier
from daemon.ingest.batch import Batches
from daemon.ingest.catch_up import CatchUp
from daemon.why.known import Terms
from models.assignment import GradedAssignment
from models.changes import Debounce
from models.claims import Claim, Lease, claim
from models.consumer import LtiConsumer
from models.course import CourseTrees
from models.db.clock import Clock
from models.delivery import DeliveryRecord, DeliveryResult
from models.finish import Finish, Outcome
from models.finishing import finish
from models.queries.grades import Query
from models.stream_position import read_position

#: When the question is asked: 14:15 in Berlin.
NOW = int(datetime(2026, 3, 2, 13, 15, tzinfo=UTC).timestamp() * 1000)
DEBOUNCE = Debounce(delay_ms=900_000, ceiling_ms=3_600_000)
TERMS = Terms(NOW, DEBOUNCE, ZoneInfo("Europe/Berlin"))
LEASE_MS = 35_000
SECRET = "a-secret-of-theirs"

LAUNCH = {
    "oauth_consumer_key": "example",
    "user_id": "42",
    "course_id": "physics",
    "usage_id": "unit",
    "lis_result_sourcedid": "grade-of-unit",
    "lis_outcome_service_url": "https://canvas.example.edu/api/lti/v1/tools/7/grade_passback",
    "lti_user_id": "campus-42",
    "context_title": "Physics I",
    "resource_link_title": "Momentum",
}
TREE = {"physics": None, "unit": "physics", "p1": "unit", "p2": "unit", "other unit": "physics", "p3": "other unit"}
POINTS = {"p1": 2, "p2": 2, "p3": 2}


def before(minutes: float) -> int:
    """So many minutes before the question, in milliseconds since 1970."""
    return NOW - int(minutes * 60_000)


def request(result: DeliveryResult, score: str, **more: Any) -> dict[str, Any]:
    """What is recorded of one request, a second after the claim."""
    return {"result": result, "score": score, **more}


UNAVAILABLE = request("ambiguous", "0.25", http_status=503, description="HTTP 503: no words", duration_ms=40)
NO_CONNECTION = request("retried", "0.25", description="cannot connect: connection refused")


class _SetClock(Clock):
    """A clock that the story sets."""

    ms = NOW

    def now(self) -> int:
        return self.ms


class Story:
    """Every event and attempt of it happens so many minutes *ago*."""

    def __init__(self) -> None:
        self._clock = _SetClock()

        async def enqueue(_dirty) -> None:
            """No daemon runs."""

        applier = Applier(CourseTrees(), DEBOUNCE)
        self._batches = Batches(applier, self._clock, CatchUp(), Metrics("test"), enqueue)

    async def event(self, type_: str, ago: float, **fields) -> None:
        """An event comes in."""
        self._clock.ms = before(ago)
        raw = {name.encode(): str(value).encode() for name, value in {"type": type_, **fields}.items()}
        await self._batches.take(await read_position(), [(f"{before(ago)}-0", raw)])

    async def consumer(self, name="Example University", key="example", **columns) -> None:
        await LtiConsumer.create(consumer_name=name, consumer_key=key, **{"consumer_secret": SECRET, **columns})

    async def structure(self, ago=600, tree=TREE, version=1, points=POINTS, **fields) -> None:
        blocks = [
            {"usage_id": block, "parent": parent, "points_possible": points.get(block)}
            for block, parent in tree.items()
        ]
        about = {"course_id": "physics", "version": version, "blocks": json.dumps(blocks)}
        await self.event("course.structure", ago, **about, **fields)

    async def launch(self, ago=500, **fields) -> None:
        await self.event("launch", ago, **{**LAUNCH, **fields})

    async def score(self, ago, earned, usage_id="p1", possible=2, **fields) -> None:
        about = {"user_id": "42", "course_id": "physics", "usage_id": usage_id}
        await self.event(
            "score.changed", ago, **{**about, "points_earned": earned, "points_possible": possible, **fields}
        )

    async def claim(self, ago: float, **which) -> Claim:
        assignment = await GradedAssignment.get(**which)
        lease = Lease(now=before(ago), began=0.0, ms=LEASE_MS, second_ms=10_000, max_per_campus=4)
        (got,) = await claim([assignment.id], lease, most=1)
        return got

    async def attempt(self, ago: float, how: Outcome, record: Any = None, *, usage_id="unit", **more) -> None:
        """A sender claims, and the attempt ends so, a second later; a moment passes until it is stored."""
        await self.end(await self.claim(ago, usage_id=usage_id), ago, how, record, **more)

    async def end(self, got: Claim, ago: float, how: Outcome, record: Any = None, **more) -> None:
        """The attempt of a claim ends so, a second later."""
        delivery = record and DeliveryRecord(
            got.assignment_id,
            got.token,
            at=got.claimed_at + 1000,
            attempt=got.attempt,
            version=got.version,
            entry_id=got.entry_id,
            **record,
        )
        end = Finish(got, how, score=record and (record["score"] or None), delivery=delivery, **more)
        await finish([end], now=before(ago) + 1040, next_breaker=lambda breaker, _signal: breaker)

    async def accepted(self, ago: float, score: str, *, usage_id="unit", clamped=False) -> None:
        answer = {"http_status": 200, "code_major": "success", "description": "Score recorded", "duration_ms": 120}
        record = request("accepted", score, clamped=clamped, **answer)
        await self.attempt(ago, "accepted", record, usage_id=usage_id)

    async def begin(self, *, scored: bool = True, usage_id: str = "unit", accepted: bool = False) -> None:
        """A campus, a course, a learner with a score and a launch some hours ago, and perhaps an accepted grade."""
        await self.consumer()
        await self.structure()
        if scored:
            await self.score(501, 1)
        await self.launch(500, usage_id=usage_id)
        if accepted:
            await self.accepted(400, "0.25")


def ask(**asked) -> Query:
    """Whose grades: those of the learner, unless another is named."""
    return Query(**({} if {"lti_user_id", "sourcedid"} & asked.keys() else {"user_id": "42"}) | asked)


#: What happens, and the question at its end.
SITUATIONS: dict[str, Callable[[Story], Awaitable[Query]]] = {}


async def _asked(story: Story, happen: Callable[..., Awaitable[Query | None]], **row: Any) -> Query:
    return await happen(story, **row) or ask()


def situation(happen):
    """Register what happens; it returns the question, unless that is about all grades of the learner."""
    SITUATIONS[happen.__name__] = partial(_asked, happen=happen)
    return happen


def situations(table: Mapping[str, Any]):
    """Register what happens for each row of a table."""

    def register(happen):
        SITUATIONS.update({name: partial(_asked, happen=happen, row=row) for name, row in table.items()})

    return register
