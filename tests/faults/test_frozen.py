"""A daemon is frozen for longer than others can wait for it, and then continues as if nothing had happened."""

import pytest

from tests.blackbox.daemon import wait_until
from tests.faults.setup import on_both_pairs
from tests.faults.tool import COMPOSITE, LEAF

pytestmark = pytest.mark.timeout(180)

#: Seconds. A daemon that was frozen inside a claim's transaction keeps the campus until PostgreSQL ends its session,
#: after thirty.
PATIENCE = 75

FENCED = "attempt.fenced"


@on_both_pairs  # two processes write to one file
def test_a_daemon_frozen_beyond_its_lease_resumes_and_overwrites_its_older_grade(setup):
    daemon = setup.begin()
    sourcedid = f"user-0/{LEAF}"
    request, answers = setup.hold_request(sourcedid)
    daemon.freeze()
    beside = setup.daemon()
    with setup.tool.at_work():
        setup.campus.wait_for(lambda: len(setup.campus.sent(sourcedid)) > 2, PATIENCE)
        setup.more_come()
    beside.wait_settled()
    assert setup.results(sourcedid).count("unknown") == 1
    # Now the request of the frozen daemon is stored; only that daemon can know.
    answers.set()
    setup.campus.wait_for(setup.overtaken, 30)
    assert setup.campus.grades()[sourcedid] == request.score != setup.tool.newest[sourcedid]
    resumed = daemon.resume()
    setup.campus.wait_for(lambda: setup.campus.grades()[sourcedid] == setup.tool.newest[sourcedid], 30)
    setup.check(overtaken=True, resumed=resumed, expected=[FENCED])
    assert daemon.metric("passback_fenced_total") == 1
    assert "unknown" not in setup.results(sourcedid), "the delivery record of the lost attempt is complete"


def test_a_daemon_frozen_inside_a_transaction_keeps_no_other_from_sending_and_intake_no_longer_than_its_session(setup):
    daemon = setup.begin("--stop-at", "batch applied", "--armed", str(setup.armed))
    beside = setup.daemon()
    with setup.tool.at_work():
        # Only then has it caught up with the stream, for which it waits before it sends anything.
        beside.wait_until("it sends too", lambda: beside.metric("passback_outcomes_total", result="accepted") > 0)
    setup.settle()
    # The attempt is to be the other daemon's.
    beside.freeze()
    sourcedid = f"user-1/{LEAF}"
    request, answers = setup.hold_request(sourcedid)
    setup.armed.touch()
    setup.tool.change(f"user-0/{COMPOSITE}")
    wait_until("it stopped itself", lambda: daemon.frozen)
    position = setup.position()
    beside.resume()
    with setup.tool.at_work():
        # Its attempt is taken over although its transaction is open.
        setup.campus.wait_for(lambda: setup.campus.sent(sourcedid)[-1].number > request.number, 30)
        answers.set()
        assert setup.position() == position, "no other daemon can read"
        # What PostgreSQL does by itself after thirty seconds, which would be long for a test.
        ((patience,),) = (row.values() for row in setup.world.rows("SHOW idle_in_transaction_session_timeout"))
        assert patience == "30s"
        assert setup.world.rows(
            "SELECT pg_terminate_backend(pid) AS ended FROM pg_stat_activity "
            "WHERE datname = current_database() AND state = 'idle in transaction'"
        ) == [{"ended": True}]
        setup.more_come()
        resumed = daemon.resume()
        setup.more_come()
    setup.check(overtaken=True, resumed=resumed, expected=[FENCED])
