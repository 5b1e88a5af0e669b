"""Two connections to PostgreSQL at once: which waits for a lock, which passes a row over, and that limits hold."""

import asyncio
from contextlib import asynccontextmanager
from contextvars import copy_context
from dataclasses import replace

import asyncpg
import pytest
from tortoise.transactions import in_transaction

from models.campus import Signal, read_breakers
from models.changes import Change, Debounce, change
from models.claims import claim
from models.clock_watch import ClockWatch, follow
from models.db.database import open_database
from models.finish import Finish, HandOver
from models.finishing import finish
from models.rescue import rescue
from models.score import read_scores
from tests.models.claiming import (
    HOUR,
    LATER,
    LEASE,
    NOW,
    all_ended,
    at,
    campuses_answered,
    claimed,
    ended,
    lease,
    make_due,
    record,
)
from tests.models.rows import BLOCK, COURSE, LEARNER, make_assignment, make_service, read_claims, read_lines, read_row
from tests.models.scores import apply_score


@pytest.fixture
async def url(migrated_database):
    """The URL of a PostgreSQL database, open."""
    url = migrated_database("postgresql")
    async with open_database(url):
        yield url


@pytest.fixture
async def assignment(url):
    """The id of an assignment of version 1 whose score is 0."""
    await apply_score(LEARNER, COURSE, BLOCK, points=(0.0, 1.0), modified_us=1)
    return await make_assignment()


@pytest.fixture
async def other(url):
    """Another connection, and its transaction, which is open."""
    connection = await asyncpg.connect(url)
    try:
        transaction = connection.transaction()
        await transaction.start()
        yield connection, transaction
    finally:
        await connection.close()


async def change_score(connection, assignment):
    """Change the score to 1, and the version to 2, in the open transaction."""
    await connection.execute("UPDATE score SET points_earned = 1, modified_us = 2")
    await connection.execute(
        "UPDATE graded_assignment SET version_number = version_number + 1 WHERE id = $1", assignment
    )


async def lock(connection, assignment):
    """Lock the row in the open transaction."""
    await connection.execute("SELECT id FROM graded_assignment WHERE id = $1 FOR UPDATE", assignment)


async def another_waits_for(connection):
    """Return once another connection waits for a lock that *connection* holds."""
    async with asyncio.timeout(20):
        while not await connection.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid))"
        ):
            await asyncio.sleep(0)


# --- Rule 2: the score is read after the claim, in a later statement ---


async def test_a_claim_passes_over_a_row_that_is_being_changed_and_then_reads_the_new_score(assignment, other):
    holder, transaction = other
    await change_score(holder, assignment)
    assert await claim([assignment], lease(), most=1) == []
    await transaction.commit()
    got = await claimed(assignment)
    assert got.version == 2
    assert await read_scores(LEARNER, COURSE, [BLOCK]) == {BLOCK: (1.0, 1.0)}


async def test_two_changes_at_once_are_both_counted(assignment, other):
    holder, transaction = other
    await change_score(holder, assignment)
    changing = asyncio.create_task(change([Change(assignment, "leaf")], now=NOW, debounce=Debounce(0, 0)))
    await another_waits_for(holder)
    await transaction.commit()
    await changing
    assert (await read_row(assignment))["version_number"] == 3


# --- Locked rows are passed over ---


async def test_a_campus_that_another_daemon_counts_is_skipped_and_the_others_are_not(url, other):
    services = [await make_service(name) for name in ("busy", "free")]
    busy, free = [await make_assignment(service) for service in services]
    holder, transaction = other
    await holder.execute("SELECT id FROM campus WHERE id = $1 FOR UPDATE", services[0].campus_id)
    assert [got.assignment_id for got in await claim([busy, free], lease(), most=9)] == [free]
    await transaction.rollback()
    assert [got.assignment_id for got in await claim([busy, free], lease(), most=9)] == [busy]


async def test_a_row_that_is_locked_is_neither_claimed_nor_rescued_and_the_others_are(url, other):
    locked, free = [await make_assignment() for _ in range(2)]
    await campuses_answered()
    holder, transaction = other
    await lock(holder, locked)
    assert [got.assignment_id for got in await claim([locked, free], lease(), most=9)] == [free]
    await transaction.rollback()
    await claimed(locked)
    transaction = holder.transaction()
    await transaction.start()
    await lock(holder, locked)
    assert await rescue(now=NOW + LEASE) == 1
    assert (await read_row(locked))["claimed_until"] == NOW + LEASE
    await transaction.rollback()
    assert await rescue(now=NOW + LEASE) == 1


async def test_the_end_of_a_locked_row_is_left_for_the_next_batch_and_the_others_are_made(url, other):
    locked, free = [await make_assignment() for _ in range(2)]
    await campuses_answered()
    claims = {got.assignment_id: got for got in await claim([locked, free], lease(), most=9)}
    ends = {
        row: Finish(got, "accepted", score="1", delivery=record(got, "accepted"), signal=signal_of(got))
        for row, got in claims.items()
    }
    holder, transaction = other
    await lock(holder, locked)
    before = await read_row(locked)
    found, _ = await finish(list(ends.values()), now=LATER, next_breaker=counting)
    assert (found[ends[locked]].locked, found[ends[free]].locked) == (True, False)
    assert await read_row(locked) == before
    assert [len(await read_lines(row)) for row in (locked, free)] == [0, 1]
    assert (await breaker()).trips == 1, "only the attempt that ended has a say"
    await transaction.rollback()
    found, _ = await finish([ends[locked]], now=LATER, next_breaker=counting)
    assert not found[ends[locked]].locked
    assert (await read_row(locked))["sent_version"] == 1
    assert (await breaker()).trips == 2


async def test_a_fenced_end_of_a_locked_row_is_left_for_the_next_batch(url, other):
    row = await make_assignment()
    got = await claimed(row)
    await rescue(now=NOW + LEASE)
    end = Finish(got, "accepted", score="1", delivery=record(got, "accepted"), bytes_left=True)
    holder, transaction = other
    await lock(holder, row)
    assert (await all_ended([end]))[end].locked
    assert [line["result"] for line in await read_lines(row)] == ["unknown"]
    await transaction.rollback()
    found = (await all_ended([end]))[end]
    assert (found.locked, found.fenced) == (False, True)
    assert (await read_row(row))["version_number"] == 2
    assert [line["result"] for line in await read_lines(row)] == ["accepted"]


def signal_of(got):
    return Signal("success", got.address.campus_id, got.assignment_id, NOW)


def counting(breaker, signal):
    return replace(breaker, trips=breaker.trips + 1)


async def breaker():
    (only,) = await read_breakers([1])
    return only


async def test_signals_of_two_batches_at_once_are_both_counted(url, other):
    row = await make_assignment()
    got = await claimed(row)
    holder, transaction = other
    await holder.execute("UPDATE campus SET trips = 7")
    ending = asyncio.create_task(
        finish([Finish(got, "accepted", score="1", signal=signal_of(got))], now=LATER, next_breaker=counting)
    )
    await another_waits_for(holder)
    await transaction.commit()
    _, (seen,) = await ending
    assert (seen.before.trips, seen.after.trips, (await breaker()).trips) == (7, 8, 8)


async def test_a_claim_beside_a_hand_over_that_is_not_committed_yet_keeps_the_limit(url):
    rows = [await make_assignment() for _ in range(6)]
    await campuses_answered(max_in_flight=2)
    held = await claim(rows[:2], lease(), most=9)
    outside = copy_context()
    async with in_transaction():
        found = await all_ended([Finish(got, "accepted", score="1") for got in held], hand_over=HandOver(lease(), 1))
        assert all(one.next is not None for one in found.values())
        claiming = asyncio.create_task(claim(rows[4:], lease(), most=9), context=outside)
        assert await claiming == []
    assert len(await read_claims()) == 2


# --- The database's clock steps while a transaction that knows nothing of it is open ---

_SOMEONE_WAITS = "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted) AS waits"


@asynccontextmanager
async def steps_meanwhile(by):
    """The clock steps in here, and a daemon follows it as soon as it can; it has when this ends."""
    await ClockWatch.create(id=1, seen_at=NOW)
    outside = copy_context()
    async with asyncio.timeout(20):
        async with in_transaction() as open_one:
            yield
            following = asyncio.create_task(follow(at(NOW + by)), context=outside)
            while not (following.done() or (await open_one.execute_query_dict(_SOMEONE_WAITS))[0]["waits"]):
                await asyncio.sleep(0)
        assert await following == by


@pytest.mark.parametrize("by", [HOUR, -HOUR])
async def test_a_claim_that_is_being_made_when_the_clock_steps_lasts_as_long_from_then(url, by):
    (row,) = await make_due(1)
    async with steps_meanwhile(by):
        (got,) = await claim([row], lease(), most=1)
    assert (await read_row(row))["claimed_until"] == NOW + LEASE + by
    assert await rescue(now=NOW + by, steps=1) == 0
    assert not (await ended(got, "accepted", now=NOW + by, score="1")).fenced


@pytest.mark.parametrize("by", [HOUR, -HOUR])
async def test_a_hold_that_is_being_stored_when_the_clock_steps_lasts_as_long_from_then(url, by):
    (row,) = await make_due(1, due_at=0)
    # Its lease has run out: the step finds nothing else of this row to move.
    got = await claimed(row, now=NOW - LEASE)
    async with steps_meanwhile(by):
        await ended(got, "in_doubt", now=NOW, hold_until=NOW + 20_000, bytes_left=True)
    assert (await read_row(row))["hold_until"] == NOW + 20_000 + by
