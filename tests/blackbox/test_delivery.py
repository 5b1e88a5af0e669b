"""A grade's way to the campus: at once, after its delay, and no later than its ceiling."""

import time

from tests.blackbox.daemon import wait_until
from tests.blackbox.world import launch, score, structure, wire


def test_a_problem_is_at_the_campus_within_a_second_and_a_sum_once_after_its_delay(world, campus):
    daemon = world.begin()
    launches = [("ada", "problem-1"), ("bob", "chapter"), ("eve", "chapter")]
    world.add(structure(), *(launch(name, usage, f"{name}-{usage}", campus.url()) for name, usage in launches))
    daemon.wait_settled()
    assert campus.requests == []
    took = []
    # A busy machine may be late once, or twice.
    while len(took) < 3 or min(took) >= 1:
        number = len(took) + 1
        added = time.monotonic()
        world.add(score("ada", "problem-1", number))
        campus.wait_for(lambda number=number: campus.grade("ada-problem-1") == wire(number, 10), 30)
        took.append(campus.sent("ada-problem-1")[-1].began - added)
        assert number < 10, took
    daemon.wait_settled()
    assert campus.scores("ada-problem-1") == [wire(number, 10) for number in range(1, len(took) + 1)]

    world.add(score("bob", "problem-1", 4), score("eve", "problem-3", 7, 20), score("bob", "problem-2", 9))
    last = time.monotonic()
    world.add(score("bob", "problem-1", 5))
    campus.wait_for(lambda: campus.grade("bob-chapter") and campus.grade("eve-chapter"), 30)
    daemon.wait_settled()
    assert campus.scores("bob-chapter") == [wire(14, 40)]
    assert campus.scores("eve-chapter") == [wire(7, 40)]
    # The daemon counts in whole milliseconds.
    assert campus.sent("bob-chapter")[0].began > last + 0.99
    daemon.stop()


def test_steady_work_is_sent_no_later_than_the_ceiling(pair, campus):
    # No pause of the learner is as long as the delay: what is sent meanwhile, the ceiling has sent.
    pair.set("outcomes", composite_delay_seconds=2, composite_max_delay_seconds=2)
    daemon = pair.begin()
    pair.add(structure(), launch("ada", "chapter", "ada-c", campus.url()))
    daemon.wait_settled()
    changes = 0

    def works():
        nonlocal changes
        changes += 1
        pair.add(score("ada", "problem-3", changes, 1000))
        return len(campus.applied) >= 2

    wait_until("steady work is sent", works)
    daemon.wait_settled()
    assert campus.grade("ada-c") == wire(changes, 1020), "the last one was sent"
    assert len(campus.requests) < changes
    daemon.stop()
