"""The status document."""

import asyncio
import contextvars

import pytest

from daemon.infra.redis import redis_client
from daemon.ingest.stream import Stream
from daemon.web.health import Health, Snapshot, render, status_document
from models.assignment import STATES
from models.db.clock import Clock
from models.heartbeat import Members
from models.queries.status import CampusStatus, Status
from tests.models.rows import make_assignment
from tests.servers import Port

NOW = 1_767_268_800_000


CAMPUS = CampusStatus("campus", "https://campus.example:443", state="probing")
OTHER = ("other", "https://other.example:443")
CAMPUS_KEYS = ("consumer", "origin", "state", "due", "parked", "last_success", "last_error")


def test_the_document_has_the_shape_that_others_rely_on():
    busy = CampusStatus(*OTHER, "up", 3, 1, NOW - 1_500, NOW - 250, "no such user")
    status = Status(dict.fromkeys(STATES, 0) | {"due": 3, "parked": 1}, [CAMPUS, busy], 4)
    members = Members(1, NOW, ("redis: away", "redis is full"))
    assert render(Snapshot(NOW, status, 5, members, troubles=["redis is full", "disk is full"])) == {
        "assignments": {"clean": 0, "due": 3, "waiting": 0, "claimed": 0, "parked": 1, "disabled": 0},
        "oldest_due_seconds": 1.5,
        "stream_lag": 5,
        "quarantined": 4,
        "troubles": ["redis is full", "disk is full", "redis: away"],
        "campuses": [
            dict(zip(CAMPUS_KEYS, ("campus", "https://campus.example:443", "probing", 0, 0, None, None), strict=True)),
            dict(zip(CAMPUS_KEYS, (*OTHER, "up", 3, 1, "2026-01-01T11:59:59.750Z", "no such user"), strict=True)),
        ],
    }


@pytest.mark.parametrize(("oldest", "seconds"), [(None, 0), (NOW, 0), (NOW + 5, 0), (NOW - 1, 0.001)])
def test_the_oldest_due_grade_is_shown_in_seconds(oldest, seconds):
    status = Status({}, [CampusStatus("campus", "https://campus.example:443", oldest_due=oldest)], 0)
    assert render(Snapshot(NOW, status, 0, Members(1, NOW)))["oldest_due_seconds"] == seconds


async def test_without_redis_the_document_says_everything_but_the_lag(empty_database):
    await make_assignment()
    port = Port()
    async with redis_client(f"redis://127.0.0.1:{port.number}/0") as client:
        for stream in (Stream(client, "passback:events"), None):
            document = await status_document(NOW, stream)
            assert (document["stream_lag"], document["assignments"]["due"]) == (None, 1)
    port.close()


async def test_a_page_that_is_asked_for_without_a_context_is_answered(empty_database, valkey_url):
    clock, health = Clock(), Health()
    await clock.measure()
    async with redis_client(valkey_url) as client:
        health.started([], clock, Stream(client, "passback:events"))
        document = await asyncio.get_running_loop().create_task(health.statusz(), context=contextvars.Context())
    assert document == render(Snapshot(NOW, Status(dict.fromkeys(STATES, 0), [], 0), 0, Members(0, None)))


def test_what_else_keeps_the_daemon_from_being_ready_is_a_trouble_only_while_it_does():
    health, reasons = Health(), ["the stream is another database's", None]
    health.reasons.append(lambda: reasons[0])
    health.started([], None, None)
    assert health.troubles() == ["the stream is another database's"]
    reasons.pop(0)
    assert health.troubles() == []
