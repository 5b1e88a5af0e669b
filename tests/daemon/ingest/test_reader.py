"""The loop that reads the stream."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from daemon.infra.redis import redis_client
from daemon.ingest.reader import BATCH, FIRST_BATCH, TRIM_EVERY
from daemon.ingest.stream import START
from models.assignment import GradedAssignment
from models.db.clock import Clock
from models.db.database import open_database
from models.score import Score
from models.stream_position import Intake as IntakeRow
from tests.daemon.ingest.reading import (
    DAY_MS,
    KEY,
    LAUNCH,
    SCORE,
    STRUCTURE,
    Desk,
    Impatient,
    Monotonic,
    on_each_redis,
    scores,
    told,
    where,
)

# --- Once, and in order ---


async def test_an_empty_stream_leaves_everything_as_it_is(desk):
    await desk.step()
    assert await where() == (0, START)
    assert desk.counted() == {}


@on_each_redis
async def test_entries_are_applied_once_and_in_order(desk, put):
    await put(LAUNCH)
    last = await put(*(SCORE | {"points_earned": str(earned)} for earned in range(1, 6)))
    await desk.read_all()
    assert await where() == (0, last)
    assert await scores() == {"p": 5}
    assert (await GradedAssignment.get()).version_number == 6
    await desk.step()
    assert (await GradedAssignment.get()).version_number == 6
    assert desk.counted() == {("launch", "applied"): 1, ("score.changed", "applied"): 5}


@on_each_redis
async def test_more_entries_than_a_batch_takes_are_applied_once_and_in_order(desk, client):
    async with client.pipeline(transaction=False) as pipe:
        for earned in range(BATCH + 50):
            pipe.xadd(KEY, SCORE | {"points_earned": str(earned)})
        await pipe.execute()
    # Batches double from 8 up to 128, and one takes the rest.
    assert await desk.read_all() == 6
    assert await scores() == {"p": BATCH + 49}
    assert desk.counted() == {("score.changed", "applied"): BATCH + 50}


# --- Several daemons ---


async def test_a_daemon_that_finds_the_position_moved_drops_its_batch_and_stands_back(make_desk, put, client):
    winner = await make_desk()

    class Overtaken(Impatient):
        """Somebody else is quicker between the look and the transaction."""

        async def look(self, position, count):
            look = await super().look(position, count)
            await winner.step()
            return look

    loser = await make_desk(Overtaken(client, KEY))
    last = await put(LAUNCH, SCORE)
    await loser.step()
    assert (await where(), await scores()) == ((0, last), {"p": 1})
    assert (await GradedAssignment.get()).version_number == 2
    assert loser.counted() == {}
    assert loser.wakes == []
    assert len(loser.stop.slept) == 1
    assert 1 <= loser.stop.slept[0] <= 2
    assert winner.stop.slept == []


async def test_a_daemon_takes_over_where_another_one_left_off(make_desk, put):
    first, second = await make_desk(), await make_desk()
    await put(LAUNCH, SCORE)
    await first.read_all()
    last = await put(SCORE | {"usage_id": "q"})
    await second.read_all()
    assert await where() == (0, last)
    assert second.counted() == {("score.changed", "applied"): 1}


@on_each_redis
async def test_two_daemons_on_one_stream_apply_each_entry_once(make_desk, put, url, empty_database):
    entries = 40
    desks = []

    async def daemon():
        async with open_database(empty_database), redis_client(url) as own:
            clock = Clock(Monotonic())
            await clock.measure()
            desk = Desk(Impatient(own, KEY), Monotonic(), clock)
            desks.append(desk)
            while await Score.filter(usage_id="last").count() == 0:
                await desk.step()

    await put(LAUNCH)
    running = [asyncio.create_task(daemon()) for _ in range(2)]
    for earned in range(entries):
        await put(SCORE | {"points_earned": str(earned)})
        await asyncio.sleep(0.001)
    last = await put(SCORE | {"usage_id": "last"})
    await asyncio.gather(*running)
    assert await where() == (0, last)
    assert (await GradedAssignment.get()).version_number == 1 + entries
    assert await scores() == {"p": entries - 1, "last": 1}
    total = sum((Counter(desk.counted()) for desk in desks), Counter())
    assert total == {("launch", "applied"): 1, ("score.changed", "applied"): entries + 1}


# --- Another stream under the same key ---


async def deleted_and_made_anew(client, last):
    await client.delete(KEY)
    await client.xadd(KEY, SCORE | {"usage_id": "new"}, id="5-0")


async def emptied(client, last):
    await client.flushdb()


async def emptied_and_filled(client, last):
    await client.flushdb()
    await client.xadd(KEY, SCORE | {"usage_id": "new"}, id="5-0")


async def entry_at_the_position_gone(client, last):
    await client.xdel(KEY, last)


@on_each_redis
@pytest.mark.parametrize(
    ("reset", "read"),
    [
        (deleted_and_made_anew, {"p": 1, "new": 1}),
        (emptied, {"p": 1}),
        (emptied_and_filled, {"p": 1, "new": 1}),
        (entry_at_the_position_gone, {"p": 1}),
    ],
)
async def test_a_reset_of_the_stream_is_counted_and_everything_read_again(desk, put, client, reset, read):
    await put(LAUNCH)
    last = await put(SCORE)
    await desk.read_all()
    await reset(client, last)
    with told() as logs:
        await desk.step()
    assert await where() == (1, START)
    assert desk.resets() == 1
    assert [line["event"] for line in logs if line["log_level"] == "error"] == [
        "the stream was reset: reading it from its start"
    ]
    if await client.exists(KEY):
        await desk.read_all()
    await desk.step()
    assert await scores() == read
    assert (await GradedAssignment.get()).version_number == 2
    assert desk.resets() == 1


@on_each_redis
async def test_an_emptied_stream_that_is_filled_again_is_read_whole(desk, put, client):
    await put(SCORE)
    await desk.read_all()
    await client.flushdb()
    await desk.step()
    last = await put(SCORE | {"usage_id": "new"})
    await desk.read_all()
    assert await where() == (1, last)
    assert await scores() == {"p": 1, "new": 1}


async def test_two_daemons_count_one_reset_as_one_epoch(make_desk, put, client):
    first, second = await make_desk(), await make_desk()
    await put(SCORE)
    await first.read_all()
    await client.flushdb()
    await first.step()
    await second.step()
    assert (await where())[0] == 1
    assert second.resets() == 0


@on_each_redis
async def test_a_gap_is_told_and_counted_once_and_what_is_left_is_read(desk, put, client):
    await put(SCORE)
    await desk.read_all()
    await put(SCORE | {"usage_id": "lost"})
    await put(SCORE | {"usage_id": "kept"})
    await client.xtrim(KEY, maxlen=1, approximate=False)
    with told() as logs:
        for _ in range(3):
            await desk.step()
    assert [line["log_level"] for line in logs] == ["warning"]
    assert "may be lost" in logs[0]["event"]
    assert (await scores(), (await where())[0], desk.resets(), desk.gaps()) == ({"p": 1, "kept": 1}, 0, 0, 1)


@on_each_redis
async def test_a_stream_that_was_emptied_before_all_was_read_has_a_gap(desk, put, client):
    await put(SCORE)
    await desk.read_all()
    await put(SCORE | {"usage_id": "lost"})
    await client.xtrim(KEY, maxlen=0, approximate=False)
    for _ in range(3):
        await desk.step()
    assert (desk.resets(), desk.gaps()) == (0, 1)
    await put(SCORE | {"usage_id": "kept"})
    await desk.read_all()
    await desk.step()
    assert (await scores(), desk.gaps()) == ({"p": 1, "kept": 1}, 1)


@on_each_redis
async def test_a_stream_that_was_made_anew_with_later_ids_is_read_whole_and_counted_as_a_gap(desk, put, client):
    await put(SCORE)
    await desk.read_all()
    await put(SCORE | {"usage_id": "lost"})
    await client.delete(KEY)
    await put(SCORE | {"usage_id": "first"}, SCORE | {"usage_id": "second"})
    await desk.read_all()
    assert (await scores(), desk.resets(), desk.gaps()) == ({"p": 1, "first": 1, "second": 1}, 0, 1)


async def test_each_gap_is_counted(desk, put, client):
    for number in range(1, 4):
        await put(SCORE)
        await desk.read_all()
        await put(SCORE, SCORE)
        await client.xtrim(KEY, maxlen=1, approximate=False)
        await desk.read_all()
        assert desk.gaps() == number


async def test_a_stream_of_which_nothing_was_read_has_no_gap(desk, put, client):
    await put(SCORE, SCORE | {"usage_id": "kept"})
    await client.xtrim(KEY, maxlen=1, approximate=False)
    with told() as logs:
        await desk.read_all()
    assert logs == []


# --- Trimming ---


@on_each_redis
async def test_applied_entries_that_are_old_enough_are_trimmed(desk, put, client):
    now = desk.clock.now()
    for number in range(150):
        await put(SCORE, entry_id=f"{now - 8 * DAY_MS}-{number}")
    young = await put(SCORE, entry_id=f"{now - 6 * DAY_MS}-0")
    last = await put(SCORE, entry_id=f"{now - DAY_MS}-0")
    await desk.read_all()
    await desk.step(later=TRIM_EVERY)
    assert [entry_id.decode() for entry_id, _ in await client.xrange(KEY)] == [young, last]


@on_each_redis
async def test_the_entry_at_the_position_is_never_trimmed(desk, put, client):
    now = desk.clock.now()
    await put(SCORE, entry_id=f"{now - 90 * DAY_MS}-0")
    last = await put(SCORE, entry_id=f"{now - 80 * DAY_MS}-0")
    await desk.read_all()
    await desk.step(later=TRIM_EVERY)
    assert [entry_id.decode() for entry_id, _ in await client.xrange(KEY)] == [last]
    await desk.step()
    assert (await where(), desk.resets()) == ((0, last), 0)


async def test_trimming_happens_now_and_then(desk, put, client):
    old = desk.clock.now() - 9 * DAY_MS
    await put(SCORE, entry_id=f"{old}-0")
    await desk.read_all()
    await desk.step(later=TRIM_EVERY)
    await put(SCORE, entry_id=f"{old}-1")
    await desk.read_all()
    await desk.step(later=TRIM_EVERY / 2)
    assert await client.xlen(KEY) == 2
    await desk.step(later=TRIM_EVERY / 2)
    assert await client.xlen(KEY) == 1


async def test_a_stream_that_never_rests_is_trimmed_too(make_desk, client):
    class Restless(Impatient):
        """Each look finds news."""

        async def look(self, position, count):
            await client.xadd(KEY, SCORE)
            return await super().look(position, count)

    desk = await make_desk(Restless(client, KEY))
    old = f"{desk.clock.now() - 9 * DAY_MS}-0"
    await client.xadd(KEY, SCORE, id=old)
    for _ in range(5):
        await desk.step(later=TRIM_EVERY)
    assert (await client.xrange(KEY, count=1))[0][0].decode() != old


@on_each_redis
async def test_a_redis_that_forbids_trimming_costs_no_entry(make_desk, client, url, put):
    await client.execute_command("ACL SETUSER reader on nopass ~* &* +@all -xtrim")
    try:
        async with redis_client(url.replace("://", "://reader:x@")) as reader:
            desk = await make_desk(Impatient(reader, KEY))
            await put(SCORE)
            await desk.read_all()
            await put(SCORE | {"usage_id": "new"})
            with told() as logs:
                await desk.step(later=TRIM_EVERY)
    finally:
        await client.execute_command("ACL DELUSER reader")
    assert await scores() == {"p": 1, "new": 1}
    assert [(line["log_level"], line["event"]) for line in logs] == [
        ("warning", "old entries could not be trimmed from the stream")
    ]


# --- What may be sent, and when ---


@on_each_redis
async def test_nothing_may_be_sent_before_what_stood_in_the_stream_at_start_was_applied(desk, put):
    await put(LAUNCH, SCORE)
    assert not desk.backlog.applied
    await desk.step()
    assert not desk.backlog.applied
    await put(SCORE | {"points_earned": "2"})
    await desk.step()
    assert desk.backlog.applied


async def test_a_daemon_that_does_no_intake_waits_for_the_one_that_does(make_desk, put):
    working, waiting = await make_desk(), await make_desk()
    await put(LAUNCH, SCORE)
    await working.read_all()
    assert not waiting.backlog.applied
    await waiting.step()
    assert waiting.backlog.applied


async def test_a_database_that_was_restored_under_a_daemon_closes_it_until_it_caught_up(desk, put):
    first = await put(LAUNCH)
    await put(SCORE)
    await desk.read_all()
    await desk.step()
    assert desk.backlog.applied
    await IntakeRow.all().update(position=first)
    await Score.all().delete()
    await desk.step()
    assert not desk.backlog.applied
    assert await scores() == {"p": 1}
    await desk.step()
    assert desk.backlog.applied


async def test_entries_that_are_read_again_after_a_restore_change_nothing(desk, put):
    events = [LAUNCH, STRUCTURE, SCORE, SCORE | {"points_earned": "2"}, LAUNCH | {"lis_result_sourcedid": "t"}]
    for number, fields in enumerate(events):
        await put(fields, entry_id=f"{desk.clock.now() + number}-0")
    await desk.read_all()
    before = [dict(row) for row in await GradedAssignment.all().order_by("id").values()]
    await IntakeRow.all().update(position=START)
    desk.wakes.clear()
    await desk.read_all()
    assert [dict(row) for row in await GradedAssignment.all().order_by("id").values()] == before
    assert desk.wakes == []


async def test_a_huge_entry_makes_the_next_look_smaller_and_good_ones_larger_again(desk, put):
    asked = []

    class Counting(Impatient):
        async def look(self, position, count):
            asked.append(count)
            return await super().look(position, count)

    counting = Desk(Counting(desk.stream.redis, KEY), desk.monotonic, desk.clock)
    huge = STRUCTURE | {"blocks": STRUCTURE["blocks"] + " " * (6 * 1024 * 1024)}
    await put(huge, huge, huge)
    await counting.step()
    for _ in range(4):
        await put(SCORE)
        await counting.step()
    assert asked == [FIRST_BATCH, FIRST_BATCH // 4, FIRST_BATCH // 2, FIRST_BATCH, FIRST_BATCH * 2]


async def test_a_look_that_fails_asks_for_less_the_next_time(desk):
    asked = []

    class Failing(Impatient):
        async def look(self, position, count):
            asked.append(count)
            raise TimeoutError

    failing = Desk(Failing(desk.stream.redis, KEY), desk.monotonic, desk.clock)
    for _ in range(3):
        with pytest.raises(TimeoutError):
            await failing.step()
    assert asked == [8, 2, 1]
