"""
A campus that fails in every way: what it may have stored is held, repeated and overwritten by what is newer.

Of each campus, over LTI 1.1 and of each kind over 1.3, one assignment is struck while the others go on: several
failures would trip the breaker, which other tests cover.
"""

from collections import Counter

from tests.blackbox.daemon import wait_until
from tests.fakes.lms import cut, html, success
from tests.fakes.platform import Misbehaviour, fails, login_page, lost
from tests.faults.proxy import Proxy
from tests.faults.setup import HOLD, TIMEOUT, of_all_kinds, side_by_side
from tests.faults.tool import COMPOSITE, LEAF

#: A page, a byte at a time: it would take half a minute.
TRICKLE = success(trickle=0.05)
#: Stored within the hold, when the daemon waits for the answer no more; over each version of LTI.
LATE = (
    success(latency=TIMEOUT + HOLD, apply_after=TIMEOUT + HOLD / 2),
    Misbehaviour(latency=TIMEOUT + HOLD, serve_after=TIMEOUT + HOLD / 2),
)


def fails_twice(setup, result, *sourcedids):
    """Two attempts for each grade, which changes all the time, end so; after each the learner launches again."""
    for number in (1, 2):

        def are_recorded(number=number):
            ended = Counter(one["sourcedid"] for one in setup.deliveries() if one["result"] == result)
            return all(ended[name] >= number for name in sourcedids)

        wait_until("the attempts are recorded", are_recorded)
        setup.wait_changed(*sourcedids)
        setup.tool.come_back(*sourcedids)


def in_doubt(setup, behaviour, at_platforms, sourcedid):
    setup.begin()
    behaviours = {sourcedid: behaviour, **dict.fromkeys(setup.leaves(), at_platforms)}
    struck = {name: setup.strike(name, what, what) for name, what in behaviours.items()}
    with setup.tool.at_work():
        fails_twice(setup, "ambiguous", *behaviours)
        setup.more_come()
    setup.check()
    for name, requests in struck.items():
        assert len(requests) == setup.results(name).count("ambiguous") == 2, name
    return struck[sourcedid]


@of_all_kinds
def test_an_answer_that_is_reset_trickles_or_is_html_is_in_doubt_and_the_newest_grade_follows(open_setup):
    side_by_side(
        in_doubt,
        (open_setup(), cut("midway"), lost("before"), f"user-0/{LEAF}"),
        (open_setup(), TRICKLE, fails(502, stored=True), f"user-1/{COMPOSITE}"),
        (open_setup(), html(), login_page(), f"user-2/{LEAF}"),
    )


@of_all_kinds
def test_a_grade_that_is_stored_after_the_deadline_is_waited_for_and_overwritten(setup):
    sourcedid = f"user-0/{LEAF}"
    for record in in_doubt(setup, *LATE, sourcedid):
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
            fails_twice(setup, "retried", sourcedid)
            assert len(setup.campus.sent(sourcedid)) == seen
            proxy.recover()
            setup.tool.come_back(sourcedid)
            setup.more_come()
        setup.tool.come_back(sourcedid)
        setup.check()
