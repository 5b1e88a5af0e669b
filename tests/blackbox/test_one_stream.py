"""Two databases on one stream, two streams on one database: one is served, and the other says what is wrong."""

import signal
import sqlite3

import pytest

from tests.blackbox.learners import Learners
from tests.blackbox.world import launch, score, structure

OWNER = "passback:events:owner"


def is_second(daemon, words):
    """Whether the daemon says that it waits, in all its places."""
    code, text = daemon.page("/readyz")
    waits = [event for event in daemon.logged("intake and sending wait") if words in event["reason"]]
    return code == 503 and words in text and len(waits) == 1 and daemon.metric("passback_ready") == 0


def grades(*users, sent):
    return {("/outcomes", f"{user}-1"): sent for user in users}


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_of_two_databases_on_one_stream_the_second_neither_reads_nor_sends_until_the_name_is_removed(
    make_world, migrated_database, valkey_url, campus, kind
):
    first, second = (make_world(migrated_database(kind), valkey_url) for _ in range(2))
    right = first.begin()
    first.add(launch("ada", "problem-1", "ada-1", campus.url()), score("ada", "problem-1", 5))
    right.wait_settled()
    wrong = second.run()
    second.add_consumer()
    wrong.wait_until("it waits", lambda: is_second(wrong, "database.url"))
    first.add(score("ada", "problem-1", 10))
    right.wait_settled()
    assert campus.gradebook == grades("ada", sent="1")
    assert second.count("graded_assignment") == 0
    said = second.call("check")
    assert (said.code, f"redis-cli DEL {OWNER}" in said.err) == (2, True)
    assert f"redis-cli DEL {OWNER}" in second.call("status").out
    assert right.status()["troubles"] == []

    # It is the first database that was meant to be given up.
    right.stop()
    before = len(campus.requests)
    with second.redis() as client:
        client.delete(OWNER)
    wrong.wait_ready()
    wrong.wait_settled()
    assert second.count("graded_assignment WHERE version_number = sent_version") == 1
    assert len(campus.requests) == before + 1
    late = first.run()
    late.wait_until("the first one waits now", lambda: is_second(late, "database.url"))
    late.stop()
    wrong.stop()


def test_of_two_streams_on_one_database_the_second_is_not_read_while_the_first_is(
    make_world, migrated_database, valkey, campus
):
    database = migrated_database("postgresql")
    right, other = make_world(database, valkey.fresh_url()), make_world(database, valkey.fresh_url())
    first = right.begin()
    right.add(launch("ada", "problem-1", "ada-1", campus.url()), score("ada", "problem-1", 5))
    first.wait_settled()
    other.add(launch("bob", "problem-1", "bob-1", campus.url()), score("bob", "problem-1", 5))

    def is_found():
        said = other.call("check")
        return said.code == 2 and "other daemons on this database read another stream" in said.err

    first.wait_until("check finds it beside a daemon that is seen", is_found)
    second = other.run()
    second.wait_until("it waits", lambda: is_second(second, "another stream"))
    right.add(score("ada", "problem-1", 10))
    first.wait_settled()
    assert right.rows("SELECT epoch FROM intake")[0]["epoch"] == 0
    assert campus.gradebook == grades("ada", sent="1")
    assert "not ready: redis.stream: other daemons" in right.call("status").out
    # As a restart: the second does not slip in.
    first.stop()
    again = right.run().wait_ready()
    right.add(score("ada", "problem-1", 0))
    again.wait_settled()
    assert campus.gradebook == grades("ada", sent="0")
    again.stop()
    second.wait_ready()
    second.wait_settled()
    assert campus.gradebook == grades("ada", sent="0") | grades("bob", sent="0.5")
    second.stop()


@pytest.mark.parametrize(("number", "redis_server"), [(1, "redis-6.2"), (2, "valkey-9")], indirect=["redis_server"])
def test_daemons_whose_redis_loses_everything_go_on_by_themselves(
    make_world, migrated_database, redis_server, redis_url, campus, number
):
    world = make_world(migrated_database("postgresql"), redis_url)
    world.add_consumer()
    daemons = [world.run() for _ in range(number)]
    for daemon in daemons:
        daemon.wait_ready()
    learners = Learners(20, seed=5)
    world.add(structure(), *learners.launches(campus.url()), *learners.work(60))
    for daemon in daemons:
        daemon.wait_settled()
    redis_server.kill()
    redis_server.start(empty=True)
    world.add(*learners.work(60))
    for daemon in daemons:
        daemon.wait_ready()
        daemon.wait_settled()
    assert campus.gradebook == learners.gradebook()
    assert campus.overlaps() == []
    assert not any(daemon.logged("intake and sending wait") for daemon in daemons)
    for daemon in daemons:
        daemon.stop()


def test_a_database_that_comes_back_from_a_dump_is_still_the_streams(make_world, migrated_database, valkey_url, campus):
    url = migrated_database("sqlite")
    world = make_world(url, valkey_url)
    world.begin().stop()
    dump = world.folder / "dump.db"
    with sqlite3.connect(url.removeprefix("sqlite://")) as source:
        source.execute("VACUUM INTO ?", (str(dump),))
    world.add(launch("ada", "problem-1", "ada-1", campus.url()), score("ada", "problem-1", 5))
    daemon = world.run().wait_ready()
    daemon.wait_settled()
    with world.redis() as client:
        client.flushdb()  # after the dump, so that it knows an older stream
    daemon.wait_ready()
    daemon.process.send_signal(signal.SIGINT)
    daemon.wait_stopped()
    world.set("database", url=f"sqlite://{dump}")
    world.add(launch("ada", "problem-1", "ada-1", campus.url()), score("ada", "problem-1", 10))
    again = world.run().wait_ready()
    again.wait_settled()
    assert campus.gradebook == grades("ada", sent="1")
    again.stop()


def test_a_copy_of_the_database_beside_the_original_comes_second(
    make_world, migrated_database, fresh_database, valkey_url, campus
):
    url, other = migrated_database("sqlite"), fresh_database("sqlite")
    original, copy = make_world(url, valkey_url), make_world(other, valkey_url)
    original.begin().stop()
    with sqlite3.connect(url.removeprefix("sqlite://")) as source:
        source.execute("VACUUM INTO ?", (other.removeprefix("sqlite://"),))
    first = original.run().wait_ready()
    second = copy.run()
    second.wait_until("it waits", lambda: is_second(second, "a copy of this database"))
    original.add(launch("ada", "problem-1", "ada-1", campus.url()), score("ada", "problem-1", 5))
    first.wait_settled()
    assert (len(campus.requests), copy.count("graded_assignment")) == (1, 0)
    # As after a move to another server.
    first.stop()
    second.wait_ready()
    second.stop()
