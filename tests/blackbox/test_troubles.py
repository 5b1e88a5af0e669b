"""`status` and `check` say which server is in trouble and why, and the log has a line about it in our words."""

import json

import pytest
import redis

from tests.blackbox.world import launch, score
from tests.servers import HOST


@pytest.fixture
def troubled(world, redis_server):
    """A daemon that runs, and what was done to a server is undone."""
    daemon = world.begin()
    # So that `status` finds it.
    world.set("web", port=daemon.port)
    yield daemon
    with redis.Redis(host=HOST, port=redis_server.port) as client:
        client.config_set("maxmemory", 0)
        client.replicaof("NO", "ONE")


def is_reported_everywhere(world, daemon, words, *, checked=True):
    daemon.wait_until("it is not ready", lambda: words in daemon.page("/readyz")[1])
    assert words in world.call("status").out
    assert any(words in trouble for trouble in json.loads(world.call("status", "--json").out)["troubles"])
    assert words in (daemon.status() or {})["troubles"][0], "its own come first"
    daemon.wait_until("it is logged", lambda: any(words in event.get("problem", "") for event in daemon.events()))
    if checked:
        said = world.call("check")
        assert (said.code, words in said.err) == (2, True)


@pytest.mark.parametrize("redis_server", ["valkey-9"], indirect=True)
def test_a_redis_that_is_full_or_became_a_replica(world, troubled, campus, redis_server):
    with redis.Redis(host=HOST, port=redis_server.port) as client:
        client.config_set("maxmemory", 1)
        is_reported_everywhere(world, troubled, "redis is full (maxmemory) and takes no writes")
        client.config_set("maxmemory", 0)
        client.replicaof(HOST, 1)
        is_reported_everywhere(world, troubled, "redis is a replica and takes no writes")
        client.replicaof("NO", "ONE")
    world.add(launch("ada", "problem-1", "ada-1", campus.url()), score("ada", "problem-1", 5))
    troubled.wait_ready().wait_settled()
    assert campus.gradebook == {("/outcomes", "ada-1"): "0.5"}
    assert "trouble" not in world.call("status").out


@pytest.mark.parametrize("redis_server", ["valkey-9"], indirect=True)
def test_a_postgresql_whose_sessions_are_read_only_or_that_was_shut_down(world, troubled, postgres):
    name = world.settings["database"]["url"].rsplit("/", 1)[1]
    postgres.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    postgres.execute(f"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = '{name}'")
    is_reported_everywhere(world, troubled, "database is read-only", checked=False)
    said = world.call("check")
    assert "its sessions are read-only" in said.out + said.err
    postgres.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")
    troubled.wait_ready()
    postgres.stop()
    try:
        troubled.wait_until("it misses it", lambda: "database does not answer" in troubled.page("/readyz")[1])
        troubled.wait_until(
            "it is logged", lambda: any("database" in event.get("problem", "") for event in troubled.events())
        )
        assert world.call("status").err.startswith("database.url: the database cannot be reached")
        assert not troubled.logged("Failed to restore the pool connection floor")
    finally:
        postgres.start()
    troubled.wait_ready()
