"""A stream that was reset, has a gap, or is trimmed."""

import pytest

from daemon.infra.redis import redis_client
from daemon.ingest.reader import TRIM_EVERY
from daemon.ingest.stream import STREAM_START
from models.assignment import GradedAssignment
from tests.daemon.ingest.reading import (
    DAY_MS,
    KEY,
    LAUNCH,
    SCORE,
    Impatient,
    logged,
    on_each_redis,
    scores,
    where,
)

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
    with logged() as logs:
        await desk.step()
    assert await where() == (1, STREAM_START)
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
async def test_a_gap_is_logged_and_counted_once_and_what_is_left_is_read(desk, put, client):
    await put(SCORE)
    await desk.read_all()
    await put(SCORE | {"usage_id": "lost"})
    await put(SCORE | {"usage_id": "kept"})
    await client.xtrim(KEY, maxlen=1, approximate=False)
    with logged() as logs:
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
    with logged() as logs:
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
            with logged() as logs:
                await desk.step(later=TRIM_EVERY)
    finally:
        await client.execute_command("ACL DELUSER reader")
    assert await scores() == {"p": 1, "new": 1}
    assert [(line["log_level"], line["event"]) for line in logs] == [
        ("warning", "old entries could not be trimmed from the stream")
    ]
