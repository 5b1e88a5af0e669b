"""Somebody tampers with the stream: what was read stands, and what was not is read as soon as it is said again."""

import signal

import pytest

from tests.blackbox.world import STREAM

pytestmark = pytest.mark.timeout(120)

RESET, GAP = "the stream was reset", "the last entry that was read is gone"


def told(daemon, event):
    return any(one["event"].startswith(event) for one in daemon.events())


def test_a_stream_that_is_deleted_is_read_from_its_start(scene):
    scene.tool.says_modified = True
    daemon = scene.begin()
    with scene.tool.at_work():
        scene.more_come()
        mark = len(scene.tool.said)
        with scene.redis() as client:
            client.delete(STREAM)
        # One that finds new entries already knows them by their ids, and that something may be missing.
        daemon.wait_until("the deletion was noticed", lambda: told(daemon, RESET) or told(daemon, GAP))
        scene.tool.say(*scene.tool.said[mark - 20 :])
        scene.more_come()
    scene.settle(daemon)
    scene.check(expected=[RESET], strange=True)


def test_entries_that_are_trimmed_unread_are_missed_aloud_and_read_when_they_are_repeated(scene):
    scene.tool.says_modified = True
    daemon = scene.begin()
    with scene.tool.at_work():
        scene.more_come()
        scene.redis_proxy.cut()
        mark = len(scene.tool.said)
        scene.news_of(*scene.tool.histories)
        with scene.redis() as client:
            client.xtrim(STREAM, maxlen=1, approximate=False)
        scene.redis_proxy.recover()
        daemon.wait_until("the gap is told", lambda: told(daemon, GAP))
        scene.more_come()
        # Much later, and older than what has been sent meanwhile.
        scene.tool.say(*scene.tool.said[mark - 5 :])
        scene.more_come()
    scene.settle(daemon)
    scene.check(expected=["Consumer encountered"], strange=True)


def test_entries_that_are_trimmed_once_they_are_read_are_not_missed(scene):
    daemon = scene.begin()
    with scene.tool.at_work():
        for _ in range(5):
            scene.more_come(5)
            with scene.redis() as client:
                # All but those that nobody can have read yet.
                client.xtrim(STREAM, minid=scene.position(), approximate=False)
    scene.settle(daemon)
    assert not told(daemon, GAP)
    scene.check()


def test_a_stream_that_is_made_anew_with_lower_ids_is_read_from_its_start(scene):
    scene.tool.says_modified = True
    daemon = scene.begin()
    with scene.tool.at_work():
        scene.more_come()
    daemon.wait_read()
    with scene.redis() as client:
        # A Redis whose clock is ten minutes behind.
        scene.tool.behind_ms = 600_000
        client.delete(STREAM)
    with scene.tool.at_work():
        scene.more_come()
        daemon.wait_until("the reset was noticed", lambda: told(daemon, RESET))
        scene.more_come()
    scene.settle(daemon)
    assert scene.rows("SELECT epoch FROM intake")[0]["epoch"] == 1

    # Again, but by the time that the daemon looks, ids are beyond those that it knows.
    daemon.process.send_signal(signal.SIGSTOP)
    with scene.redis() as client:
        client.delete(STREAM)
    scene.tool.behind_ms = 1_200_000
    scene.tool.say(*scene.tool.changes(10))
    scene.tool.behind_ms = None
    scene.tool.say(*scene.tool.changes(10))
    daemon.process.send_signal(signal.SIGCONT)
    scene.settle(daemon)
    assert scene.rows("SELECT epoch FROM intake")[0]["epoch"] == 2
    scene.check(expected=[RESET])
