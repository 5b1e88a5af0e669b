"""Another program has written into passbackd's keys of Redis: everything says which, and how to go on."""

import pytest

from tests.blackbox.world import STREAM, launch, score

OWNER, READER = f"{STREAM}:owner", f"{STREAM}:reader"
QUEUES = [f"passback:dramatiq:{name}" for name in ("outcomes.1", "outcomes.1.msgs", "__heartbeats__")]


@pytest.mark.parametrize("key", [OWNER, READER, *QUEUES])
def test_a_key_that_holds_something_else_is_named_with_the_cure_and_the_cure_is_enough(pair, campus, key):
    pair.set("worker", partitions=2)
    daemon = pair.begin()
    pair.add(*(launch(name, "problem-1", f"{name}-1", campus.url()) for name in ("ada", "bob")))
    daemon.wait_read()
    with pair.redis() as client:
        cure = f"redis-cli DEL {key}"
        client.delete(key)
        client.rpush(key, "junk") if key in (OWNER, READER) else client.set(key, "junk")
        pair.add(*(score(name, "problem-1", 5) for name in ("ada", "bob")))
        daemon.wait_until("it says so", lambda: cure in daemon.page("/readyz")[1])
        assert "does not answer" not in daemon.page("/readyz")[1]
        daemon.wait_until("so does the status", lambda: cure in pair.call("status").out)
        said = pair.call("check")
        assert (said.code, cure in said.err) == (2, True)
        client.delete(key)
    daemon.wait_ready()
    daemon.wait_settled()
    assert campus.gradebook == {("/outcomes", "ada-1"): "0.5", ("/outcomes", "bob-1"): "0.5"}
    daemon.stop()


def test_a_reader_that_is_no_daemons_name_keeps_none_from_reading(pair, campus):
    daemon = pair.begin()
    with pair.redis() as client:
        client.set(READER, "x")
        pair.add(launch("ada", "problem-1", "ada-1", campus.url()), score("ada", "problem-1", 5))
        daemon.wait_settled()
        assert campus.gradebook == {("/outcomes", "ada-1"): "0.5"}
        daemon.wait_until("it has its name there", lambda: len(client.get(READER) or b"") == 32)
    assert daemon.page("/readyz")[0] == 200
    daemon.stop()
