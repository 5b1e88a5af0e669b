"""A transaction of launches keeps no sender from its campus. On PostgreSQL, where two transactions may be at work."""

import asyncio
from dataclasses import replace

import pytest
from tortoise.transactions import in_transaction

from models.campus import Campus, read_breakers
from models.registration import register
from tests.models.launching import LAUNCH, NOW, launched

pytestmark = [
    pytest.mark.usefixtures("two_consumers"),
    pytest.mark.parametrize("shared_url", ["postgresql"], indirect=True),
]


@pytest.mark.parametrize(
    "changes",
    [{"modified_us": LAUNCH.modified_us + 1}, {"user_id": "another", "lis_result_sourcedid": "another"}],
    ids=["of a known assignment", "of a new one"],
)
async def test_an_attempt_that_ends_changes_its_campus_while_launches_from_there_are_applied(changes):
    await launched()
    await Campus.all().update(tripped_at=1, trips=5, blocked_until=NOW + 300_000, last_error="no", last_error_at=NOW)
    campus_id = (await Campus.get()).id
    applied = asyncio.Event()

    async def end_attempt():
        await applied.wait()
        async with in_transaction():
            return await read_breakers([campus_id], lock=True)

    ending = asyncio.create_task(end_attempt())
    async with in_transaction():
        done = await register(replace(LAUNCH, **changes), kind="leaf", now=NOW)
        applied.set()
        # It would wait for this transaction, which may wait for one of its rows in turn.
        async with asyncio.timeout(10):
            (breaker,) = await ending
    assert (breaker.campus_id, done.probe) == (campus_id, campus_id)
