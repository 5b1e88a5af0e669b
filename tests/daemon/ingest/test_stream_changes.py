"""A stream that was reset, has a gap, or is trimmed."""

import pytest

from daemon.infra.redis import redis_client
from daemon.ingest.reader import TRIM_EVERY
from models.assignment import GradedAssignment
from tests.daemon.ingest.reading import KEY, LAUNCH, SCORE, Impatient, logged, on_each_redis, scores, where

DAY_MS = 86_400_000
NEW = SCORE | {"usage_id": "new"}


async def deleted_and_made_anew(client, last):
    await client.delete(KEY)
    await client.xadd(KEY, SCORE | {"usage_id": "first"}, id="5-0")


async def emptied(client, last):
    await client.flushdb()


async def entry_at_the_position_gone(client, last):
    await client.xdel(KEY, last)


@on_each_redis
@pytest.mark.parametrize("reset", [deleted_and_made_anew, emptied, entry_at_the_position_gone])
async def test_a_reset_of_the_stream_is_counted_once_and_everything_read_again(make_intake, put, client, reset):
    intake, second = await make_intake(), await make_intake()
    await put(LAUNCH)
    last = await put(SCORE)
    await intake.read_all()
    await reset(client, last)
    with logged() as logs:
        await intake.step()
        await second.step()
    assert (await where())[0] == 1
    assert (intake.resets(), second.resets()) == (1, 0)
    assert [line["event"] for line in logs if line["log_level"] == "error"] == [
        "the stream was reset: reading it from its start"
    ]
    last = await put(NEW)
    await intake.read_all()
    assert await where() == (1, last)
    assert await scores() == {"p": 1, "new": 1} | ({"first": 1} if reset is deleted_and_made_anew else {})
    assert (await GradedAssignment.get()).version_number == 2
    assert intake.resets() == 1


async def trimmed_to_the_newest(put, client):
    await put(NEW)
    await client.xtrim(KEY, maxlen=1, approximate=False)


async def emptied_before_all_was_read(put, client):
    await client.xtrim(KEY, maxlen=0, approximate=False)


async def made_anew_with_later_ids(put, client):
    await client.delete(KEY)
    await put(NEW)


@on_each_redis
@pytest.mark.parametrize("lose", [trimmed_to_the_newest, emptied_before_all_was_read, made_anew_with_later_ids])
async def test_each_gap_is_logged_and_counted_once_and_the_rest_is_read(intake, put, client, lose):
    await put(SCORE)
    for gaps in (1, 2):
        await intake.read_all()
        await put(SCORE | {"usage_id": "lost"})
        await lose(put, client)
        with logged() as logs:
            for _ in range(3):
                await intake.step()
        assert [line["log_level"] for line in logs] == ["warning"]
        assert "may be lost" in logs[0]["event"]
        await put(NEW)
        await intake.read_all()
        assert (await scores(), intake.resets(), intake.gaps()) == ({"p": 1, "new": 1}, 0, gaps)


# --- Trimming ---


@on_each_redis
async def test_applied_entries_that_are_old_enough_are_trimmed_now_and_then(intake, put, client):
    async def left():
        return [entry_id.decode() for entry_id, _ in await client.xrange(KEY)]

    first, second, third, *young = (f"{intake.clock.now() - age * DAY_MS}-0" for age in (10, 9, 8, 6, 1))
    for oldest, entries, kept in ((first, [first, second], [second]), (second, [third, *young], young)):
        for entry_id in entries:
            await put(SCORE, entry_id=entry_id)
        await intake.read_all()
        await intake.step(later=TRIM_EVERY / 2)
        assert (await left())[0] == oldest
        await intake.step(later=TRIM_EVERY / 2)
        assert await left() == kept
    assert (await where(), intake.resets()) == ((0, young[-1]), 0)


async def test_a_stream_that_never_rests_is_trimmed_too(make_intake, client):
    class Restless(Impatient):
        """Each read finds a new entry."""

        async def read(self, position, count):
            await client.xadd(KEY, SCORE)
            return await super().read(position, count)

    intake = await make_intake(stream=Restless)
    old = f"{intake.clock.now() - 9 * DAY_MS}-0"
    await client.xadd(KEY, SCORE, id=old)
    for _ in range(5):
        await intake.step(later=TRIM_EVERY)
    assert (await client.xrange(KEY, count=1))[0][0].decode() != old


@on_each_redis
async def test_a_redis_that_forbids_trimming_costs_no_entry(make_intake, client, url, put):
    await client.execute_command("ACL SETUSER reader on nopass ~* &* +@all -xtrim")
    try:
        async with redis_client(url.replace("://", "://reader:x@")) as reader:
            intake = await make_intake(redis=reader)
            await put(SCORE)
            await intake.read_all()
            await put(NEW)
            with logged() as logs:
                await intake.step(later=TRIM_EVERY)
    finally:
        await client.execute_command("ACL DELUSER reader")
    assert await scores() == {"p": 1, "new": 1}
    assert [(line["log_level"], line["event"]) for line in logs] == [
        ("warning", "old entries could not be trimmed from the stream")
    ]
