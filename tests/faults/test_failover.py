"""After a failover grades flow again within ten seconds of the new server's readiness, whatever the old one answers."""

import os

import pytest

from tests.faults.failovers import (
    DEMOTED,
    PROMISED,
    redis_pair,
    restarted,
    seconds_until_grades_flow,
    session_settings,
)

#: How often each is played: `python -m tests.faults.failover` sets it.
TIMES = int(os.environ.get("FAILOVERS", "1"))

pytestmark = pytest.mark.timeout(120 + 60 * TIMES)


def check_seconds(what, seconds):
    print(f"\n{what}: {', '.join(f'{one:.1f}' for one in seconds)} s")
    assert max(seconds) < PROMISED, seconds


@pytest.mark.parametrize("demotion", DEMOTED)
def test_grades_flow_again_after_a_failover_of_redis_though_the_old_primary_answers(setup, server_folder, demotion):
    with redis_pair(setup, server_folder) as pair:
        daemon, seconds = setup.begin(), []
        for _ in range(TIMES):
            pair.fail_over(demotion)
            seconds.append(seconds_until_grades_flow(setup, daemon))
        check_seconds(f"Redis, {demotion}", seconds)


@pytest.mark.parametrize("scope", ["database", "role"])
def test_grades_flow_again_after_the_sessions_of_postgresql_were_read_only(setup, scope):
    daemon, seconds = setup.begin(), []
    for _ in range(TIMES):
        for _ in session_settings(setup, scope):
            daemon.wait_until("it says so", lambda: "database is read-only" in daemon.page("/readyz")[1])
        seconds.append(seconds_until_grades_flow(setup, daemon))
        daemon.wait_ready()
    # Whichever part missed it first has the line.
    assert any("database is read-only" in event.get("problem", "") for event in daemon.events())
    check_seconds(f"PostgreSQL, read-only by {scope}", seconds)


@pytest.mark.parametrize("how", ["shut down", "killed", "shut down, connections stay open", "killed, stay open"])
def test_grades_flow_again_after_a_restart_of_postgresql_behind_its_proxy(setup, how):
    daemon, seconds = setup.begin(), []
    for _ in range(TIMES):
        for _ in restarted(setup, how):
            setup.tool.change()
            daemon.wait_until("it misses it", lambda: "database" in daemon.page("/readyz")[1])
            assert daemon.page("/livez")[0] == 200
        seconds.append(seconds_until_grades_flow(setup, daemon))
        daemon.wait_ready()
    check_seconds(f"PostgreSQL, {how}", seconds)
