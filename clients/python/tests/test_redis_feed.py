"""RedisFeed and its asynchronous sibling, on a real Valkey."""

import asyncio
import threading

import pytest
import redis
from conftest import STREAM

from passbackd_client import Block, CourseStructure, FeedError, NotAllowedError, ScoreChanged, TryLaterError
from passbackd_client.redis_feed import AsyncRedisFeed, RedisFeed

SCORE = ScoreChanged(user_id="42", course_id="c", usage_id="é😀", points_earned=1, points_possible=2)
STRUCTURE = CourseStructure(
    course_id="c", version=1, blocks=[Block(usage_id="c"), Block(usage_id="p", parent="c", points_possible=2)]
)


@pytest.fixture(params=["synchronous", "asynchronous"])
def send(request):
    """Sends over a feed of either kind; its arguments are those of ``from_url``, after the events."""
    if request.param == "synchronous":

        def sync(events, *where, **options):
            with RedisFeed.from_url(*where, **options) as feed:
                return feed.send(events)

        return sync

    async def asynchronous(events, *where, **options):
        async with AsyncRedisFeed.from_url(*where, **options) as feed:
            return await feed.send(events)

    return lambda events, *where, **options: asyncio.run(asynchronous(events, *where, **options))


def test_one_event_or_many_are_entries_of_the_stream(send, valkey_url):
    ids = [*send(SCORE, valkey_url), *send([STRUCTURE, SCORE], valkey_url, decode_responses=True)]
    assert send([], valkey_url) == []
    with redis.Redis.from_url(valkey_url, decode_responses=True) as client:
        assert client.xrange(STREAM) == list(
            zip(ids, [SCORE.stream_fields(), STRUCTURE.stream_fields(), SCORE.stream_fields()], strict=True)
        )


def test_a_stream_of_another_name_is_written(send, valkey_url):
    (entry_id,) = send(SCORE, valkey_url, "another")
    with redis.Redis.from_url(valkey_url, decode_responses=True) as client:
        assert client.xrange("another") == [(entry_id, SCORE.stream_fields())]


def test_many_are_one_transaction(send, valkey_url):
    with redis.Redis.from_url(valkey_url) as client, client.monitor() as monitor:
        send([SCORE, SCORE], valkey_url)
        client.set("the", "end")
        seen = []
        for said in monitor.listen():
            seen.append(said["command"].split()[0])
            if seen[-1] == "SET":
                break
    assert [name for name in seen if name in ("MULTI", "XADD", "EXEC")] == ["MULTI", "XADD", "XADD", "EXEC"]


def test_of_many_none_is_taken_where_redis_has_no_memory_left(send, valkey_url):
    with redis.Redis.from_url(valkey_url) as client:
        client.config_set("maxmemory", 1)
        try:
            with pytest.raises(TryLaterError, match="OutOfMemoryError: "):
                send([SCORE, SCORE], valkey_url, give_up_after=0)
        finally:
            client.config_set("maxmemory", 0)
        assert client.xlen(STREAM) == 0


def test_what_redis_refuses_for_good_is_not_tried_again(send, valkey_url):
    with redis.Redis.from_url(valkey_url) as client:
        client.set(STREAM, "no stream")
        with pytest.raises(FeedError, match="WRONGTYPE") as caught:
            send([SCORE, SCORE], valkey_url, give_up_after=20)
        assert type(caught.value) is FeedError
        client.acl_setuser("reader", enabled=True, passwords=["+p"], keys=["*"], commands=["+xread"])
        for account in {"username": "reader", "password": "wrong"}, {"username": "reader", "password": "p"}:
            with pytest.raises(NotAllowedError):
                send(SCORE, valkey_url, give_up_after=20, **account)
        client.acl_deluser("reader")


def test_a_server_that_is_away_for_a_while_gets_the_events_once(send, valkey):
    url = valkey.fresh_url()
    valkey.stop()
    with pytest.raises(TryLaterError, match="Redis: ConnectionError: Error 111"):
        send(SCORE, url, give_up_after=0.2)
    back = threading.Timer(0.3, valkey.start)
    back.start()
    (entry_id,) = send(SCORE, url, give_up_after=100)
    back.join()
    with redis.Redis.from_url(url, decode_responses=True) as client:
        assert client.xrange(STREAM) == [(entry_id, SCORE.stream_fields())]
