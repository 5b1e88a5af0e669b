"""A daemon is frozen for longer than others can wait for it, and then continues as if nothing had happened."""

import threading

from tests.blackbox.daemon import wait_until
from tests.faults.setup import of_all_kinds, on_both_pairs
from tests.faults.tool import COMPOSITE, LEAF

#: Seconds. A daemon that was frozen inside a claim's transaction keeps the campus until PostgreSQL ends its session,
#: after thirty.
PATIENCE = 75

FENCED = "attempt.fenced"
#: Seconds that the daemon would wait for an answer: it is frozen in less, whatever else this machine does.
UNHURRIED = 8


@of_all_kinds
@on_both_pairs  # two processes write to one file
def test_a_daemon_frozen_beyond_its_lease_resumes_and_overwrites_the_older_grades_that_campuses_take(setup):
    setup.world.set("outcomes", timeout_seconds=UNHURRIED)
    daemon, answers = setup.begin(), threading.Event()
    frozen = {name: setup.tool.histories[name] for name in (f"user-0/{LEAF}", *setup.leaves())}
    requests = [request for (request,) in setup.hold_requests(answers, *frozen)]
    older = {name: history[-1] for name, history in frozen.items()}
    daemon.wait_read()
    # Not inside a transaction, which the next test is about.
    unsent = "graded_assignment WHERE version_number > sent_version"
    wait_until("nothing else is left to send", lambda: setup.world.count(unsent) == len(frozen))
    daemon.freeze()
    beside = setup.daemon()
    with setup.tool.at_work():
        setup.campus.wait_for(lambda: all(len(setup.sent(name)) > 2 for name in frozen), PATIENCE)
        setup.more_come()
    beside.wait_settled()
    assert all(setup.results(name).count("unknown") == 1 for name in frozen)
    # Now the requests of the frozen daemon are dealt with; only that daemon can know.
    answers.set()
    setup.campus.wait_for(lambda: all(request.ended for request in requests), 30)
    taken = {name: setup.held()[name] == older[name] != setup.tool.newest[name] for name in frozen}
    assert taken == {name: name.partition("@")[2] in ("", "sakai", "aplus") for name in frozen}
    resumed = daemon.resume()
    daemon.wait_until("each campus has the newest grade", setup.has_newest)
    setup.check(overtaken=True, resumed=resumed, expected=[FENCED])
    assert daemon.metric("passback_fenced_total") == len(frozen)
    for name in frozen:
        assert "unknown" not in setup.results(name), "the delivery record of the lost attempt is complete"


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
        setup.campus.wait_for(lambda: setup.sent(sourcedid)[-1].number > request.number, 30)
        answers.set()
        assert setup.position() == position, "no other daemon can read"
        # What PostgreSQL does by itself after thirty seconds, which would be long for a test.
        ((patience,),) = (row.values() for row in setup.world.rows("SHOW idle_in_transaction_session_timeout"))
        assert patience == "30s"
        assert setup.world.rows(
            "SELECT pg_terminate_backend(pid) AS ended FROM (SELECT pid FROM pg_stat_activity "
            "WHERE datname = current_database() AND state = 'idle in transaction' ORDER BY xact_start LIMIT 1) AS one"
        ) == [{"ended": True}]
        setup.more_come()
        resumed = daemon.resume()
        setup.more_come()
    setup.check(overtaken=True, resumed=resumed, expected=[FENCED])
