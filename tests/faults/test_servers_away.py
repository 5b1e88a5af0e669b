"""PostgreSQL or Redis goes, hangs or loses something: the daemon continues by itself, and no grade is lost."""

import pytest

from tests.faults.proxy import Proxy
from tests.faults.setup import GAP, RESET, on_both_pairs, side_by_side

#: By server: what may be logged as an error, or with a traceback, while it is away.
EXPECTED = {
    "postgres": (
        "attempt.failed_before_request",
        "attempt.not_finished_yet",
        "an actor failed on message",
        "Failed to restore the pool connection floor",
    ),
    "redis": ("Consumer encountered",),
}

each_server = pytest.mark.parametrize("name", EXPECTED)


def wait_missed(daemon):
    """Until the daemon misses a server; it lives."""
    daemon.wait_until("it is not ready", lambda: daemon.page("/readyz")[0] == 503)
    assert daemon.page("/livez")[0] == 200


@each_server
def test_a_server_that_is_restarted_is_waited_for(setup, name):
    server = setup.redis_server if name == "redis" else setup.postgres
    with setup.under_load(expected=EXPECTED[name]) as daemon:
        server.kill()
        wait_missed(daemon)
        server.start()
        daemon.wait_ready()


def broken(setup, name, breaks):
    proxy = setup.redis_proxy if name == "redis" else setup.database_proxy
    with setup.under_load(expected=EXPECTED[name]) as daemon:
        for _ in range(3):
            proxy.reset()
            setup.more_come()
        breaks(proxy)
        setup.wait_changed()
        wait_missed(daemon)
        proxy.recover()


@each_server
def test_a_connection_that_is_cut_or_swallows_everything_is_made_again(open_setup, name):
    side_by_side(broken, (open_setup(), name, Proxy.cut), (open_setup(), name, Proxy.swallow))


def test_an_end_that_was_lost_in_its_commit_is_written_again_and_counts_once(setup):
    with setup.under_load(expected=EXPECTED["postgres"]):
        setup.database_proxy.lose_the_answer_to(b"BEGIN", b"accepted", b"COMMIT")
        assert setup.database_proxy.lost.wait(30)
    assert setup.world.count("delivery") == len(setup.campus.requests) + sum(len(one.posts) for one in setup.platforms)


@on_both_pairs  # Redis 6.2 says less about a stream
def test_redis_that_comes_back_empty_is_read_from_its_start(setup):
    setup.tool.says_modified = True
    with setup.under_load(expected=(*EXPECTED["redis"], RESET)) as daemon:
        # Some entries that no daemon will ever have read.
        setup.redis_proxy.cut()
        setup.wait_changed()
        with setup.tool.silent():
            setup.redis_server.kill()
            setup.redis_server.start(empty=True)
            setup.redis_proxy.recover()
            setup.tool.say(*setup.tool.said)
        daemon.wait_ready()
    assert daemon.logged(RESET) or daemon.logged(GAP)
