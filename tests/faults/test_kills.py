"""SIGKILL at every point of the work: whoever comes next loses nothing and repeats only what may have been lost."""

import threading
from functools import partial

import pytest

from tests.fakes.lms import held
from tests.faults.setup import at_once
from tests.faults.tool import COMPOSITE, LEAF

pytestmark = pytest.mark.timeout(120)

GRADE = f"user-0/{COMPOSITE}"


def killed_at(scene, point, unknown):
    """One grade is under way when the daemon dies at this point; another daemon comes, and changes keep coming."""
    daemon = scene.begin("--kill-at", f"{point}:1", "--once", str(scene.armed))
    scene.armed.touch()
    scene.tool.change(GRADE)
    assert daemon.process.wait(60) == -9, "it killed itself"
    assert scene.count("graded_assignment WHERE claimed_until IS NOT NULL") == unknown, point
    with scene.tool.at_work():
        again = scene.daemon()
        scene.more_come()
        scene.news_of(GRADE)
    scene.settle(again)
    scene.check()
    assert scene.count("delivery WHERE result = 'unknown'") == unknown, f"one line an attempt lost at {point!r}"


def test_a_daemon_killed_where_it_holds_no_claim_is_replaced_at_once(open_scene):
    points = ("stream read", "batch committed", "messages sent", "ended")
    at_once(*(partial(killed_at, open_scene(), point, 0) for point in points))


def test_a_daemon_killed_with_a_claim_is_replaced_once_its_lease_is_over(open_scene):
    at_once(*(partial(killed_at, open_scene(), point, 1) for point in ("claimed", "answered")))


def test_a_daemon_killed_with_a_request_at_the_campus_is_replaced_once_its_lease_is_over(scene):
    daemon = scene.begin()
    sourcedid, answers = f"user-0/{LEAF}", threading.Event()
    struck = scene.strike(sourcedid, held(answers))
    scene.tool.change(sourcedid)
    scene.campus.wait_for(lambda: struck, 30)
    daemon.kill()
    with scene.tool.at_work():
        again = scene.daemon()
        # What was let go is stored although nobody waits for the answer any more.
        answers.set()
        scene.news_of(sourcedid)
        scene.more_come()
    scene.settle(again)
    scene.check()
    assert scene.results(sourcedid).count("unknown") == 1, "the lost attempt has its line"
