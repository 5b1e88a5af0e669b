"""A campus moves from LTI 1.1 to 1.3, learner by learner, while scores change and a daemon is killed."""

import json
import threading
import time
from datetime import timedelta
from itertools import pairwise

import pytest

from tests.blackbox import daemon as blackbox
from tests.blackbox.moving_learners import CLIENT, MovingLearners, moving_campus, sourcedid, sub
from tests.blackbox.world import NAME
from tests.fakes.lms import held, success

LEARNERS = 200
#: Seconds. Long, so that a request may be held at the campus while a slow machine does other things.
TIMEOUT, HOLD = 60, 60
#: Seconds, for grades of all.
PATIENCE = 150
LATE = timedelta(seconds=1)
_ROWS = """graded_assignment JOIN campus ON campus.id = graded_assignment.campus_id
    JOIN lti_consumer ON lti_consumer.id = campus.lti_consumer_id"""


@pytest.fixture
def campus():
    with moving_campus() as campus:
        yield campus


@pytest.fixture
def world(make_world, migrated_database, valkey_url, campus):
    """PostgreSQL and Valkey; the campus is known over both versions of LTI."""
    platform, _ = campus
    world = make_world(migrated_database("postgresql"), valkey_url)
    world.set("outcomes", composite_delay_seconds=0.3, composite_max_delay_seconds=1, max_per_campus=20)
    world.set("outcomes", timeout_seconds=TIMEOUT, hold_seconds=HOLD)
    world.add_consumer()
    said = world.call(
        *("platform", "add", f"{NAME} (LTI 1.3)", "--client-id", CLIENT),
        *("--issuer", platform.issuer, "--token-url", platform.token_url),
    )
    assert said.code == 0, said.err
    kid = json.loads(world.call("keys", "list", "--json").out)[0]["kid"]
    platform.register(CLIENT, pem=world.call("keys", "export", kid, "--pem").out)
    return world


def wait_until(what, condition):
    blackbox.wait_until(what, condition, PATIENCE)


def let_leases_end(world, *names):
    """What was under way has landed; so nothing is lost if it need not be waited for. *names*: learners; none: all."""
    wanted = " OR ".join(f"user_id = '{name}'" for name in names) or "claimed_until IS NOT NULL"
    past = "claimed_until = CASE WHEN claimed_until IS NULL THEN NULL ELSE 1 END, hold_until = 0"
    world.rows(f"UPDATE graded_assignment SET {past} WHERE {wanted} RETURNING id")


class Struck:
    """Learners whose next requests over LTI 1.1 the campus holds until it is let go on."""

    def __init__(self, learners, lms, pairs):
        self.pairs, self._names = pairs, {sourcedid(pair) for pair in pairs}
        self.records, self._go_on = {}, threading.Event()
        others = lms.behave

        def behave(record):
            if record.sourcedid not in self._names or record.sourcedid in self.records:
                return others(record)
            self.records[record.sourcedid] = record
            return held(self._go_on)

        lms.behave = behave
        self._wait, self._change = lms.wait_for, learners.change

    def change_and_wait(self):
        for pair in self.pairs:
            self._change(pair)
        self.wait_held()

    def wait_held(self):
        self._wait(lambda: len(self.records) == len(self.pairs), PATIENCE)

    def go_on(self):
        """Until all of them have landed."""
        self._go_on.set()
        self._wait(lambda: all(record.ended for record in self.records.values()), PATIENCE)


def move(learners, pairs):
    """One launch over LTI 1.3 after the other, in random order, among repeated, late and new ones over LTI 1.1."""
    for pair in learners.chance.sample(pairs, len(pairs)):
        how = learners.chance.random()
        if how < 0.2:
            learners.launch_over_11(pair)
        learners.launch_over_13(pair)
        if how > 0.9:
            learners.launch_over_13(pair)
        elif how > 0.6:
            learners.launch_over_11(pair, earlier=LATE)


def wait_moved(world, *pairs):
    """Until each of these learners has one row, and that over LTI 1.3."""
    names = ", ".join(f"'{name}'" for name, _ in pairs)

    def have_moved():
        time.sleep(0.2)  # each look opens the database
        found = world.rows(f"SELECT consumer_key FROM {_ROWS} WHERE user_id IN ({names})")
        return [row["consumer_key"] for row in found] == [CLIENT] * len(pairs)

    wait_until("their rows have moved", have_moved)


@pytest.mark.timeout(400)
def test_each_learner_moves_with_the_history_and_the_newest_grade_whatever_comes_late_or_is_killed(world, campus):
    platform, lms = campus
    lms.behave = lambda _record: success(latency=0.01)
    learners = MovingLearners(world, platform, lms, LEARNERS, seed=5)
    learners.begin()
    daemon = world.run()
    wait_until("the first grades came", lambda: platform.grades() == learners.newest())
    before = {sourcedid(pair): lms.scores(sourcedid(pair))[0] for pair in learners.pairs}
    answered, lost, again, pioneer = learners.pairs[:3], learners.pairs[3:6], learners.pairs[6], learners.pairs[7]
    learners.quiet = {name for name, _ in learners.pairs[:8]}
    half = LEARNERS // 2
    # A campus that never answered gets one request at a time.
    learners.launch_over_13(pioneer)
    wait_until("the platform has answered", lambda: platform.sent(sub(pioneer[0])))

    with learners.at_work():
        hold_while_rows_move(world, campus, learners, answered, lost, kill=daemon.kill)
        daemons = [world.run(), world.run()]
        move(learners, [again, *learners.pairs[8:half]])
        wait_moved(world, again)
        land_after_a_newer_score(world, campus, learners, again)
        move(learners, learners.pairs[half:])

    for daemon in daemons:
        daemon.wait_settled(PATIENCE)
    assert platform.grades() == learners.newest()
    assert world.count(f"{_ROWS} WHERE consumer_key = '{CLIENT}'") == world.count("graded_assignment") == LEARNERS
    backwards = [pair for pair in learners.pairs if any(later < age for age, later in pairwise(learners.shown(pair)))]
    assert backwards == [again]
    assert (platform.overlaps(), lms.overlaps()) == ([], [])
    assert_history(world, before)
    for daemon in daemons:
        daemon.stop()


def hold_while_rows_move(world, campus, learners, answered, lost, *, kill):
    """Requests over LTI 1.1 are at the campus while their rows move; then some have answers, and some no daemon."""
    platform, lms = campus
    staying, killed = Struck(learners, lms, answered), Struck(learners, lms, lost)
    staying.change_and_wait()
    killed.change_and_wait()
    move(learners, [*answered, *lost])
    for pair in (*answered, *lost):
        learners.change(pair)
    wait_moved(world, *answered, *lost)
    staying.go_on()
    cells, newest = [learners.cell(pair) for pair in answered], learners.newest()
    wait_until(
        "the newest went out over LTI 1.3",
        lambda: [platform.grades()[cell] for cell in cells] == [newest[cell] for cell in cells],
    )
    assert [platform.sent(sub(name)) for name, _ in lost] == [[]] * len(lost), "they wait for what may still land"
    kill()
    killed.go_on()
    wait_until("all has landed", lambda: platform.at_rest and all(record.ended for record in lms.requests))
    let_leases_end(world)


def land_after_a_newer_score(world, campus, learners, again):
    """A new launch over LTI 1.1 after the move: its request lands after a newer score over LTI 1.3."""
    platform, lms = campus
    late = Struck(learners, lms, [again])
    learners.launch_over_11(again)
    late.wait_held()
    learners.change(again)
    cell = learners.cell(again)
    newest = learners.newest()[cell]
    wait_until("the newest came over LTI 1.3", lambda: platform.grades()[cell] == newest)
    learners.launch_over_13(again)
    wait_moved(world, again)
    late.go_on()
    assert platform.grades()[cell] != newest
    let_leases_end(world, again[0])
    wait_until("the newest is there again", lambda: platform.grades()[cell] == newest)


def assert_history(world, before):
    """The record of deliveries begins over LTI 1.1 for every row, and `why` says so."""
    first = world.rows("""
        SELECT DISTINCT ON (assignment_id) user_id, usage_id, score, result FROM delivery
        JOIN graded_assignment ON graded_assignment.id = assignment_id ORDER BY assignment_id, delivery.id""")
    assert {f"{one['user_id']}/{one['usage_id']}": one["score"] for one in first} == before
    moved = f"moved from LTI 1.1 consumer {NAME} on "
    assert world.count(f"graded_assignment WHERE note LIKE '%{moved}%'") == len(before)
    for one in json.loads(world.call("why", "--user", "user-0", "--json").out):
        assert (one["protocol"], one["state"], moved in one["reason"]) == ("lti-1.3", "clean", True)
        assert str(one["deliveries"][-1]["score"]) in before[f"user-0/{one['usage_id']}"] or one["more_deliveries"]
    said = world.call("why", "--user", "user-0").out
    assert moved in said.replace("\n", " ")
