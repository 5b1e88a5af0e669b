"""One stream for a database, one database for a stream; and a Redis that lost everything is taken anew."""

import pytest
from redis.exceptions import ResponseError

from daemon.infra.redis import redis_client
from daemon.ingest.ownership import COPY, KNOWN_MS, LOOK_EVERY, RESTART, wrong_database
from daemon.ingest.stream import READER_MS
from models.heartbeat import Heartbeat, beat, deregister
from models.members import ALIVE_MS
from models.stream_position import Intake as IntakeRow
from models.stream_position import Position, read_position
from tests.daemon.ingest.reading import KEY, SCORE, DaemonIntake, Impatient, logged, on_each_redis, scores, where
from tests.servers import Port

OWNER = f"{KEY}:owner"
OTHER = "passback:other"


@pytest.fixture
async def beside(make_intake, client):
    """A daemon on the same database that reads another stream."""

    class Elsewhere(Impatient):
        def __init__(self, redis, _key):
            super().__init__(redis, OTHER)

    return await make_intake(stream=Elsewhere)


async def beats(*intakes: DaemonIntake):
    now = max(intake.clock.now() for intake in intakes)
    for intake in intakes:
        await beat(intake.name, now=now, stream_token=intake.ownership.token)


async def restored(name_of_database):
    """What the intake's row of another database would hold."""
    await IntakeRow.all().update(digest_key=name_of_database * 32, stream_token=None)


# --- One database for a stream ---


@on_each_redis
async def test_the_first_daemon_takes_the_stream_for_its_database_and_every_other_one_finds_it_taken(
    make_intake, put, client
):
    first, second = await make_intake(), await make_intake()
    assert first.ownership.trouble is not None
    await put(SCORE)
    for intake in (first, second):
        await intake.step()
        assert intake.ownership.trouble is None
    database, token = (await client.get(OWNER)).decode().split(" ")
    position = await read_position()
    assert (database, token) == (position.database_id, position.stream_token)
    assert first.ownership.token == second.ownership.token == token
    assert await client.ttl(OWNER) == -1


@on_each_redis
async def test_a_daemon_of_another_database_reads_nothing_says_so_once_and_goes_on_when_the_name_is_gone(
    intake, put, client
):
    await client.set(OWNER, "another-database token")
    await put(SCORE)
    with logged() as logs:
        for _ in range(5):
            await intake.step(later=2.0)
    assert (await where(), await scores(), intake.ownership.token) == ((0, "0-0"), {}, None)
    assert "database.url" in intake.ownership.trouble
    assert intake.ownership.trouble.endswith(f"redis-cli DEL {OWNER}")
    assert [line["log_level"] for line in logs] == ["error"]
    assert logs[0]["reason"] == intake.ownership.trouble
    assert not intake.backlog.applied
    await client.delete(OWNER)
    with logged() as logs:
        await intake.read_all()
    assert (await scores(), intake.ownership.trouble) == ({"p": 1}, None)
    assert "intake and sending go on" in [line["event"] for line in logs]


async def test_a_stream_that_becomes_another_databases_under_a_daemon_is_left_at_once(intake, put, client):
    await put(SCORE)
    await intake.read_all()
    await client.set(OWNER, "another-database token")
    await put(SCORE | {"usage_id": "new"})
    await intake.step()
    assert (await scores(), intake.ownership.trouble is None) == ({"p": 1}, False)


@pytest.mark.parametrize("written", ["x", " ", "  ", "\x00", "another", "a" * 1000], ids=repr)
async def test_whatever_another_program_writes_into_the_key_counts_as_another_database(intake, client, written):
    position = await read_position()
    for owner in (written, f"{position.database_id}{written}", f"{position.database_id} {written}"):
        await client.set(OWNER, owner)
        await intake.step()
        assert "redis-cli DEL" in intake.ownership.trouble
    assert (await read_position()).stream_token is None


async def test_a_dump_or_a_move_keeps_the_name_and_another_database_has_another_one(empty_database):
    here = await read_position()
    owner = f"{here.database_id} {'0' * 32}"
    assert wrong_database(here, owner, OWNER) is None
    moved = Position(7, "9-9", here.digest_key)
    assert wrong_database(moved, owner, OWNER) is None
    other = Position(here.epoch, here.entry_id, "0" * 64)
    assert wrong_database(other, owner, OWNER) is not None
    assert here.digest_key not in owner


# --- One stream for a database ---


async def test_a_daemon_that_reads_another_stream_than_the_others_waits_until_they_have_been_gone_for_a_while(
    make_intake, beside, put, client
):
    first = await make_intake()
    await put(SCORE)
    await client.xadd(OTHER, SCORE | {"usage_id": "elsewhere"}, id=f"{beside.clock.now() + 1000}-0")
    await first.step()
    with logged() as logs:
        for _ in range(5):
            await beats(first, beside)
            await beside.step(later=1.0)
    assert "another stream" in beside.ownership.trouble
    assert [line["log_level"] for line in logs] == ["error"]
    # The other stream is not taken either: it may be the right one of a third database.
    assert (beside.ownership.token, await client.get(f"{OTHER}:owner")) == (None, None)
    # The first one is restarted: the second must not slip in.
    await first.ownership.release()
    await deregister(first.name, now=first.clock.now())
    await beside.step(later=RESTART - 5)
    assert beside.ownership.trouble is not None
    again = await make_intake()
    await again.step()
    assert (again.ownership.trouble, await scores()) == (None, {"p": 1})
    for _ in range(2):
        await beats(again, beside)
        await beside.step(later=1.0)
    await deregister(again.name, now=again.clock.now())
    await beside.step(later=RESTART)
    assert beside.ownership.trouble is None
    await beside.step()
    assert await scores() == {"p": 1, "elsewhere": 1}


async def test_of_two_daemons_that_begin_at_once_on_two_streams_one_comes_second(make_intake, beside, client):
    first = await make_intake()
    before = await read_position()
    assert await first.ownership.confirm(before, None)
    # It read the position before the other one had adopted its stream.
    assert not await beside.ownership.confirm(before, None)
    assert not await beside.ownership.confirm(await read_position(), (await client.get(f"{OTHER}:owner")).decode())
    assert beside.ownership.trouble is not None
    assert (await read_position()).stream_token == first.ownership.token


# --- What must go on by itself ---


@on_each_redis
@pytest.mark.parametrize("number", [1, 3])
async def test_a_redis_that_lost_everything_is_taken_anew_once_no_daemon_sees_the_old_stream(
    make_intake, put, client, number
):
    intakes = [await make_intake() for _ in range(number)]
    await put(SCORE)
    for intake in intakes:
        await intake.step()
    await beats(*intakes)
    await client.flushdb()
    await put(SCORE | {"usage_id": "new"}, entry_id="5-0")
    with logged() as logs:
        for _ in range(3):
            for intake in intakes:
                await intake.step()
            await beats(*intakes)
        await intakes[0].read_all()
    assert [intake.ownership.trouble for intake in intakes] == [None] * number
    assert len({intake.ownership.token for intake in intakes}) == 1
    assert (await scores(), (await where())[0]) == ({"p": 1, "new": 1}, 1)
    # No false alarm but the reset itself.
    assert [line["event"] for line in logs if line["log_level"] == "error"] == [
        "the stream was reset: reading it from its start"
    ]


async def test_a_redis_that_lost_everything_while_the_only_daemon_was_killed_is_taken_when_that_one_counts_as_gone(
    make_intake, put, client
):
    killed = await make_intake()
    await killed.step()
    await beats(killed)
    await client.flushdb()
    await put(SCORE)
    again = await make_intake()
    await again.step()
    await again.step()
    assert again.ownership.trouble is not None
    await Heartbeat.all().update(seen_at=again.clock.now() - ALIVE_MS)
    await again.read_all()
    assert (await scores(), again.ownership.trouble) == ({"p": 1}, None)


async def test_a_lost_key_is_made_anew_and_nothing_is_read_twice(intake, put, client):
    last = await put(SCORE)
    await intake.read_all()
    await client.delete(OWNER)
    await intake.step()
    await intake.step()
    assert (await where(), intake.resets(), intake.ownership.trouble) == ((0, last), 0, None)
    assert await client.exists(OWNER)


async def test_a_database_from_a_dump_that_knows_an_older_stream_goes_on(intake, put, client):
    await put(SCORE)
    await intake.read_all()
    for known in ("an older stream", None):
        await IntakeRow.all().update(stream_token=known)
        await intake.step()
        assert intake.ownership.trouble is None
        assert (await read_position()).stream_token == intake.ownership.token


async def test_another_database_in_place_of_this_one_comes_second(intake, put):
    await put(SCORE)
    await intake.read_all()
    await restored("ab")
    await intake.step()
    assert "database.url" in intake.ownership.trouble


async def test_a_key_of_another_kind_is_an_error_and_not_claimed(intake, client):
    await client.hset(OWNER, "a", "b")
    with pytest.raises(ResponseError, match="WRONGTYPE"):
        await intake.step()


# --- Copies of a database ---


@on_each_redis
async def test_a_daemon_on_a_copy_comes_second_while_another_one_reads_for_the_original(make_intake, put, client):
    first = await make_intake()
    await put(SCORE)
    await first.step()
    copy = await make_intake()
    # In a copy the first one's heartbeat is as old as the copy.
    await Heartbeat.filter(id=first.name).update(seen_at=copy.clock.now() - KNOWN_MS)
    await put(SCORE | {"usage_id": "new"})
    await copy.step()
    assert (copy.ownership.trouble, await scores()) == (COPY, {"p": 1})
    await first.read_all()
    assert (first.ownership.trouble, await scores()) == (None, {"p": 1, "new": 1})
    # It ends in good order, and then the copy is as good as the original.
    await first.ownership.release()
    await deregister(first.name, now=first.clock.now())
    await copy.step()
    assert copy.ownership.trouble is None


@on_each_redis
async def test_the_name_of_a_daemon_that_was_killed_perishes_and_holds_up_no_other_one_of_its_database(
    make_intake, client
):
    killed = await make_intake()
    await killed.step()
    again = await make_intake()
    await again.step()
    assert again.ownership.trouble is None
    assert (await client.get(f"{KEY}:reader")).decode() == killed.name
    assert 0 < await client.pttl(f"{KEY}:reader") <= READER_MS < KNOWN_MS
    await client.delete(f"{KEY}:reader")
    await again.step(later=LOOK_EVERY)
    assert (await client.get(f"{KEY}:reader")).decode() == again.name


async def test_a_daemon_that_ends_leaves_the_name_of_another_one_and_its_own_if_redis_is_away(make_intake, client):
    first, second = await make_intake(), await make_intake()
    await first.step()
    await second.step()
    await second.ownership.release()
    assert (await client.get(f"{KEY}:reader")).decode() == first.name
    port = Port()
    async with redis_client(f"redis://127.0.0.1:{port.number}/0") as gone:
        first.ownership._stream.redis = gone
        await first.ownership.release()
    port.close()
    assert (await client.get(f"{KEY}:reader")).decode() == first.name
