"""A daemon that stands still for longer than anybody can wait for it, and then goes on as if nothing had been."""

import signal
import threading
import time

import psutil
import pytest

from tests.blackbox.world import wait_until
from tests.fakes.lms import held
from tests.faults.tool import COMPOSITE, LEAF

pytestmark = pytest.mark.timeout(120)

FENCED = "attempt.fenced"


def freeze(daemon):
    daemon.process.send_signal(signal.SIGSTOP)


def thaw(daemon):
    daemon.process.send_signal(signal.SIGCONT)
    return time.monotonic()


def is_frozen(daemon):
    return psutil.Process(daemon.process.pid).status() == psutil.STATUS_STOPPED


def accepted(daemon):
    return daemon.metric("passback_outcomes_total", result="accepted")


def test_a_daemon_frozen_beyond_its_lease_thaws_and_mends_what_its_request_spoilt(scene):
    daemon = scene.begin()
    sourcedid, answers = f"user-0/{LEAF}", threading.Event()
    struck = scene.strike(sourcedid, held(answers))
    scene.tool.change(sourcedid)
    scene.campus.wait_for(lambda: struck, 30)
    freeze(daemon)
    beside = scene.daemon()
    with scene.tool.at_work():
        scene.campus.wait_for(lambda: len(scene.campus.sent(sourcedid)) > 2, 30)
        scene.more_come()
    beside.wait_settled()
    assert scene.results(sourcedid).count("unknown") == 1
    # Now lands what the frozen one let go; nobody but him can know.
    answers.set()
    scene.campus.wait_for(scene.overtaken, 30)
    assert scene.held()[sourcedid] == struck[0].score != scene.tool.newest[sourcedid]
    woke = thaw(daemon)
    scene.campus.wait_for(lambda: scene.held()[sourcedid] == scene.tool.newest[sourcedid], 30)
    scene.settle(daemon, beside)
    assert daemon.metric("passback_fenced_total") == 1
    assert "unknown" not in scene.results(sourcedid), "the line of the lost attempt is complete"
    scene.check(overtaken=True, woke=woke, expected=[FENCED])


def test_a_daemon_frozen_inside_a_transaction_keeps_nobody_from_sending_and_intake_no_longer_than_its_session(scene):
    daemon = scene.begin("--stop-at", "batch applied:1", "--once", str(scene.armed))
    beside = scene.daemon()
    with scene.tool.at_work():
        # Only then does he know the stream as far as it is read, which he waits for before he sends anything.
        beside.wait_until("he sends too", lambda: accepted(beside) > 0)
    scene.settle(daemon, beside)
    # The attempt is to be the other's.
    freeze(beside)
    sourcedid, answers = f"user-1/{LEAF}", threading.Event()
    struck = scene.strike(sourcedid, held(answers))
    scene.tool.change(sourcedid)
    scene.campus.wait_for(lambda: struck, 30)
    scene.armed.touch()
    scene.tool.change(f"user-0/{COMPOSITE}")
    wait_until("it stopped itself", lambda: is_frozen(daemon))
    position = scene.position()
    thaw(beside)
    with scene.tool.at_work():
        # His attempt is taken over although his transaction is open.
        scene.campus.wait_for(lambda: scene.campus.sent(sourcedid)[-1].number > struck[0].number, 30)
        answers.set()
        assert scene.position() == position, "nobody else can read"
        # What PostgreSQL does by itself after thirty seconds, for which nobody wants to wait here.
        ((patience,),) = (row.values() for row in scene.rows("SHOW idle_in_transaction_session_timeout"))
        assert patience == "30s"
        assert scene.rows(
            "SELECT pg_terminate_backend(pid) AS ended FROM pg_stat_activity "
            "WHERE datname = current_database() AND state = 'idle in transaction'"
        ) == [{"ended": True}]
        scene.more_come()
        woke = thaw(daemon)
        scene.more_come()
    scene.settle(daemon, beside)
    scene.check(overtaken=True, woke=woke, expected=[FENCED])
