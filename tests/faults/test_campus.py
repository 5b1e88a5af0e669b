"""
A campus that fails in every way: what it may have stored is held, repeated and overwritten by what is newer.

One assignment is struck while the others go on: several failures would trip the breaker, which other tests cover.
"""

import pytest

from tests.blackbox.daemon import wait_until
from tests.fakes.lms import cut, html, success
from tests.faults.proxy import Proxy
from tests.faults.setup import HOLD, TIMEOUT, side_by_side
from tests.faults.tool import COMPOSITE, LEAF

pytestmark = pytest.mark.timeout(120)

#: A page, a byte at a time: it would take half a minute.
TRICKLE = success(trickle=0.05)
#: Stored within the hold, when the daemon waits for the answer no more.
LATE = success(latency=TIMEOUT + HOLD, apply_after=TIMEOUT + HOLD / 2)


def fails_twice(setup, sourcedid, result):
    """Two attempts for a grade that changes all the time end so; after each the learner launches again."""
    for number in (1, 2):
        wait_until("the attempt is recorded", lambda number=number: setup.results(sourcedid).count(result) >= number)
        setup.wait_changed(sourcedid)
        setup.tool.come_back(sourcedid)


def in_doubt(setup, behaviour, sourcedid):
    setup.begin()
    struck = setup.strike(sourcedid, behaviour, behaviour)
    with setup.tool.at_work():
        fails_twice(setup, sourcedid, "ambiguous")
        setup.more_come()
    setup.check()
    assert len(struck) == setup.results(sourcedid).count("ambiguous") == 2
    return struck


def test_an_answer_that_is_reset_trickles_or_is_html_is_in_doubt_and_the_newest_grade_follows(open_setup):
    side_by_side(
        in_doubt,
        (open_setup(), cut("midway"), f"user-0/{LEAF}"),
        (open_setup(), TRICKLE, f"user-1/{COMPOSITE}"),
        (open_setup(), html(), f"user-2/{LEAF}"),
    )


def test_a_grade_that_is_stored_after_the_deadline_is_waited_for_and_overwritten(setup):
    sourcedid = f"user-0/{LEAF}"
    for record in in_doubt(setup, LATE, sourcedid):
        (stored,) = [one.at for one in setup.campus.applied if one.number == record.number]
        following = next(one for one in setup.campus.sent(sourcedid) if one.began > record.began)
        assert record.began + TIMEOUT < stored < following.began, "it was stored late, and the next one was held"


def test_a_campus_that_refuses_connections_holds_nothing_and_gets_the_newest_grade_when_it_is_back(setup):
    sourcedid = f"user-0/{LEAF}"
    with Proxy.to("127.0.0.1", setup.campus.port) as proxy:
        setup.tool.elsewhere[sourcedid] = f"http://{proxy.host}:{proxy.port}/outcomes"
        setup.begin()
        proxy.cut()
        seen = len(setup.campus.sent(sourcedid))
        with setup.tool.at_work():
            fails_twice(setup, sourcedid, "retried")
            assert len(setup.campus.sent(sourcedid)) == seen
            proxy.recover()
            setup.tool.come_back(sourcedid)
            setup.more_come()
        setup.tool.come_back(sourcedid)
        setup.check()
