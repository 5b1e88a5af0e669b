"""Campuses in trouble: one that throttles, one whose secret is wrong, one that the operator pauses."""

import json
import threading
from dataclasses import dataclass
from itertools import pairwise

import pytest

from models.campus import MIN_PROBE_PAUSE_MS
from tests.blackbox.daemon import wait_until
from tests.blackbox.learners import between
from tests.blackbox.world import KEY, NAME, SECRET, launch, score, wire
from tests.fakes.canvas import ThrottlingCanvas
from tests.fakes.lms import RecordingLms, answer, failure, held, in_turn, most_at_once, success

#: Seconds between two requests to a campus that refuses everything.
MIN_PAUSE = MIN_PROBE_PAUSE_MS / 1000
CLAIMED = "graded_assignment WHERE claimed_until IS NOT NULL"


@pytest.fixture
def world(make_world, migrated_database, valkey_url):
    """PostgreSQL and Valkey."""
    return make_world(migrated_database("postgresql"), valkey_url)


@dataclass
class Grades:
    """Learners with a grade each, spread over a campus's outcome URLs."""

    campus: RecordingLms
    number: int
    urls: int = 1

    def events(self):
        """The scores first, so that every launch makes a grade due at once."""
        scores = [score(f"user-{one}", "problem-1", one % 11) for one in range(self.number)]
        return [*scores, *self.launches()]

    def launches(self):
        return [
            launch(f"user-{one}", "problem-1", f"leaf-{one}", self.campus.url(self._path(one)))
            for one in range(self.number)
        ]

    def gradebook(self):
        return {(self._path(one), f"leaf-{one}"): wire(one % 11, 10) for one in range(self.number)}

    def _path(self, one: int) -> str:
        return f"/api/lti/v1/tools/{one % self.urls + 1}/grade_passback"


def campus_status(world):
    """What ``status --json`` says of the only campus."""
    said = world.call("status", "--json")
    assert said.code == 0, said.err
    (campus,) = json.loads(said.out)["campuses"]
    return campus


@pytest.mark.parametrize("most", [4, 30], ids=["as it comes", "set too high"])
def test_a_canvas_that_throttles_gets_500_grades_from_two_daemons_with_few_refusals(world, most):
    world.set("outcomes", max_per_campus=most)
    world.add_consumer()
    with ThrottlingCanvas.in_thread({KEY: SECRET}, between(0.05, 0.15, seed=1)) as canvas:
        learners = Grades(canvas, 500, urls=50)
        world.add(*learners.events())
        daemons = [world.run(), world.run()]
        canvas.wait_for(lambda: len(canvas.gradebook) == 500, 100)
        for daemon in daemons:
            daemon.wait_settled()
            daemon.stop()
    assert canvas.gradebook == learners.gradebook()
    assert most_at_once(canvas.requests) <= most
    assert len(canvas.throttled) <= 0.05 * len(canvas.requests)
    assert canvas.overlaps() == []
    assert canvas.faults == []


def refused(daemon):
    return daemon.metric("passback_outcomes_total", consumer=NAME, result="misconfigured")


def is_shown(daemon, state):
    """Whether the gauge, which is refreshed periodically, has the only campus in that state."""
    return daemon.metric("passback_campus_state", consumer=NAME, state=state) == 1


@pytest.mark.parametrize(
    ("refusal", "probes"),
    [
        pytest.param(answer(401, b"Invalid signature"), 2, id="an LMS with status codes"),
        pytest.param(failure("Message signature not valid", content_type="text/html"), 1, id="Moodle"),
    ],
)
def test_a_campus_whose_secret_is_wrong_is_probed_until_it_is_right_and_then_gets_everything(world, refusal, probes):
    add = ("consumer", "add", NAME, "--key", KEY, "--secret-stdin", "--replace")
    assert world.call(*add, stdin="not the secret\n").code == 0
    with RecordingLms.in_thread({KEY: SECRET}) as campus:
        campus.refusal = refusal
        learners = Grades(campus, 40)
        daemon = world.run()
        world.add(*learners.events())
        daemon.wait_until("the campus is down", lambda: is_shown(daemon, "down"))
        assert campus_status(world)["state"] == "down"
        for _ in range(probes):
            before = refused(daemon)
            daemon.wait_until("it is probed", lambda before=before: refused(daemon) > before)
            # A learner who comes back brings the next probe forward, yet not too near to the last one.
            world.add(*learners.launches()[:1])
        pauses = [later.began - sooner.began for sooner, later in pairwise(campus.requests)]
        probed = next(number for number, pause in enumerate(pauses) if pause >= MIN_PAUSE)
        assert probed < 5, "one failed, another one took its slot, and the second failure tripped the breaker"
        assert min(pauses[probed:]) >= MIN_PAUSE
        rows = world.rows("SELECT DISTINCT attempts, parked_at FROM graded_assignment")
        assert rows == [{"attempts": 0, "parked_at": None}]
        assert campus.gradebook == {}

        assert world.call(*add, stdin=SECRET + "\n").code == 0
        campus.wait_for(lambda: len(campus.gradebook) == 40, 20)
        assert daemon.wait_settled()["assignments"]["clean"] == 40
        assert campus_status(world)["state"] == "up"
        assert len(campus.requests) == refused(daemon) + 40
        daemon.stop()
    assert campus.gradebook == learners.gradebook()
    assert {fault.partition(": ")[2] for fault in campus.faults} == {"a signature that is not valid"}


def test_a_paused_campus_gets_only_what_was_under_way_and_the_rest_when_it_is_resumed(world, campus):
    paused = threading.Event()
    # Longer than a command needs on a busy machine.
    world.set("outcomes", timeout_seconds=60)
    campus.behave = in_turn(*[success(latency=0.1)] * 20, then=held(paused))
    learners = Grades(campus, 400)
    daemon = world.begin()
    world.add(*learners.events())
    campus.wait_for(lambda: len(campus.requests) >= 20, 60)
    assert world.call("consumer", "pause", KEY).code == 0
    before = len(campus.requests)
    paused.set()
    wait_until("what was under way has ended", lambda: not world.count(CLAIMED))
    sent = len(campus.requests)
    assert sent - before <= 4, "as many as had a slot when it was paused"
    daemon.wait_until("the gauge says so", lambda: is_shown(daemon, "paused"))
    assert campus_status(world)["state"] == "paused"
    assert world.call("consumer", "pause", KEY).out == f"{KEY} was paused already\n"
    # Requests under way were finished, and none has come since.
    assert sent == len(campus.requests) == len(campus.gradebook) < 400
    assert world.count("graded_assignment WHERE attempts > 0") == 0
    assert world.count(CLAIMED) == 0

    campus.behave = between(0.0, 0.1, seed=2)
    assert world.call("consumer", "resume", KEY).code == 0
    daemon.wait_settled()
    assert campus_status(world)["state"] == "up"
    assert campus.gradebook == learners.gradebook()
    assert len(campus.requests) == 400
    assert most_at_once(campus.requests) <= 4
    daemon.stop()
