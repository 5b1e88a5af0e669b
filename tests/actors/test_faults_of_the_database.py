"""Attempts while the database fails."""

import asyncio

import pytest
import structlog

from actors.finisher import Finisher
from actors.request import PUT_OFF
from actors.resolution import not_sent
from models.claims import claim
from models.db.sql import connection
from tests.actors.campuses import columns, held_by
from tests.actors.sending import LEASE, PARTITIONS, Ticker, just_now, results, scored
from tests.models.rows import make_assignment, read_row


async def test_an_attempt_is_finished_again_when_the_database_failed(sending, lms, leaf):
    answer_and_end = await held_by(sending, lms, leaf)
    await connection().execute_script("ALTER TABLE delivery RENAME TO delivery_away")
    with structlog.testing.capture_logs() as logs:
        ending = asyncio.create_task(answer_and_end())
        await lms.until(lambda: logs)
        assert [entry["event"] for entry in logs] == ["attempt.not_finished_yet"]
        await connection().execute_script("ALTER TABLE delivery_away RENAME TO delivery")
        await ending
    assert await columns(leaf, "sent_version", "sent_score", "claimed_until") == (1, "0.5", None)
    assert await results(leaf) == ["accepted"]
    assert len(lms.requests) == 1
    assert sending.counted(result="accepted") == 1


async def test_an_attempt_that_cannot_be_finished_is_given_up_when_the_daemon_has_to_end(sending, lms, leaf):
    answer_and_end = await held_by(sending, lms, leaf)
    await connection().execute_script("ALTER TABLE delivery RENAME TO delivery_away")
    sending.dependencies.abort.set()
    with pytest.raises(Exception, match="delivery"):
        await answer_and_end()
    await connection().execute_script("ALTER TABLE delivery_away RENAME TO delivery")
    assert await columns(leaf, "sent_version", "claimed_until") == (0, sending.now + LEASE * 1000)
    sending.dependencies.abort.clear()
    sending.tick(LEASE)
    assert await sending.rescue() == 1
    await sending.send(leaf)
    assert await results(leaf) == ["unknown", "accepted"]
    assert (await read_row(leaf))["sent_score"] == "0.5"


class Slow(Ticker):
    """A monotonic clock that is past every deadline whenever it is read again: the daemon is frozen between."""

    def __call__(self) -> float:
        self.seconds += 10 * LEASE
        return self.seconds


async def test_a_daemon_frozen_while_it_finishes_an_attempt_tries_once_more_when_it_thaws(sending, leaf):
    (held,) = await claim([leaf], sending.dependencies.lease(), most=1)
    finisher = Finisher(sending.dependencies, partitions=PARTITIONS, hands_over=lambda _: False, notify=lambda: None)
    sending.clock.monotonic = Slow()
    await connection().execute_script("ALTER TABLE graded_assignment RENAME TO away")
    with structlog.testing.capture_logs() as logs:
        ending = asyncio.create_task(finisher.finish(not_sent(held, "released")))
        while not (logs or ending.done()):
            await asyncio.sleep(0.001)
        await connection().execute_script("ALTER TABLE away RENAME TO graded_assignment")
        assert (await ending).locked is False
    assert await columns(leaf, "claimed_until") == (None,)


async def test_attempts_that_fail_together_before_a_request_are_given_back_as_each_would_be_alone(sending, campus, lms):
    await scored(1, 2)
    ids = [await make_assignment(campus, due_at=just_now()) for _ in range(3)]
    fault = ConnectionResetError("the database is away")

    async def lost():
        sending.trees.meanwhile = lost
        raise fault

    sending.trees.meanwhile = lost
    await asyncio.gather(*map(sending.send, ids))
    for one in ids:
        again = sending.now + int(PUT_OFF * 1000)
        assert await columns(one, "attempts", "claimed_until", "not_before") == (0, None, again)
        assert await results(one) == []
    assert lms.requests == []
