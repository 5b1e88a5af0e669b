"""The stream is tampered with: what was read remains, and what was not is read as soon as it is repeated."""

import pytest

from tests.blackbox.world import STREAM
from tests.faults.setup import GAP, RESET, freeze, has_logged, resume

pytestmark = pytest.mark.timeout(120)


def test_a_stream_that_is_deleted_is_read_from_its_start(setup):
    setup.tool.says_modified = True
    with setup.under_load(expected=[RESET], strange=True) as daemon:
        mark = len(setup.tool.said)
        with setup.redis() as client:
            client.delete(STREAM)
        # A daemon that finds new entries already knows them by their ids, and that something may be missing.
        daemon.wait_until("the deletion was noticed", lambda: has_logged(daemon, RESET, GAP))
        setup.tool.say(*setup.tool.said[mark - 20 :])


def test_entries_that_are_trimmed_unread_are_reported_and_read_when_they_are_repeated(setup):
    setup.tool.says_modified = True
    with setup.under_load(expected=["Consumer encountered"], strange=True) as daemon:
        setup.redis_proxy.cut()
        mark = len(setup.tool.said)
        setup.wait_changed()
        with setup.redis() as client:
            client.xtrim(STREAM, maxlen=1, approximate=False)
        setup.redis_proxy.recover()
        daemon.wait_until("the gap is logged", lambda: has_logged(daemon, GAP))
        setup.more_come()
        # Much later, and older than what has been sent meanwhile.
        setup.tool.say(*setup.tool.said[mark - 5 :])


def test_entries_that_are_trimmed_once_they_are_read_are_not_missed(setup):
    with setup.under_load() as daemon:
        for _ in range(5):
            setup.more_come(5)
            with setup.redis() as client:
                # All but those that no daemon can have read yet.
                client.xtrim(STREAM, minid=setup.position(), approximate=False)
    assert not has_logged(daemon, GAP)


def test_a_stream_that_is_made_anew_with_lower_ids_is_read_from_its_start(setup):
    setup.tool.says_modified = True
    daemon = setup.begin()
    with setup.tool.at_work():
        setup.more_come()
    daemon.wait_read()
    with setup.redis() as client:
        # A Redis whose clock is ten minutes behind.
        setup.tool.behind_ms = 600_000
        client.delete(STREAM)
    with setup.tool.at_work():
        setup.more_come()
        daemon.wait_until("the reset was noticed", lambda: has_logged(daemon, RESET))
        setup.more_come()
    setup.settle()
    assert setup.rows("SELECT epoch FROM intake")[0]["epoch"] == 1

    # Again, but before the daemon reads, ids are beyond those that it knows.
    freeze(daemon)
    with setup.redis() as client:
        client.delete(STREAM)
    setup.tool.behind_ms = 1_200_000
    setup.tool.say(*setup.tool.changes(10))
    setup.tool.behind_ms = None
    setup.tool.say(*setup.tool.changes(10))
    resume(daemon)
    setup.settle()
    assert setup.rows("SELECT epoch FROM intake")[0]["epoch"] == 2
    setup.check(expected=[RESET])
