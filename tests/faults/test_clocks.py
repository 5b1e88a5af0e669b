"""Daemons whose clocks are wrong: they go by the database's, so that nobody's claim is stolen."""

import pytest

pytestmark = pytest.mark.timeout(120)


def test_two_daemons_whose_clocks_are_an_hour_apart_never_send_the_same_grade_at_once(scene):
    first = scene.begin()
    second = scene.daemon("--clock-offset", "3600").wait_ready()
    with scene.tool.at_work():
        scene.more_come(60)
    scene.settle(first, second)
    scene.check()
    assert scene.campus.overlaps() == []
    for daemon in (first, second):
        assert daemon.metric("passback_outcomes_total", result="accepted") > 0
        assert daemon.metric("passback_fenced_total") == 0
    assert scene.count("delivery WHERE result = 'unknown'") == 0


def test_a_clock_that_steps_back_ten_minutes_under_load_holds_no_grade_up(scene):
    file = scene.world.folder / "clock"

    def step(seconds):
        (new := file.with_suffix(".new")).write_text(str(seconds))
        new.replace(file)

    step(0)
    first = scene.begin("--clock-file", str(file))
    second = scene.daemon().wait_ready()
    with scene.tool.at_work():
        scene.more_come()
        step(-600)
        scene.more_come(30)
        step(-1200)
        scene.more_come(30)
    scene.settle(first, second)
    # Until the daemon asks for the time again its leases are born in the past: another daemon may rescue such a claim,
    # and its holder then sends the newest score again.
    scene.check(overtaken=True, expected=["attempt.fenced"])
