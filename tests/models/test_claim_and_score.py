"""Rule 2: the score is read after the claim, in a later statement. On PostgreSQL, with two connections."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest
from models.attempt import claim
from models.together import Acceptance

from models import together
from models.assignment import Debounce, bump, sweep
from models.db.database import open_database
from models.db.migrate import migrate
from models.delivery import Line
from models.score import apply_score, read_scores
from tests.models.rows import BLOCK, COURSE, LEARNER, make_assignment, read_row

NOW = 1_000_000

# What a claim must not be: it takes the version and the score at once.
_CLAIM_AND_SCORE = """
    UPDATE graded_assignment SET claim_token = 1, claimed_until = 2000000 FROM score
    WHERE graded_assignment.id = $1 AND version_number > sent_version AND score.user_id = graded_assignment.user_id
        AND score.course_id = graded_assignment.course_id AND score.usage_id = graded_assignment.usage_id
    RETURNING version_number, points_earned"""


@pytest.fixture
async def assignment(fresh_database):
    """The URL of a PostgreSQL database, open, and the id of an assignment of version 1 whose score is 0."""
    url = fresh_database("postgresql")
    await migrate(url)
    async with open_database(url):
        await apply_score(LEARNER, COURSE, BLOCK, points=(0.0, 1.0), modified_us=1)
        yield url, await make_assignment()


@pytest.fixture
async def other(assignment):
    """A connection with a transaction that changed the score to 1 and bumped the version to 2, and is still open."""
    url, assignment_id = assignment
    connection = await asyncpg.connect(url)
    try:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute("UPDATE score SET points_earned = 1, modified_us = 2")
        await connection.execute(
            "UPDATE graded_assignment SET version_number = version_number + 1 WHERE id = $1", assignment_id
        )
        yield connection, transaction
    finally:
        await connection.close()


async def somebody_waits_for(connection):
    """Return once another connection waits for a lock that *connection* holds."""
    async with asyncio.timeout(20):
        while not await connection.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid))"
        ):
            await asyncio.sleep(0)


async def test_a_claim_that_returned_the_score_too_could_pair_the_new_version_with_the_old_score(assignment, other):
    url, assignment_id = assignment
    holder, transaction = other
    claimer = await asyncpg.connect(url)
    try:
        claiming = asyncio.create_task(claimer.fetchrow(_CLAIM_AND_SCORE, assignment_id))
        await somebody_waits_for(holder)
        await transaction.commit()
        assert tuple(await claiming) == (2, 0.0)
    finally:
        await claimer.close()


async def test_our_claim_and_the_later_read_pair_the_new_version_with_the_new_score(assignment, other):
    _, assignment_id = assignment
    holder, transaction = other
    claiming = asyncio.create_task(claim(assignment_id, token=1, now=NOW, lease_ms=1000))
    await somebody_waits_for(holder)
    await transaction.commit()
    got = await claiming
    assert got is not None
    assert got.version == 2
    assert await read_scores(LEARNER, COURSE, [BLOCK]) == {BLOCK: (1.0, 1.0)}


async def test_a_bump_between_the_claim_and_the_read_is_a_newer_version_than_the_one_that_is_ended(assignment):
    _, assignment_id = assignment
    got = await claim(assignment_id, token=1, now=NOW, lease_ms=1000)
    assert got is not None
    await apply_score(LEARNER, COURSE, BLOCK, points=(1.0, 1.0), modified_us=2)
    await bump(assignment_id, kind="leaf", now=NOW, debounce=Debounce(0, 0))
    assert got.version == 1
    assert await read_scores(LEARNER, COURSE, [BLOCK]) == {BLOCK: (1.0, 1.0)}


async def test_two_bumps_at_once_are_both_counted(assignment, other):
    _, assignment_id = assignment
    holder, transaction = other
    bumping = asyncio.create_task(bump(assignment_id, kind="leaf", now=NOW, debounce=Debounce(0, 0)))
    await somebody_waits_for(holder)
    await transaction.commit()
    await bumping
    assert (await read_row(assignment_id))["version_number"] == 3


async def test_together_a_row_that_somebody_has_locked_is_passed_over_and_nobody_waits(assignment):
    url, locked = assignment
    free, held = await make_assignment(), await make_assignment()
    ((_, ending),) = (await together.claim([(held, 5)], now=NOW, lease_ms=1000)).items()
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction():
            await connection.execute("SELECT id FROM graded_assignment WHERE id = ANY($1) FOR UPDATE", [locked, held])
            assert await together.forget_wakes([locked, free]) == {free: True}
            claims = await together.claim([(locked, 6), (free, 7)], now=NOW, lease_ms=1000)
            assert [key for key, _ in claims.items()] == [(free, 7)]
            assert locked not in {wake.assignment_id for wake in await sweep(now=NOW + 1000, most=9)}
            assert await together.accept([Acceptance(ending, "1", Line("accepted", score="1"))], now=NOW) == {}
    finally:
        await connection.close()
