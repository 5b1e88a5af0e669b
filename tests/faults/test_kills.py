"""SIGKILL at every point of the work: the next daemon loses nothing and repeats only what may have been lost."""

import pytest

from tests.faults.setup import on_both_pairs, side_by_side
from tests.faults.tool import COMPOSITE, LEAF

pytestmark = pytest.mark.timeout(120)

GRADE = f"user-0/{COMPOSITE}"


def killed_at(setup, point, unknown):
    """One grade is under way when the daemon dies at this point; another daemon starts while changes keep coming."""
    daemon = setup.begin("--kill-at", point, "--armed", str(setup.armed))
    setup.armed.touch()
    setup.tool.change(GRADE)
    assert daemon.process.wait(60) == -9, "it killed itself"
    assert setup.world.count("graded_assignment WHERE claimed_until IS NOT NULL") == unknown, point
    with setup.tool.at_work():
        setup.daemon()
        setup.more_come()
        setup.wait_changed(GRADE)
    setup.check()
    assert setup.world.count("delivery WHERE result = 'unknown'") == unknown, f"one record an attempt lost at {point!r}"


def test_a_daemon_killed_where_it_holds_no_claim_is_replaced_at_once(open_setup):
    points = ("stream read", "batch committed", "messages sent", "ended")
    side_by_side(killed_at, *((open_setup(), point, 0) for point in points))


def test_a_daemon_killed_with_a_claim_is_replaced_once_its_lease_is_over(open_setup):
    side_by_side(killed_at, (open_setup(), "claimed", 1), (open_setup(), "answered", 1))


@on_both_pairs  # the delivery record of a lost attempt and the takeover are statements of their own on SQLite
def test_a_daemon_killed_with_a_request_at_the_campus_is_replaced_once_its_lease_is_over(setup):
    daemon = setup.begin()
    sourcedid = f"user-0/{LEAF}"
    _, answers = setup.hold_request(sourcedid)
    daemon.kill()
    with setup.tool.at_work():
        setup.daemon()
        # The request is stored although no daemon waits for its answer any more.
        answers.set()
        setup.wait_changed(sourcedid)
        setup.more_come()
    setup.check()
    assert setup.results(sourcedid).count("unknown") == 1, "the lost attempt has its delivery record"
