"""Daemons whose clocks are wrong: they use the database's, so that no claim is stolen."""

import pytest


@pytest.mark.parametrize("kinds", [("default", "moodle")], ids=["strict kinds"])
def test_two_daemons_whose_clocks_are_an_hour_apart_never_send_the_same_grade_at_once(setup):
    first = setup.begin()
    second = setup.daemon("--clock", str(setup.set_clock(3600))).wait_ready()
    with setup.tool.at_work():
        setup.more_come(60)
        for daemon in (first, second):
            daemon.wait_until("it sends", lambda of=daemon: of.metric("passback_outcomes_total", result="accepted") > 0)
    setup.check()
    assert setup.campus.overlaps() == []
    # However quick they come: where nothing goes wrong, no platform finds a score too old.
    assert {post.decision for one in setup.platforms for post in one.posts} <= {"stored", "kept"}
    assert first.metric("passback_fenced_total") == second.metric("passback_fenced_total") == 0
    assert setup.world.count("delivery WHERE result = 'unknown'") == 0


def test_a_clock_that_steps_back_ten_minutes_under_load_holds_no_grade_up(setup):
    daemons = setup.begin("--clock", str(setup.set_clock(0))), setup.daemon().wait_ready()
    for seconds in (-600, -1200):
        with setup.tool.at_work():
            setup.more_come()
            setup.set_clock(seconds)
            setup.wait_heartbeats(len(daemons))
        setup.settle()
        # Claims that were made with the stepped clock were over at once; those that follow are as good as any.
        fenced = [daemon.metric("passback_fenced_total") for daemon in daemons]
        with setup.tool.at_work():
            setup.more_come(30)
        setup.settle()
        assert [daemon.metric("passback_fenced_total") for daemon in daemons] == fenced
    stepped = "the database's clock stepped, or this daemon was suspended"
    setup.check(overtaken=True, expected=["attempt.fenced", stepped])
