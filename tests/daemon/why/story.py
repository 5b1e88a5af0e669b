"""What happened to some grades, told to a real database through intake and the attempts of senders, at chosen times."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from actors.metrics import Metrics
from daemon.ingest.apply import Applier
from daemon.ingest.catch_up import CatchUp
from daemon.ingest.reader import Intake
from daemon.why.known import Terms
from models.campus import Campus, ensure_campus
from models.changes import Debounce
from models.claims import Claim, Lease, claim
from models.consumer import LtiConsumer
from models.course import CourseTrees
from models.db.clock import Clock
from models.delivery import DeliveryRecord
from models.finishing import Finish, finish
from models.queries.grades import Query
from models.stream_position import read_position

#: When somebody asks: 14:15 in Berlin.
NOW = int(datetime(2026, 3, 2, 13, 15, tzinfo=UTC).timestamp() * 1000)
DEBOUNCE = Debounce(delay_ms=900_000, ceiling_ms=3_600_000)
TERMS = Terms(NOW, DEBOUNCE, ZoneInfo("Europe/Berlin"))
LEASE_MS = 35_000

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
    """So many minutes before somebody asks, in milliseconds since 1970."""
    return NOW - int(minutes * 60_000)


class _Told(Clock):
    """A clock that is told the time."""

    ms = NOW

    def now(self) -> int:
        return self.ms


class Story:
    """Every event and attempt of it happens so many minutes *ago*."""

    def __init__(self) -> None:
        self._clock = _Told()

        async def enqueue(_dirty) -> None:
            """No daemon runs."""

        self._intake = Intake(
            None,
            Applier(CourseTrees(), DEBOUNCE),
            clock=self._clock,
            backlog=CatchUp(),
            metrics=Metrics("test"),
            enqueue=enqueue,
            keep_days=7,
        )

    async def tell(self, type_: str, ago: float, **fields) -> None:
        """An event comes in."""
        self._clock.ms = before(ago)
        raw = {name.encode(): str(value).encode() for name, value in {"type": type_, **fields}.items()}
        await self._intake.take(await read_position(), [(f"{before(ago)}-0", raw)])

    async def consumer(self, name="Example University", key="example", **columns) -> int:
        """The id of its campus."""
        consumer = await LtiConsumer.create(
            consumer_name=name, consumer_key=key, consumer_secret="a-secret-of-theirs", **columns
        )
        return await ensure_campus(consumer.id, "https://canvas.example.edu:443")

    async def structure(self, ago=600, tree=TREE, version=1) -> None:
        blocks = [
            {"usage_id": block, "parent": parent, "points_possible": POINTS.get(block)}
            for block, parent in tree.items()
        ]
        await self.tell("course.structure", ago, course_id="physics", version=version, blocks=json.dumps(blocks))

    async def launch(self, ago=500, **fields) -> None:
        await self.tell("launch", ago, **{**LAUNCH, **fields})

    async def score(self, ago, earned, usage_id="p1", possible=2, **fields) -> None:
        about = {"user_id": "42", "course_id": "physics", "usage_id": usage_id}
        await self.tell(
            "score.changed", ago, **{**about, "points_earned": earned, "points_possible": possible, **fields}
        )

    async def campus(self, campus_id: int, **columns) -> None:
        """What is stored of its breaker."""
        await Campus.filter(id=campus_id).update(**columns)

    async def claim(self, assignment_id: int, ago: float) -> Claim:
        lease = Lease(now=before(ago), began=0.0, ms=LEASE_MS, second_ms=0, max_per_campus=4)
        (got,) = await claim([assignment_id], lease, most=1)
        return got

    async def attempt(self, assignment_id: int, ago: float, end: dict, record: dict | None = None) -> None:
        """
        A sender claims, and it ends so, a second later.

        *end*: of :class:`models.finishing.Finish`. *record*: of :class:`models.delivery.DeliveryRecord`.
        """
        got, now = await self.claim(assignment_id, ago), before(ago) + 1000
        delivery = record and DeliveryRecord(
            assignment_id, got.token, at=now, attempt=got.attempt, version=got.version, entry_id=got.entry_id, **record
        )
        await finish([Finish(got, delivery=delivery, **end)], now=now, next_breaker=lambda breaker, _: breaker)

    async def accepted(self, assignment_id: int, ago: float, score: str, *, clamped=False) -> None:
        record = {
            "result": "accepted",
            "score": score,
            "clamped": clamped,
            "http_status": 200,
            "code_major": "success",
            "description": "Score recorded",
            "duration_ms": 120,
        }
        await self.attempt(assignment_id, ago, {"outcome": "accepted", "score": score}, record)


def ask(**asked) -> Query:
    """Whose grades: those of the learner, unless somebody else is named."""
    return Query(**({} if {"lti_user_id", "sourcedid"} & asked.keys() else {"user_id": "42"}) | asked)
