"""The loop that reads the stream."""

import pytest
from tortoise.expressions import F

from daemon.ingest.reader import BATCH
from daemon.ingest.stream import STREAM_START
from models.assignment import GradedAssignment
from models.score import Score
from models.stream_position import Intake as IntakeRow
from tests.daemon.ingest.reading import KEY, LAUNCH, SCORE, STRUCTURE, Impatient, on_each_redis, scores, where

# --- Once, and in order ---


@on_each_redis
async def test_more_entries_than_a_batch_takes_are_applied_once_and_in_order(intake, client):
    async with client.pipeline(transaction=False) as pipe:
        pipe.xadd(KEY, LAUNCH)
        for earned in range(1, BATCH + 50):
            pipe.xadd(KEY, SCORE | {"points_earned": str(earned)})
        last = (await pipe.execute())[-1].decode()
    assert await intake.read_all() == 2
    await intake.step()
    assert (await where(), await scores()) == ((0, last), {"p": BATCH + 49})
    assert (await GradedAssignment.get()).version_number == BATCH + 50
    assert intake.counted() == {("launch", "applied"): 1, ("score.changed", "applied"): BATCH + 49}


# --- Several daemons ---


async def test_a_daemon_that_finds_the_position_moved_drops_its_batch_and_waits(make_intake, put):
    winner = await make_intake()
    await winner.step()

    class Overtaken(Impatient):
        """Another daemon is quicker between the read and the transaction."""

        async def read(self, position, count):
            read = await super().read(position, count)
            await winner.step()
            return read

    loser = await make_intake(stream=Overtaken)
    last = await put(LAUNCH, SCORE)
    await loser.step()
    assert (await where(), await scores()) == ((0, last), {"p": 1})
    assert (await GradedAssignment.get()).version_number == 2
    assert (loser.counted(), loser.dirty, winner.stop.slept) == ({}, [], [])
    (slept,) = loser.stop.slept
    assert 1 <= slept <= 2


# --- What may be sent, and when ---


@on_each_redis
async def test_nothing_may_be_sent_before_intake_caught_up_at_start_and_after_a_restore(intake, put):
    first = await put(LAUNCH)
    await put(SCORE)
    for applied in (False, True):
        await intake.step()
        assert intake.backlog.applied is applied
    await IntakeRow.all().update(position=first)
    await Score.all().delete()
    await intake.step()
    assert not intake.backlog.applied
    assert await scores() == {"p": 1}
    await intake.step()
    assert intake.backlog.applied


async def test_entries_that_are_read_again_after_a_restore_change_nothing(intake, put):
    events = [LAUNCH, STRUCTURE, SCORE, SCORE | {"points_earned": "2"}, LAUNCH | {"lis_result_sourcedid": "t"}]
    for number, fields in enumerate(events):
        await put(fields, entry_id=f"{intake.clock.now() + number}-0")
    await intake.read_all()
    await GradedAssignment.all().update(sent_version=F("version_number"), pending_since=None)
    before = [dict(row) for row in await GradedAssignment.all().order_by("id").values()]
    await IntakeRow.all().update(position=STREAM_START)
    intake.dirty.clear()
    await intake.read_all()
    assert [dict(row) for row in await GradedAssignment.all().order_by("id").values()] == before
    assert intake.dirty == []


class Counting(Impatient):
    """Notes how many entries each read asks for, and fails if *broken*."""

    def __init__(self, redis, key):
        super().__init__(redis, key)
        self.asked, self.broken = [], False

    async def read(self, position, count):
        self.asked.append(count)
        if self.broken:
            raise TimeoutError
        return await super().read(position, count)


async def test_a_failure_makes_the_next_read_smaller_and_good_ones_make_it_larger_again(make_intake, put):
    intake = await make_intake(stream=Counting)
    intake.stream.broken = True
    for _ in range(3):
        with pytest.raises(TimeoutError):
            await intake.step()
    intake.stream.broken = False
    for _ in range(6):
        await put(SCORE)
        await intake.step()
    assert BATCH == 500
    assert intake.stream.asked == [500, 125, 31, 7, 14, 28, 56, 112, 224]


async def test_many_huge_entries_are_read_in_several_batches_and_all_applied(make_intake, put):
    intake = await make_intake()
    huge = STRUCTURE | {"blocks": STRUCTURE["blocks"] + " " * (6 * 1024 * 1024)}
    await put(huge, huge, SCORE)
    await intake.step()
    assert intake.counted() == {("course.structure", "applied"): 1}
    await intake.read_all()
    assert intake.counted()["score.changed", "applied"] == 1
