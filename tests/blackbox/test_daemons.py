"""Daemons that work side by side, that are killed, that are stopped under load: the right grades all the same."""

import signal
import threading
from datetime import UTC, datetime

import pytest

from tests.blackbox.learners import Learners, between
from tests.blackbox.world import launch, score, structure, wire
from tests.fakes.lms import held


def test_two_daemons_bring_2000_events_of_200_assignments_in_order(world, campus):
    campus.behave = between(0.02, 0.2, seed=1)
    # No lease ends here, so that it may be long: a machine that halts for seconds costs no claim.
    world.set("outcomes", max_per_campus=12, hold_seconds=40)
    world.add_consumer()
    first, second = world.run(), world.run()
    first.wait_ready()
    second.wait_ready()
    learners = Learners(100, seed=2)
    world.add(structure(), *learners.launches(campus.url()))

    def sent():
        return [daemon.metric("passback_outcomes_total", result="accepted") for daemon in (first, second)]

    # At least: chance decides which of them does intake and so has the new events.
    part = 0
    while part < 20 or not min(sent()):
        assert part < 300, "both take part"
        world.add(*learners.work(100))
        part += 1
        # At work all the time, so that changes meet requests under way.
        campus.wait_for(lambda part=part: len(campus.requests) >= 15 * part, 60)
    for daemon in (first, second):
        status = daemon.wait_settled()
        assert status["assignments"] == {
            "clean": 200, "due": 0, "waiting": 0, "claimed": 0, "parked": 0, "disabled": 0,
        }  # fmt: skip
        assert (status["stream_lag"], status["quarantined"], status["oldest_due_seconds"]) == (0, 0, 0)
    assert campus.gradebook == learners.gradebook()
    assert campus.overlaps() == []
    assert sum(sent()) == len(campus.requests)
    assert first.metric("passback_fenced_total") + second.metric("passback_fenced_total") == 0
    first.terminate()
    second.stop()
    first.wait_stopped()
    assert world.count("graded_assignment WHERE version_number > sent_version OR claimed_until IS NOT NULL") == 0


@pytest.mark.parametrize(
    ("database", "redis_server", "lost"),
    [("sqlite", "valkey-9", "all keys of Redis"), ("postgresql", "redis-6.2", "the disk of Redis")],
    indirect=["redis_server"],
)
def test_a_daemon_that_is_killed_while_redis_loses_everything_is_started_again_and_finishes(
    make_world, migrated_database, campus, database, redis_server, redis_url, lost
):
    campus.behave = between(0.05, 0.1, seed=3)
    world = make_world(migrated_database(database), redis_url)
    world.set("outcomes", timeout_seconds=1, hold_seconds=1)
    daemon = world.begin()
    learners = Learners(60, seed=4)
    world.add(structure(), *learners.launches(campus.url()), *learners.work(240))
    daemon.wait_read()
    campus.wait_for(lambda: len(campus.requests) >= 20, 60)
    daemon.kill()
    assert world.count("graded_assignment WHERE version_number > sent_version") > 0
    if lost == "all keys of Redis":
        with world.redis() as client:
            client.flushall()
    else:
        redis_server.kill()
        redis_server.start(empty=True)
    again = world.run().wait_ready()
    # A new stream is read from its start; one that got entries before the daemon read it would only have a gap.
    again.wait_until("the lost stream was noticed", lambda: again.metric("passback_stream_resets_total") == 1)
    world.add(*learners.work(60))
    again.wait_settled()
    assert campus.gradebook == learners.gradebook()
    assert campus.overlaps() == []
    assert again.metric("passback_stream_resets_total") == 1
    again.stop()


def test_sigterm_under_load_finishes_what_is_under_way_and_a_later_start_sends_the_rest(pair, campus):
    campus.behave = between(0.3, 0.3, seed=9)
    pair.set("outcomes", timeout_seconds=2, max_per_campus=20)
    pair.starts_anew = True
    daemon = pair.begin()
    learners = Learners(200, seed=10)
    pair.add(structure(), *learners.launches(campus.url()), *learners.work(400))
    campus.wait_for(lambda: len(campus.requests) >= 60, 60)
    daemon.stop()
    # Requests under way were finished, and the rest is left as it was.
    assert pair.count("graded_assignment WHERE claimed_until IS NOT NULL") == 0
    assert pair.count("delivery WHERE result = 'accepted'") == len(campus.requests) < 300
    assert pair.count("delivery") == len(campus.requests)
    assert pair.count("graded_assignment WHERE version_number > sent_version AND attempts > 0") == 0

    campus.behave = between(0, 0, seed=11)
    again = pair.run().wait_ready()
    again.wait_settled()
    assert campus.gradebook == learners.gradebook()
    assert campus.overlaps() == []
    # As from a terminal.
    again.process.send_signal(signal.SIGINT)
    again.wait_stopped()


def test_requests_that_hang_beyond_the_drain_are_given_up_and_sent_again_later(
    make_world, migrated_database, valkey_url, campus
):
    world = make_world(migrated_database("postgresql"), valkey_url)
    answers = threading.Event()
    world.set("outcomes", timeout_seconds=60, max_per_campus=3)
    daemon = world.begin()
    launches = [launch(f"user-{n}", "problem-1", f"leaf-{n}", campus.url()) for n in range(20)]
    scores = [score(f"user-{n}", "problem-1", n / 2) for n in range(20)]
    # A campus that has not answered yet gets one request at once.
    world.add(structure(), *launches, scores[0])
    campus.wait_for(lambda: campus.gradebook, 60)
    campus.behave = lambda _record: held(answers)
    world.add(*scores[1:])
    campus.wait_for(lambda: len(campus.requests) == 4, 60)
    daemon.wait_read()
    # It would wait for these for ever. What is waited for here is a minute, which only a hang exceeds: the drain takes
    # ten seconds, and a busy machine may take several times as long.
    daemon.stop(within=60)
    assert world.count("graded_assignment WHERE claimed_until IS NOT NULL") == 0
    assert world.count("delivery WHERE result = 'ambiguous' AND description LIKE '%stopped%'") == 3
    assert world.count("graded_assignment WHERE hold_until > 0") == 3

    answers.set()
    again = world.run().wait_ready()
    # A launch ends the hold.
    world.add(*({**event, "modified": datetime.now(UTC).isoformat()} for event in launches))
    again.wait_settled()
    assert campus.gradebook == {("/outcomes", f"leaf-{n}"): wire(n / 2, 10) for n in range(20)}
    again.stop()
