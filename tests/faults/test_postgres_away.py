"""PostgreSQL goes, hangs, or takes an end and does not say so: the daemon goes on by itself, and no grade is lost."""

from functools import partial

import pytest

from tests.faults.setup import at_once

pytestmark = pytest.mark.timeout(120)

#: What may be told as an error, or with a traceback, of a PostgreSQL that is away.
EXPECTED = (
    "attempt.failed_before_request",
    "attempt.not_finished_yet",
    "an actor failed on message",
    "Failed to restore the pool connection floor",
)


def test_postgresql_that_is_restarted_is_waited_for(scene):
    daemon = scene.begin()
    with scene.tool.at_work():
        scene.more_come()
        scene.postgres.kill()
        daemon.wait_until("it misses PostgreSQL", lambda: daemon.page("/readyz")[0] == 503)
        assert daemon.page("/livez")[0] == 200
        scene.postgres.start()
        daemon.wait_ready()
        scene.more_come()
    scene.settle(daemon)
    scene.check(expected=EXPECTED)


def cut(scene):
    daemon = scene.begin()
    with scene.tool.at_work():
        for _ in range(3):
            scene.more_come()
            scene.database_proxy.reset()
        scene.database_proxy.cut()
        scene.news_of(*scene.tool.histories)
        daemon.wait_until("it misses PostgreSQL", lambda: daemon.page("/readyz")[0] == 503)
        scene.database_proxy.recover()
        scene.more_come()
    scene.settle(daemon)
    scene.check(expected=EXPECTED)


def swallowed(scene):
    daemon = scene.begin()
    with scene.tool.at_work():
        scene.more_come()
        scene.database_proxy.swallow()
        scene.news_of(*scene.tool.histories)
        daemon.wait_until("it misses PostgreSQL", lambda: daemon.page("/readyz")[0] == 503)
        assert daemon.page("/livez")[0] == 200
        scene.database_proxy.recover()
        scene.more_come()
    scene.settle(daemon)
    scene.check(expected=EXPECTED)


def test_a_connection_to_postgresql_that_is_cut_or_swallows_everything_is_made_again(open_scene):
    at_once(partial(cut, open_scene()), partial(swallowed, open_scene()))


def test_an_end_that_was_lost_in_its_commit_is_written_again_and_counts_once(scene):
    daemon = scene.begin()
    with scene.tool.at_work():
        scene.more_come()
        scene.database_proxy.lose_the_answer_to(b"BEGIN", b"accepted", b"COMMIT")
        assert scene.database_proxy.lost.wait(30)
        scene.more_come()
    scene.settle(daemon)
    scene.check(expected=EXPECTED)
    assert scene.count("delivery") == len(scene.campus.requests)
