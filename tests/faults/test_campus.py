"""
A campus that fails in every way: what it may have stored is held, repeated and overwritten by what is newer.

One assignment is struck while the others go on: a campus that fails several is shut out for a while, which other tests
look at.
"""

from functools import partial

import pytest

from tests.blackbox.world import wait_until
from tests.fakes.lms import cut, html, success
from tests.faults.proxy import Proxy
from tests.faults.setup import HOLD, TIMEOUT, at_once
from tests.faults.tool import COMPOSITE, LEAF

pytestmark = pytest.mark.timeout(120)

#: A page, a byte at a time: it would take half a minute.
TRICKLE = success(trickle=0.05)
#: Stored within the hold, when nobody waits for the answer any more.
LATE = success(latency=TIMEOUT + HOLD, apply_after=TIMEOUT + HOLD / 2)


def fails_twice(scene, sourcedid, result):
    """Two attempts for a grade that changes all the time end so; after each the learner comes back."""
    for number in (1, 2):
        wait_until("the attempt has its line", lambda number=number: scene.results(sourcedid).count(result) >= number)
        scene.news_of(sourcedid)
        scene.tool.come_back(sourcedid)


def in_doubt(scene, behaviour, sourcedid):
    daemon = scene.begin()
    struck = scene.strike(sourcedid, behaviour, behaviour)
    with scene.tool.at_work():
        fails_twice(scene, sourcedid, "ambiguous")
        scene.more_come()
    scene.settle(daemon)
    scene.check()
    assert len(struck) == scene.results(sourcedid).count("ambiguous") == 2


def test_an_answer_that_is_reset_trickles_or_is_html_is_in_doubt_and_the_newest_grade_follows(open_scene):
    at_once(
        partial(in_doubt, open_scene(), cut("midway"), f"user-0/{LEAF}"),
        partial(in_doubt, open_scene(), TRICKLE, f"user-1/{COMPOSITE}"),
        partial(in_doubt, open_scene(), html(), f"user-2/{LEAF}"),
    )


def test_a_grade_that_is_stored_after_the_deadline_is_waited_for_and_overwritten(scene):
    daemon = scene.begin()
    sourcedid = f"user-0/{LEAF}"
    struck = scene.strike(sourcedid, LATE, LATE)
    with scene.tool.at_work():
        fails_twice(scene, sourcedid, "ambiguous")
        scene.more_come()
    scene.settle(daemon)
    scene.check()
    for record in struck:
        (stored,) = [one.at for one in scene.campus.applied if one.number == record.number]
        following = next(one for one in scene.campus.sent(sourcedid) if one.began > record.began)
        assert record.began + TIMEOUT < stored < following.began, "it was stored late, and the next one was held"


def test_a_campus_that_refuses_connections_holds_nothing_and_gets_the_newest_grade_when_it_is_back(scene):
    sourcedid = f"user-0/{LEAF}"
    with Proxy.to("127.0.0.1", scene.campus.port) as proxy:
        scene.tool.elsewhere[sourcedid] = f"http://{proxy.host}:{proxy.port}/outcomes"
        daemon = scene.begin()
        proxy.cut()
        seen = len(scene.campus.sent(sourcedid))
        with scene.tool.at_work():
            fails_twice(scene, sourcedid, "retried")
            assert len(scene.campus.sent(sourcedid)) == seen
            proxy.recover()
            scene.tool.come_back(sourcedid)
            scene.more_come()
        scene.tool.come_back(sourcedid)
        scene.settle(daemon)
        scene.check()
