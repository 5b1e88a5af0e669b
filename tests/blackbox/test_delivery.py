"""A grade's way to the campus: at once, after its delay, no later than its ceiling, and never an older one."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from tests.blackbox.world import launch, score, structure, wire

#: Seconds that a busy machine may add to a delay.
TOLERANCE = 1.5


@pytest.fixture
def running(world, campus):
    world.add_consumer()
    daemon = world.run().wait_ready()
    world.add(structure())
    return daemon


def test_a_problem_is_at_the_campus_within_a_second(running, world, campus):
    world.add(launch("ada", "problem-1", "ada-1", campus.url()))
    running.wait_settled()
    assert campus.requests == []
    took = []
    for number in (1, 2, 3):
        added = time.monotonic()
        world.add(score("ada", "problem-1", number))
        campus.wait_for(lambda number=number: campus.grade("ada-1") == wire(number, 10), 30)
        took.append(campus.sent("ada-1")[-1].began - added)
    assert min(took) < 1, took
    running.wait_settled()
    assert campus.scores("ada-1") == ["0.1", "0.2", "0.3"]
    running.stop()


def test_several_problems_go_out_once_after_the_delay_with_the_newest_sum(running, world, campus):
    world.add(launch("ada", "chapter", "ada-c", campus.url()), launch("bob", "chapter", "bob-c", campus.url()))
    running.wait_settled()
    world.add(score("ada", "problem-1", 4), score("bob", "problem-3", 7, 20), score("ada", "problem-2", 9))
    last = time.monotonic()
    world.add(score("ada", "problem-1", 5))
    campus.wait_for(lambda: campus.grade("ada-c") and campus.grade("bob-c"), 30)
    running.wait_settled()
    assert campus.scores("ada-c") == [wire(14, 40)]
    assert campus.scores("bob-c") == [wire(7, 40)]
    began = campus.sent("ada-c")[0].began
    # The daemon counts in whole milliseconds.
    assert last + 0.99 < began < last + 1 + TOLERANCE
    running.stop()


def test_steady_work_is_sent_no_later_than_the_ceiling(pair, campus):
    ceiling = 1.5 if pair.settings["database"]["url"].startswith("sqlite") else 3
    pair.set("outcomes", composite_max_delay_seconds=ceiling)
    pair.add_consumer()
    daemon = pair.run().wait_ready()
    pair.add(structure(), launch("ada", "chapter", "ada-c", campus.url()))
    daemon.wait_settled()
    added: list[float] = []
    begin = time.monotonic()
    while len(campus.applied) < 2:
        assert time.monotonic() - begin < 10 * ceiling, "steady work is not sent at all"
        added.append(time.monotonic())
        pair.add(score("ada", "problem-3", len(added), 1000))
        # The pace of the learner: half the delay.
        time.sleep(max(0.0, begin + 0.5 * len(added) - time.monotonic()))
    daemon.wait_settled()
    unsent = 0
    for request in campus.sent("ada-c"):
        assert request.began - added[unsent] < ceiling + TOLERANCE
        assert request.score is not None
        # Which change it carries.
        unsent = round(float(request.score) * 1020)
    assert unsent == len(added), "the last one was sent"
    daemon.stop()


def test_what_is_older_or_known_changes_nothing_at_the_campus(pair, campus):
    now = datetime.now(UTC) - timedelta(minutes=10)

    def at(seconds: float) -> str:
        return (now + timedelta(seconds=seconds)).isoformat()

    pair.add_consumer()
    daemon = pair.run().wait_ready()
    history = [
        structure(modified=at(0)),
        *(launch(f"user-{n}", "problem-1", f"leaf-{n}", campus.url(), modified=at(1)) for n in range(1, 11)),
        *(launch(f"user-{n}", "chapter", f"sum-{n}", campus.url(), modified=at(1)) for n in range(1, 11)),
        *(score(f"user-{n}", "problem-1", n, modified=at(10 + m)) for n in range(1, 11) for m in range(2)),
        *(score(f"user-{n}", "problem-1", n / 2, modified=at(20)) for n in range(1, 11)),
        *(score(f"user-{n}", "problem-2", n, modified=at(30)) for n in range(1, 11)),
    ]
    pair.add(*history)
    daemon.wait_settled()
    expected = {("/outcomes", f"leaf-{n}"): wire(n / 2, 10) for n in range(1, 11)}
    expected |= {("/outcomes", f"sum-{n}"): wire(1.5 * n, 40) for n in range(1, 11)}
    assert campus.gradebook == expected
    requests = len(campus.requests)

    pair.add(*(score(f"user-{n}", "problem-1", 10, modified=at(19.9)) for n in range(1, 11)))
    pair.add(*(score(f"user-{n}", "problem-1", n / 2, modified=at(20)) for n in range(1, 11)))
    pair.add(*(score(f"user-{n}", "problem-1", n / 2, modified=at(25)) for n in range(1, 11)))
    # Between the two that said the same.
    pair.add(*(score(f"user-{n}", "problem-1", 10, modified=at(23)) for n in range(1, 11)))
    daemon.wait_settled()
    assert daemon.metric("passback_events_total", type="score.changed", result="stale") == 20
    assert daemon.metric("passback_events_total", type="score.changed", result="unchanged") == 30
    assert (len(campus.requests), campus.gradebook) == (requests, expected)

    pair.add(*history)
    daemon.wait_settled()
    assert (len(campus.requests), campus.gradebook) == (requests, expected)
    assert daemon.metric("passback_events_total", result="quarantined") == 0
    daemon.stop()
