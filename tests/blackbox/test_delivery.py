"""A grade's way to the campus: at once, after its delay, and no later than its ceiling."""

import time

from tests.blackbox.daemon import wait_until
from tests.blackbox.world import launch, score, structure, wire


def test_a_problem_is_sent_at_once_while_a_sum_waits_for_its_delay(world, campus):
    # What waits for this delay does not come while the test runs.
    world.set("outcomes", composite_delay_seconds=3600, composite_max_delay_seconds=3600)
    world.starts_anew = True
    daemon = world.begin()
    launches = [launch("ada", usage, f"ada-{usage}", campus.url()) for usage in ("problem-1", "chapter")]
    world.add(structure(), *launches)
    daemon.wait_settled()
    assert campus.requests == []
    for earned in (1, 2, 3):
        world.add(score("ada", "problem-1", earned))
        campus.wait_for(lambda earned=earned: campus.grade("ada-problem-1") == wire(earned, 10), 60)
    assert campus.scores("ada-problem-1") == [wire(earned, 10) for earned in (1, 2, 3)]
    assert campus.sent("ada-chapter") == []
    daemon.stop()


def test_a_sum_is_sent_once_after_its_delay(world, campus):
    daemon = world.begin()
    world.add(structure(), *(launch(name, "chapter", f"{name}-chapter", campus.url()) for name in ("bob", "eve")))
    daemon.wait_settled()
    last = time.monotonic()
    world.add(
        score("bob", "problem-1", 4),
        score("eve", "problem-3", 7, 20),
        score("bob", "problem-2", 9),
        score("bob", "problem-1", 5),
    )
    campus.wait_for(lambda: campus.grade("bob-chapter") and campus.grade("eve-chapter"), 60)
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
