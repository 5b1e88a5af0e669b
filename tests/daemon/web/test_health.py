"""The status document."""

import asyncio
import contextvars

from daemon.infra.redis import redis_client
from daemon.ingest.stream import Stream
from daemon.web.health import Health, status_document
from daemon.web.snapshot import Snapshot, render
from models.db.clock import Clock
from models.members import Members
from models.queries.status import Status
from models.states import STATES
from tests.models.rows import make_assignment
from tests.servers import Port

NOW = 1_767_268_800_000


async def test_without_redis_the_document_says_everything_but_the_lag(empty_database):
    await make_assignment()
    port = Port()
    async with redis_client(f"redis://127.0.0.1:{port.number}/0") as client:
        for stream in (Stream(client, "passback:events"), None):
            document = await status_document(NOW, stream)
            assert (document["stream_lag"], document["assignments"]["due"]) == (None, 1)
    port.close()


async def test_a_page_that_is_asked_for_without_a_context_is_answered(empty_database, valkey_url):
    clock, health = Clock(), Health({"database": "which one"})
    await clock.measure()
    async with redis_client(valkey_url) as client:
        health.started([], clock, Stream(client, "passback:events"))
        document = await asyncio.get_running_loop().create_task(health.statusz(), context=contextvars.Context())
    nothing = render(Snapshot(NOW, Status(dict.fromkeys(STATES, 0), [], 0), 0, Members(0, None)))
    assert document == {"database": "which one"} | nothing


def test_what_else_keeps_the_daemon_from_being_ready_is_a_trouble_only_while_it_does():
    health, reasons = Health(), ["the stream is another database's", None]
    health.reasons.append(lambda: reasons[0])
    health.started([], None, None)
    assert health.troubles() == ["the stream is another database's"]
    reasons.pop(0)
    assert health.troubles() == []
