"""SIGKILL at every point of the work: the next daemon loses nothing and repeats only what may have been lost."""

import threading

from tests.faults.setup import of_all_kinds, on_both_pairs, side_by_side
from tests.faults.tool import COMPOSITE, LEAF

GRADE = f"user-0/{COMPOSITE}"


def killed_at(setup, point, least, most):
    """
    A learner's grades are under way when the daemon dies at this point; another one starts while changes keep coming.

    *least*, *most*: how many claims it holds then.
    """
    daemon = setup.begin("--kill-at", point, "--armed", str(setup.armed))
    setup.armed.touch()
    setup.tool.change(GRADE)
    assert daemon.process.wait(60) == -9, "it killed itself"
    claims = setup.world.count("graded_assignment WHERE claimed_until IS NOT NULL")
    assert least <= claims <= most, point
    with setup.tool.at_work():
        setup.daemon()
        setup.more_come()
        setup.wait_changed(GRADE)
    setup.check()
    assert setup.world.count("delivery WHERE result = 'unknown'") == claims, f"one record an attempt lost at {point!r}"


def test_a_daemon_killed_where_it_holds_no_claim_is_replaced_at_once(open_setup):
    # Of what ends, others may be under way to their campuses.
    points = {"stream read": 0, "batch committed": 0, "messages sent": 0, "ended": 2}
    side_by_side(killed_at, *((open_setup(), point, 0, most) for point, most in points.items()))


def test_a_daemon_killed_with_a_claim_is_replaced_once_its_lease_is_over(open_setup):
    side_by_side(killed_at, *((open_setup(), point, 1, 3) for point in ("claimed", "answered")))


@of_all_kinds
@on_both_pairs  # the delivery record of a lost attempt and the takeover are statements of their own on SQLite
def test_a_daemon_killed_with_requests_at_campuses_of_all_kinds_is_replaced_once_its_lease_is_over(setup):
    daemon, answers = setup.begin(), threading.Event()
    under_way = [f"user-0/{LEAF}", *setup.leaves()]
    setup.hold_requests(answers, *under_way)
    daemon.kill()
    with setup.tool.at_work():
        setup.daemon()
        # The requests are stored although no daemon waits for their answers any more.
        answers.set()
        setup.wait_changed(*under_way)
        setup.more_come()
    setup.check()
    for sourcedid in under_way:
        assert setup.results(sourcedid).count("unknown") == 1, "the lost attempt has its delivery record"
