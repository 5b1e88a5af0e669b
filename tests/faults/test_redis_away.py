"""Redis goes, hangs, comes back with nothing: grades go on once it is there, and nothing that was read is lost."""

from functools import partial

import pytest

from tests.faults.setup import at_once

pytestmark = pytest.mark.timeout(120)

#: What Dramatiq says of a Redis that is away.
EXPECTED = ("Consumer encountered",)


def test_redis_that_is_restarted_is_waited_for(scene):
    daemon = scene.begin()
    with scene.tool.at_work():
        scene.more_come()
        scene.redis_server.kill()
        daemon.wait_until("it misses Redis", lambda: daemon.page("/readyz")[0] == 503)
        assert daemon.page("/livez")[0] == 200
        scene.redis_server.start()
        daemon.wait_ready()
        scene.more_come()
    scene.settle(daemon)
    scene.check(expected=EXPECTED)


def test_redis_that_comes_back_empty_is_read_from_its_start(scene):
    scene.tool.says_modified = True
    daemon = scene.begin()
    with scene.tool.at_work():
        scene.more_come()
        mark = len(scene.tool.said)
        # Some entries that nobody will ever have read.
        scene.redis_proxy.cut()
        scene.news_of(*scene.tool.histories)
        scene.redis_server.kill()
        scene.redis_server.start(empty=True)
        scene.redis_proxy.recover()
        scene.tool.say(*scene.tool.said[mark - 5 :])
        daemon.wait_ready()
        scene.more_come()
    scene.settle(daemon)
    told = [event["event"] for event in daemon.events()]
    assert any(event.startswith(("the stream was reset", "the last entry that was read is gone")) for event in told)
    scene.check(expected=(*EXPECTED, "the stream was reset"))


def cut(scene):
    daemon = scene.begin()
    with scene.tool.at_work():
        for _ in range(3):
            scene.more_come()
            scene.redis_proxy.reset()
        scene.redis_proxy.cut()
        scene.news_of(*scene.tool.histories)
        daemon.wait_until("it misses Redis", lambda: daemon.page("/readyz")[0] == 503)
        scene.redis_proxy.recover()
        scene.more_come()
    scene.settle(daemon)
    scene.check(expected=EXPECTED)


def swallowed(scene):
    daemon = scene.begin()
    with scene.tool.at_work():
        scene.more_come()
        scene.redis_proxy.swallow()
        daemon.wait_until("it misses Redis", lambda: daemon.page("/readyz")[0] == 503)
        assert daemon.page("/livez")[0] == 200
        scene.redis_proxy.recover()
        scene.more_come()
    scene.settle(daemon)
    scene.check(expected=EXPECTED)


def test_a_connection_to_redis_that_is_cut_or_swallows_everything_is_given_up_and_made_again(open_scene):
    at_once(partial(cut, open_scene()), partial(swallowed, open_scene()))
