"""A grade's way to the campus: at once, after its delay, no later than its ceiling, and never an older one."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from tests.blackbox.world import launch, score, structure, wire

#: Seconds that a busy machine may add to a delay.
TOLERANCE = 1.5

LAUNCHES = [("ada", "problem-1"), ("bob", "chapter"), ("eve", "chapter")]


@pytest.fixture
def running(world, campus):
    daemon = world.begin()
    world.add(structure())
    return daemon


def test_a_problem_is_at_the_campus_within_a_second_and_a_sum_once_after_its_delay(running, world, campus):
    world.add(*(launch(name, usage, f"{name}-{usage}", campus.url()) for name, usage in LAUNCHES))
    running.wait_settled()
    assert campus.requests == []
    took = []
    for number in (1, 2, 3):
        added = time.monotonic()
        world.add(score("ada", "problem-1", number))
        campus.wait_for(lambda number=number: campus.grade("ada-problem-1") == wire(number, 10), 30)
        took.append(campus.sent("ada-problem-1")[-1].began - added)
    assert min(took) < 1, took
    running.wait_settled()
    assert campus.scores("ada-problem-1") == ["0.1", "0.2", "0.3"]

    world.add(score("bob", "problem-1", 4), score("eve", "problem-3", 7, 20), score("bob", "problem-2", 9))
    last = time.monotonic()
    world.add(score("bob", "problem-1", 5))
    campus.wait_for(lambda: campus.grade("bob-chapter") and campus.grade("eve-chapter"), 30)
    running.wait_settled()
    assert campus.scores("bob-chapter") == [wire(14, 40)]
    assert campus.scores("eve-chapter") == [wire(7, 40)]
    began = campus.sent("bob-chapter")[0].began
    # The daemon counts in whole milliseconds.
    assert last + 0.99 < began < last + 1 + TOLERANCE
    running.stop()


def test_steady_work_is_sent_no_later_than_the_ceiling(pair, campus):
    ceiling = 1.5 if pair.settings["database"]["url"].startswith("sqlite") else 2.5
    pair.set("outcomes", composite_max_delay_seconds=ceiling)
    daemon = pair.begin()
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

    daemon = pair.begin()
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
