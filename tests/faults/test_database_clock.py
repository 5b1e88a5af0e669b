"""The database's clock steps: no campus gets too many requests at once, and no grade waits for as long as the step."""

from tests.blackbox.daemon import wait_until
from tests.database_clock import DatabaseClock
from tests.fakes.lms import always, most_at_once, success

HOUR, YEAR = 3600, 365 * 24 * 3600
LIMIT = 2


def test_a_database_clock_that_steps_lets_no_requests_overlap_and_holds_no_grade_up(setup):
    clock = DatabaseClock(setup.postgres, setup.world.database_url)
    setup.world.set("outcomes", max_per_campus=LIMIT)
    daemons = [setup.begin(), setup.daemon().wait_ready()]
    # Requests are always under way, and as many wait. Their signatures have the database's time.
    setup.campus.behave, setup.campus.clock_window = always(success(latency=0.2)), 2 * YEAR
    with setup.tool.at_work():
        for step, seconds in enumerate((5, 0, HOUR, 0, YEAR, 0), 1):
            setup.more_come(5)
            clock.set(seconds)
            wait_until("a daemon saw it", lambda least=step: setup.world.count(f"clock_watch WHERE steps >= {least}"))
            setup.more_come()
    setup.check(expected=["the database's clock stepped"])
    assert setup.campus.overlaps() == []
    assert most_at_once(setup.campus.requests) <= LIMIT
    assert setup.world.count("delivery WHERE result = 'unknown'") == 0
    assert [daemon.metric("passback_fenced_total") for daemon in daemons] == [0, 0]
