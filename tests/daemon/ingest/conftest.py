"""Fixtures of the tests of intake."""

import json

import pytest
from tortoise.transactions import in_transaction

from daemon.infra.redis import redis_client
from daemon.ingest.apply import Applier
from daemon.ingest.parse import read_event
from models.assignment import GradedAssignment
from models.consumer import LtiConsumer
from models.course import CourseTrees
from models.db.clock import Clock
from models.stream_position import read_position
from tests.actors.sending import Ticker
from tests.daemon.ingest.applying import CLEAN, COURSE, DEBOUNCE, NOW, PROBLEMS
from tests.daemon.ingest.reading import KEY, Desk, Impatient


@pytest.fixture
async def campuses(empty_database):
    await LtiConsumer.create(consumer_name="campus", consumer_key="key", consumer_secret="secret")
    await LtiConsumer.create(consumer_name="other campus", consumer_key="other key", consumer_secret="secret")


@pytest.fixture
def applier():
    return Applier(CourseTrees(), DEBOUNCE)


@pytest.fixture
def apply(applier):
    """Applies an event that arrives *later* milliseconds after NOW; gives what it did and what it made dirty."""

    async def apply(later=0, force=False, **fields):
        entry_id = f"{NOW + later}-0"
        raw = {name.encode(): str(value).encode() for name, value in fields.items()}
        async with in_transaction():
            return await applier.apply(read_event(entry_id, raw), await read_position(), now=NOW, force=force)

    return apply


@pytest.fixture
def score(apply):
    async def score(usage_id="unit", earned=1, possible=2, **more):
        fields = {"user_id": "learner", "course_id": "course", "usage_id": usage_id}
        return await apply(
            **{"type": "score.changed", **fields, "points_earned": earned, "points_possible": possible, **more}
        )

    return score


@pytest.fixture
def structure(apply):
    async def structure(tree=COURSE, version=1, points=PROBLEMS, **more):
        blocks = [
            {"usage_id": block, "parent": parent} | ({"points_possible": points[block]} if block in points else {})
            for block, parent in tree.items()
        ]
        fields = {"type": "course.structure", "course_id": "course", "version": version, "blocks": json.dumps(blocks)}
        return await apply(**{**fields, **more})

    return structure


@pytest.fixture
def launch(apply):
    """Registers an assignment with a sourcedid of its own; gives what it did and what it made dirty."""
    numbers = iter(range(1_000))

    async def launch(usage_id="unit", **more):
        fields = {
            "type": "launch",
            "oauth_consumer_key": "key",
            "user_id": "learner",
            "course_id": "course",
            "usage_id": usage_id,
            "lis_result_sourcedid": f"sourcedid-{next(numbers)}",
            "lis_outcome_service_url": "https://campus.example/o",
        }
        return await apply(**{**fields, **more})

    return launch


@pytest.fixture
def clean(launch):
    """A registered assignment that the campus holds the newest grade of; its id."""

    async def clean(usage_id="unit", **more):
        columns = {name: more.pop(name) for name in ("sent_version", "waiting_since", "parked_at") if name in more}
        _, (dirty,) = await launch(usage_id, **more)
        await GradedAssignment.filter(id=dirty.assignment_id).update(**CLEAN | columns)
        return dirty.assignment_id

    return clean


@pytest.fixture
def url(request):
    return request.getfixturevalue("redis_url" if "redis_url" in request.fixturenames else "valkey_url")


@pytest.fixture
async def client(url):
    async with redis_client(url) as client:
        yield client


@pytest.fixture
async def make_desk(empty_database, client):
    await LtiConsumer.create(consumer_name="campus", consumer_key="key", consumer_secret="secret")

    async def make_desk(kind=Desk, stream=Impatient, redis=client, **changes):
        clock = Clock(Ticker())
        await clock.measure()
        return kind(stream(redis, KEY), clock, **changes)

    return make_desk


@pytest.fixture
async def desk(make_desk):
    return await make_desk()


@pytest.fixture
def put(client):
    """Puts entries onto the stream; gives the id of the last one."""

    async def put(*entries, entry_id="*"):
        for fields in entries:
            last = await client.xadd(KEY, fields, id=entry_id)
        return last.decode()

    return put
