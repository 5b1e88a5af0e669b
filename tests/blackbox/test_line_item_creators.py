"""Who makes a link's line item is killed, or frozen, at the worst moment: each link has one, with the newest grades."""

import json
import threading
from collections import Counter

import pytest

from daemon.demo.platform.kind import json_reply
from daemon.demo.platform.tokens import AgsScope
from tests.blackbox.daemon import wait_until
from tests.blackbox.world import COURSE, score
from tests.fakes.platform import Misbehaviour, RecordingPlatform, held, well

CLIENT = "client-7"
LEARNERS = ("ada", "ben")
#: Seconds. Each step is a few looks, two seconds apart, of daemons that may have just started.
PATIENCE = 120


@pytest.fixture
def platform():
    with RecordingPlatform.in_thread() as platform:
        yield platform
    assert platform.faults == []


@pytest.fixture
def world(make_world, migrated_database, valkey_url, platform):
    world = make_world(migrated_database("postgresql"), valkey_url)
    # Long: what a test holds at the platform has to outlast nothing.
    world.set("outcomes", timeout_seconds=60, hold_seconds=60)
    said = world.call(
        *("platform", "add", "Sample", "--client-id", CLIENT),
        *("--issuer", platform.issuer, "--token-url", platform.token_url),
    )
    assert said.code == 0, said.err
    kid = json.loads(world.call("keys", "list", "--json").out)[0]["kid"]
    platform.register(CLIENT, pem=world.call("keys", "export", kid, "--pem").out)
    return world


class Course:
    """Links without a line item, each with a learner's score that changes, and what the platform does of each."""

    def __init__(self, world, platform):
        self._world, self._platform = world, platform
        self._behaviours = {}
        self._points = {}
        platform.behave = self._behave

    def strike(self, operation, link, behaviour):
        """Treat the first request of an operation for a link so."""
        self._behaviours[operation, link] = behaviour

    def is_struck(self, *links):
        """Whether the requests of these links that were to be struck have come."""
        return not any(link in links for _, link in self._behaviours)

    def launch(self, *links):
        for link in links:
            self._world.add(*(self._launch(name, link) for name in LEARNERS))
        self.change(*links)

    def change(self, *links):
        for link in links:
            for name in LEARNERS:
                self._points[name, link] = points = self._points.get((name, link), 0) + 1
                self._world.add(score(name, f"block of {link}", points, 10))

    def made(self):
        """How many line items each link has."""
        return Counter(column.resource_link_id for column in self._platform.gradebook.columns.copy().values())

    def shows_the_newest(self):
        links = {path: column.resource_link_id for path, column in self._platform.gradebook.columns.copy().items()}
        shown = {(user_id, links[path]): grade for (path, user_id), grade in self._platform.grades().items()}
        return shown == {(f"sub of {name}", link): f"0.{points}" for (name, link), points in self._points.items()}

    def _behave(self, record):
        link = None
        if record.operation == "create":
            link = json.loads(record.body)["resourceLinkId"]
        elif record.operation == "line items":
            # The second question, by what the tool calls the activity.
            link = record.query.get("resource_id", "").removeprefix("block of ")
        return self._behaviours.pop((record.operation, link), well())

    def _launch(self, name, link):
        return {
            "type": "launch",
            "issuer": self._platform.issuer,
            "client_id": CLIENT,
            "lti_user_id": f"sub of {name}",
            "lineitems": self._platform.line_items_url(),
            "scopes": " ".join(AgsScope),
            "user_id": name,
            "course_id": COURSE,
            "usage_id": f"block of {link}",
            "resource_link_id": link,
        }


def end_leases(world):
    """As if the time had passed in which whatever the looks sent lands."""
    world.rows("UPDATE outcome_service SET creator_until = 1, look_at = 0 WHERE found_id IS NULL RETURNING id")


def freeze_outside_transactions(daemon, world):
    """The only daemon is frozen while it holds no lock for which others would have to wait."""
    others = "pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    while True:
        daemon.freeze()
        wait_until("what it asked is done", lambda: not world.count(f"{others} AND state = 'active'"), PATIENCE)
        if not world.count(f"{others} AND state LIKE 'idle in transaction%'"):
            return
        daemon.resume()


def start(world, clock):
    """A daemon whose monotonic clock is as many seconds ahead as the file *clock* says."""
    return world.run_faulty("--clock", str(clock))


@pytest.mark.timeout(400)
def test_a_link_gets_one_line_item_though_its_creator_is_killed_or_frozen(world, platform, tmp_path):
    course, clock = Course(world, platform), tmp_path / "clock"
    clock.write_text("0")
    # Of two that are being made, one is stored and the answer is lost; the other lands after its creator was killed.
    later, never = threading.Event(), threading.Event()
    course.strike("create", "lost answer", Misbehaviour(serve_after=0.0, hold=never))
    course.strike("create", "late", held(later))
    killed = world.run()
    course.launch("lost answer", "late")
    killed.wait_until("both are being made", lambda: course.is_struck("lost answer", "late"), PATIENCE)
    frozen = start(world, clock)
    frozen.wait_ready()
    wait_until("one is stored", lambda: course.made() == {"lost answer": 1}, PATIENCE)
    killed.kill()
    course.change("lost answer", "late")
    later.set()
    wait_until("the other landed", lambda: course.made() == {"lost answer": 1, "late": 1}, PATIENCE)
    end_leases(world)
    frozen.wait_until("the grades are there", course.shows_the_newest, PATIENCE)

    # Of two that a daemon looks for which freezes, one was not there and is to be made, the other's request is lost.
    thawed = threading.Event()
    course.strike("line items", "about to be made", Misbehaviour(hold=thawed, reply=json_reply([])))
    course.strike("create", "not stored", Misbehaviour(hold=thawed, serves=False, cut="before"))
    course.launch("about to be made", "not stored")
    frozen.wait_until("both are looked for", lambda: course.is_struck("about to be made", "not stored"), PATIENCE)
    freeze_outside_transactions(frozen, world)
    clock.write_text("90")
    end_leases(world)
    other = world.run()
    other.wait_until("the grades are there", course.shows_the_newest, PATIENCE)
    thawed.set()
    frozen.resume()
    frozen.wait_until("its looks have ended too", lambda: len(frozen.logged("line_item.")) >= 4, PATIENCE)
    course.change("lost answer", "late", "about to be made", "not stored")
    wait_until("the newest is there", course.shows_the_newest, PATIENCE)
    assert course.made() == dict.fromkeys(("lost answer", "late", "about to be made", "not stored"), 1)
    for daemon in (frozen, other):
        daemon.stop()
