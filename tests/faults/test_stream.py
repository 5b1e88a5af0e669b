"""The stream is tampered with: what was read remains, and what was not is read as soon as it is repeated."""

import random
from datetime import UTC, datetime, timedelta

from tests.blackbox.world import STREAM
from tests.faults.setup import GAP, RESET, on_both_pairs


def test_entries_that_are_trimmed_unread_are_reported_and_read_when_they_are_repeated(setup):
    setup.tool.says_modified = True
    with setup.under_load(expected=["Consumer encountered"], strange=True) as daemon:
        setup.redis_proxy.cut()
        mark = len(setup.tool.said)
        setup.wait_changed()
        setup.tool.redis.xtrim(STREAM, maxlen=1, approximate=False)
        setup.redis_proxy.recover()
        daemon.wait_until("the gap is logged", lambda: daemon.logged(GAP))
        setup.more_come()
        # Much later, and older than what has been sent meanwhile.
        setup.tool.say(*setup.tool.said[mark - 5 :])


def test_entries_that_are_trimmed_once_they_are_read_are_not_missed(setup):
    with setup.under_load() as daemon:
        for _ in range(5):
            setup.more_come(5)
            # All but those that no daemon can have read yet.
            setup.tool.redis.xtrim(STREAM, minid=setup.position(), approximate=False)
    assert not daemon.logged(GAP)


@on_both_pairs  # Redis 6.2 says less about a stream, and trims otherwise
def test_a_stream_that_is_made_anew_with_lower_ids_is_read_from_its_start(setup):
    setup.tool.says_modified = True
    daemon = setup.begin()
    with setup.tool.at_work():
        setup.more_come()
    daemon.wait_read()
    # A Redis whose clock is ten minutes behind.
    setup.tool.behind_ms = 600_000
    setup.tool.redis.delete(STREAM)
    with setup.tool.at_work():
        setup.more_come()
        daemon.wait_until("the reset was noticed", lambda: daemon.logged(RESET))
        setup.more_come()
    setup.settle()
    assert setup.world.rows("SELECT epoch FROM intake")[0]["epoch"] == 1

    # Again, but before the daemon reads, ids are beyond those that it knows.
    daemon.freeze()
    setup.tool.redis.delete(STREAM)
    setup.tool.behind_ms = 1_200_000
    setup.tool.say(*setup.tool.changes(10))
    setup.tool.behind_ms = None
    setup.tool.say(*setup.tool.changes(10))
    daemon.resume()
    setup.settle()
    assert setup.world.rows("SELECT epoch FROM intake")[0]["epoch"] == 2
    setup.check(expected=[RESET])


@on_both_pairs
def test_of_equal_times_the_newest_score_stays_though_the_stream_loses_it_and_is_read_again(setup):
    daemon = setup.begin()
    # A tool that keeps whole seconds: all of it happens in the next one.
    second = (datetime.now(UTC) + timedelta(seconds=1)).replace(microsecond=0).isoformat()
    setup.tool.say(*({**event, "modified": second} for event in setup.tool.changes(60)))
    setup.settle()
    with setup.tool.redis.pipeline() as together:
        entries = setup.tool.redis.xrange(STREAM)
        together.delete(STREAM)
        for entry_id, fields in entries[:-20]:
            together.xadd(STREAM, fields, id=entry_id)
        together.execute()
    daemon.wait_until("the reset was noticed", lambda: daemon.logged(RESET))
    setup.check(expected=[RESET])


def test_events_that_come_three_times_in_random_order_leave_the_newest_grades(setup):
    setup.tool.says_modified = True
    setup.daemon()
    events = [*setup.tool.beginning(), *setup.tool.changes(150)] * 3
    random.Random(1).shuffle(events)
    for at in range(0, len(events), 50):
        setup.tool.say(*events[at : at + 50])
        # Sent in between too, so that older ones come after newer ones were sent.
        if setup.campus.gradebook:
            setup.more_come(1)
    setup.check(strange=True)
