"""Looking at the stream, on both kinds of Redis: what is new, whether it is still the same stream, and trimming."""

import asyncio

import pytest
from redis.exceptions import ResponseError

from daemon.ingest.stream import MAX_READ_BYTES, STREAM_START, Stream, StreamRead
from tests.daemon.ingest.reading import KEY, on_each_redis

pytestmark = on_each_redis

LARGEST = f"{2**64 - 1}-{2**64 - 1}"


@pytest.fixture
def stream(client):
    return Stream(client, KEY)


async def fill(client, *entry_ids):
    async with client.pipeline(transaction=False) as pipe:
        for entry_id in entry_ids:
            pipe.xadd(KEY, {"n": entry_id}, id=entry_id)
        await pipe.execute()


async def left(client):
    return [entry_id.decode() for entry_id, _ in await client.xrange(KEY)]


# --- Looking ---


async def test_without_a_stream_there_is_nothing_to_read_count_or_trim(stream):
    assert await stream.read(STREAM_START, 10) == StreamRead([], STREAM_START, None, at_position=False)
    assert await stream.lag(STREAM_START) == 0
    assert await stream.trim("5-0", before_ms=100) == 0


async def test_a_read_gives_the_entries_after_the_position_as_bytes(client, stream):
    await client.xadd(KEY, {b"a": b"\xff\x00", b"\xfe": b""}, id="1-1")
    await fill(client, "2-0", "2-1", "10-0")
    seen = await stream.read("1-1", 2)
    assert seen == StreamRead([("2-0", {b"n": b"2-0"}), ("2-1", {b"n": b"2-1"})], "10-0", "1-1", at_position=True)
    assert (await stream.read(STREAM_START, 1)).entries == [("1-1", {b"a": b"\xff\x00", b"\xfe": b""})]
    assert (await stream.read("10-0", 2)).entries == []


async def test_no_more_bytes_are_read_at_once_than_the_bound_unless_one_entry_is_larger(client, stream):
    sizes = [MAX_READ_BYTES - 100, 50, 200, MAX_READ_BYTES + 1, 1]
    for number, size in enumerate(sizes, 1):
        await client.xadd(KEY, {b"n": b"x" * size}, id=f"{number}-0")
    read, position = [], STREAM_START
    while entries := (await stream.read(position, 10)).entries:
        read.append([len(fields[b"n"]) for _, fields in entries])
        position = entries[-1][0]
    assert read == [sizes[:2], sizes[2:3], sizes[3:4], sizes[4:]]


async def test_a_key_of_another_kind_is_an_error_and_no_empty_stream(client, stream):
    await client.set(KEY, "text")
    with pytest.raises(ResponseError, match="WRONGTYPE"):
        await stream.read(STREAM_START, 10)


async def test_nothing_follows_the_largest_id_and_a_stream_after_it_is_another_one(client, stream):
    await fill(client, "5-0", LARGEST)
    assert [entry_id for entry_id, _ in (await stream.read(STREAM_START, 10)).entries] == ["5-0", LARGEST]
    seen = await stream.read(LARGEST, 10)
    assert (seen.entries, seen.was_reset(LARGEST), seen.has_gap(LARGEST)) == ([], False, False)
    assert (await stream.lag("5-0"), await stream.lag(LARGEST)) == (1, 0)
    await stream.wait(LARGEST, 5)
    assert await stream.trim(LARGEST, before_ms=100) == 1
    await client.rename(KEY, "put aside")
    assert (await stream.read(LARGEST, 10)).was_reset(LARGEST)
    await fill(client, "6-0")
    assert (await stream.read(LARGEST, 10)).was_reset(LARGEST)


# --- Resets and gaps ---


@pytest.mark.parametrize(
    ("position", "last", "first", "at_position", "reset", "gap"),
    [
        pytest.param(STREAM_START, STREAM_START, None, False, False, False, id="nothing was read and there is nothing"),
        pytest.param(STREAM_START, "9-0", "5-0", False, False, False, id="nothing was read yet"),
        pytest.param("5-0", "9-0", "1-0", True, False, False, id="the entry is there"),
        pytest.param("5-0", "5-0", "5-0", True, False, False, id="the entry is the only one"),
        pytest.param("5-0", "5-0", None, False, False, False, id="everything was read and trimmed"),
        pytest.param("5-0", "9-0", None, False, False, True, id="everything is gone, and not all of it was read"),
        pytest.param(STREAM_START, "9-0", None, False, False, False, id="everything was gone before the start"),
        pytest.param("5-0", STREAM_START, None, False, True, False, id="the stream is gone"),
        pytest.param("5-0", "4-9", "4-9", False, True, True, id="the stream is a younger one"),
        pytest.param("5-0", "4-9", None, False, True, False, id="a younger one, and empty"),
        pytest.param("5-0", "9-0", "4-0", False, True, True, id="an older entry is there and this one is not"),
        pytest.param("5-0", "9-0", "6-0", False, False, True, id="only newer ones are left"),
        pytest.param("10-0", "10-5", "9-0", False, True, True, id="ids are compared as numbers"),
        pytest.param("5-2", "5-10", "5-3", False, False, True, id="sequences too"),
    ],
)
def test_a_read_shows_another_stream_and_a_gap(position, last, first, at_position, reset, gap):
    seen = StreamRead([], last, first, at_position)
    assert seen.was_reset(position) is reset
    if not reset:
        assert seen.has_gap(position) is gap


# --- Waiting, counting ---


async def test_waiting_ends_as_soon_as_an_entry_is_there(client, stream):
    await fill(client, "1-0")
    async with asyncio.timeout(20):
        await stream.wait(STREAM_START, 30_000)
    await stream.wait("1-0", 5)


@pytest.mark.parametrize("entries", [5, 100, 101, 250])
async def test_the_lag_is_how_many_entries_there_are_after_the_position(client, stream, entries):
    await fill(client, *(f"{number}-0" for number in range(1, entries + 1)))
    for position, read in ((STREAM_START, 0), ("2-0", 2), ("2-5", 2), (f"{entries}-0", entries), ("999-0", entries)):
        assert await stream.lag(position) == entries - read


# --- Trimming ---


@pytest.mark.parametrize(
    ("position", "before_ms", "kept"),
    [
        pytest.param("9-0", 5, ["5-0", "6-0", "6-1", "9-0"], id="what is older goes"),
        pytest.param("9-0", 100, ["9-0"], id="never the entry at the position"),
        pytest.param("6-0", 100, ["6-0", "6-1", "9-0"], id="nor one above it"),
        pytest.param("6-1", 6, ["6-0", "6-1", "9-0"], id="what is just that old stays"),
        pytest.param(STREAM_START, 100, ["1-0", "5-0", "6-0", "6-1", "9-0"], id="nothing that was not read"),
        pytest.param("9-0", -5, ["1-0", "5-0", "6-0", "6-1", "9-0"], id="nothing is older than 1970"),
    ],
)
async def test_trimming_drops_what_is_old_and_applied(client, stream, position, before_ms, kept):
    await fill(client, "1-0", "5-0", "6-0", "6-1", "9-0")
    assert await stream.trim(position, before_ms=before_ms) == 5 - len(kept)
    assert await left(client) == kept
    seen = await stream.read(position, 10)
    assert (seen.was_reset(position), seen.has_gap(position)) == (False, False)


async def test_a_stream_that_is_another_one_than_was_read_is_not_trimmed(client, stream):
    await fill(client, "1-0", "9-0")
    await client.delete(KEY)
    await fill(client, "2-0", "3-0")
    assert await stream.trim("9-0", before_ms=100) == 0
    assert await left(client) == ["2-0", "3-0"]
