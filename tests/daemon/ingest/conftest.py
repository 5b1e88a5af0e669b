"""Fixtures of the tests of intake."""

import json
from functools import partial
from itertools import count

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
from tests.daemon.ingest.reading import (
    CLEAN,
    COURSE,
    DEBOUNCE,
    KEY,
    LAUNCH,
    NOW,
    PROBLEMS,
    SCORE,
    STRUCTURE,
    DaemonIntake,
    Impatient,
    raw,
)


@pytest.fixture
async def campuses(empty_database):
    await LtiConsumer.create(consumer_name="campus", consumer_key="key", consumer_secret="secret")
    await LtiConsumer.create(consumer_name="other campus", consumer_key="other key", consumer_secret="secret")


@pytest.fixture
def applier():
    return Applier(CourseTrees(), DEBOUNCE)


@pytest.fixture
def apply(applier):
    """
    Applies an event that arrives *later* milliseconds after NOW, there at *sequence*.

    Gives what it did and what it made dirty.
    """

    async def apply(event, *, later=0, sequence=0, force=False, **changes):
        read = read_event(f"{NOW + later}-{sequence}", raw(event | changes), now=NOW)
        async with in_transaction():
            return await applier.apply(read, await read_position(), now=NOW, force=force)

    return apply


@pytest.fixture
def score(apply):
    return partial(apply, SCORE | {"usage_id": "unit"})


@pytest.fixture
def structure(apply):
    async def structure(tree=COURSE, version=1, points=PROBLEMS, **changes):
        blocks = [
            {"usage_id": block, "parent": parent} | ({"points_possible": points[block]} if block in points else {})
            for block, parent in tree.items()
        ]
        return await apply(STRUCTURE, version=version, blocks=json.dumps(blocks), **changes)

    return structure


@pytest.fixture
def launch(apply):
    """Registers an assignment with a sourcedid of its own; gives what it did and what it made dirty."""
    numbers = count()

    async def launch(usage_id="unit", **changes):
        return await apply(LAUNCH | {"lis_result_sourcedid": f"s{next(numbers)}"}, usage_id=usage_id, **changes)

    return launch


@pytest.fixture
def clean(launch):
    """A registered assignment that the campus holds the newest grade of; its id."""

    async def clean(usage_id="unit", columns=CLEAN, **changes):
        _, (dirty,) = await launch(usage_id, **changes)
        await GradedAssignment.filter(id=dirty.assignment_id).update(**columns)
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
async def make_intake(campuses, client):
    async def make_intake(kind=DaemonIntake, stream=Impatient, redis=client, **changes):
        clock = Clock(Ticker())
        await clock.measure()
        return kind(stream(redis, KEY), clock, **changes)

    return make_intake


@pytest.fixture
async def intake(make_intake):
    return await make_intake()


@pytest.fixture
def put(client):
    """Puts entries onto the stream; gives the id of the last one."""

    async def put(*entries, entry_id="*"):
        for fields in entries:
            last = await client.xadd(KEY, fields, id=entry_id)
        return last.decode()

    return put
