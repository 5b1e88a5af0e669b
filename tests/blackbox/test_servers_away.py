"""A server that does not answer: `check` says so, and `run` waits for it."""

import pytest

from tests.blackbox.world import launch, score


@pytest.fixture(params=["redis", "database"])
def away(request, world, redis_server, postgres):
    """One of the servers, down; ``start`` brings it back."""
    world.add_consumer()
    server = redis_server if request.param == "redis" else postgres
    server.stop()
    try:
        yield request.param, server
    finally:
        server.start()


@pytest.mark.parametrize("redis_server", ["valkey-9"], indirect=True)
def test_a_server_that_is_away_is_waited_for(world, campus, away):
    name, server = away
    said = world.call("check")
    (line,) = said.faults
    assert said.code == 2
    assert line.startswith(f"{name}.url: ")
    assert "is it running, is the URL right?" in line

    waiting, stopped = world.run(), world.run()
    for daemon in (waiting, stopped):
        daemon.wait_until("it names what it waits for", lambda daemon=daemon: waits_for(daemon, name))
        assert daemon.page("/livez") == (200, "ok\n")
        code, reason = daemon.page("/readyz")
        assert (code, reason.partition(":")[0]) == (503, name)
        assert daemon.page("/statusz")[0] == 503
    stopped.stop(within=10)

    server.start()
    waiting.wait_ready()
    world.add(launch("ada", "problem-1", "ada-1", campus.url()), score("ada", "problem-1", 5))
    waiting.wait_settled()
    assert campus.gradebook == {("/outcomes", "ada-1"): "0.5"}
    assert world.call("check").code == 0
    waiting.stop()


@pytest.mark.parametrize("redis_server", ["redis-6.2"], indirect=True)
def test_a_server_that_is_lost_is_waited_for_and_the_daemon_goes_on_by_itself(world, campus, redis_server, postgres):
    daemon = world.begin()
    world.add(launch("ada", "problem-1", "ada-1", campus.url()), score("ada", "problem-1", 1))
    daemon.wait_settled()
    before = len(daemon.events())
    for number, lost in enumerate(([redis_server, postgres], [redis_server], [postgres]), 2):
        for server in lost:
            server.kill()
        daemon.wait_until("it misses the server", lambda: daemon.page("/readyz")[0] == 503)
        assert daemon.page("/livez")[0] == 200
        if len(lost) == 2:
            is_one_line_a_minute(daemon, before)
        for server in lost:
            server.start()
        daemon.wait_ready()
        world.add(score("ada", "problem-1", number))
        daemon.wait_settled()
        assert campus.scores("ada-1")[-1] == f"0.{number}"
    postgres.kill()
    try:
        daemon.wait_until("it misses the server", lambda: daemon.page("/readyz")[0] == 503)
        daemon.terminate()
        assert daemon.process.wait(30) == 0
    finally:
        postgres.start()


def is_one_line_a_minute(daemon, before):
    """Every loop misses its server, and the log has a line about each server."""
    for loop in ("intake", "dispatcher", "queue", "gauges"):
        daemon.wait_until(f"{loop} misses its server", lambda loop=loop: f"{loop}: " in daemon.page("/readyz")[1])
    lines = [event for event in daemon.events()[before:] if event["level"] not in ("debug", "info")]
    assert len(lines) <= 2, lines
    assert not any("exception" in line for line in lines)


def waits_for(daemon, name):
    return any(event["server"] == name for event in daemon.logged("server unavailable, retrying"))
