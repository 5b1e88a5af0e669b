"""The cut-over from Open edX and back, as docs/open-edx.md has it, at a site where learners work meanwhile."""

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.blackbox.daemon import PATIENCE, wait_until
from tests.blackbox.world import ROOT
from tests.clients.gradebooks import Gradebooks
from tests.clients.open_edx import GROUPS, LEARNERS, MANAGE, PYTHON, OpenEdx, campus_of, sourcedids
from tests.clients.terminal import Terminal
from tests.docs.blocks import steps
from tests.fakes.lms import RecordingLms

PAGE = ROOT / "docs/open-edx.md"
KEYS = ("north", "south")
#: Seconds for what takes a while on a busy machine.
SLOW = 5 * PATIENCE


class CutOver:
    """Everything that takes part in it; a method for each step of the page, which gets the step's blocks."""

    def __init__(self, site, books, world, terminal, redis_url):
        self.site, self.books, self.world, self.terminal = site, books, world, terminal
        self._redis_url = redis_url
        self._daemon = world.run().wait_ready()
        self._relay = None

    def type(self, block, code=0):
        ended = self.terminal.run(block)
        assert ended.code == code, ended.out
        return ended.out

    def set(self, block):
        assert block.language == "python"
        self.site.configure(block.text.replace("redis://passbackd-valkey:6379/0", self._redis_url))

    def bring_over_consumers(self, dump, importing):
        self.type(dump)
        assert (self.terminal.folder / "consumers.jsonl").stat().st_mode & 0o077 == 0
        assert "2 consumers added" in self.type(importing)

    def let_both_see(self, settings, check, relay):
        self.set(settings)
        self.site.restart_lms()
        assert "no issues" in self.type(check)
        self._relay = self.terminal.start(relay, self.terminal.folder / "relay.log")

    def bring_over_scores(self, export, importing):
        self.type(export)
        self.type(importing)
        self._daemon.wait_until("all is applied", lambda: self._daemon.status()["stream_lag"] == 0, 5 * PATIENCE)

    def take_handler_out(self, settings):
        self.set(settings)
        # The worker comes back later than the LMS: what is to be sent waits for it.
        self.site.stop_worker()
        self.site.restart_lms()

    def wait_for_site(self):
        self.site.start_worker()
        self.site.wait_sent()

    def cut_over(self, count, handler_out, relay, resume, reconcile, *keys):
        """Steps 4 to 7; afterwards the site sends nothing to the campuses *keys*."""
        self.type(count)
        self.take_handler_out(handler_out)
        self.wait_for_site()
        mark = self.books.number()
        self.begin(relay, resume, reconcile)
        assert [self.books.sent(key, by_site=True, since=mark[key]) for key in keys] == [[]] * len(keys)

    def begin(self, relay, resume, reconcile):
        self.type(relay)
        self._daemon.wait_read()
        self.type(resume)
        self.wait_served()
        # Teachers have corrected grades.
        assert "modified" in self.type(reconcile, code=1)
        self.wait_served()

    def wait_served(self):
        """Until all is sent that is due by now."""
        self._daemon.wait_read()
        now = time.time() * 1000
        due = "graded_assignment JOIN campus ON campus.id = campus_id JOIN lti_consumer c ON c.id = lti_consumer_id"
        late = f"{due} WHERE paused_at IS NULL AND version_number > sent_version AND pending_since < {now:.0f}"
        self._daemon.wait_until("what was due is sent", lambda: self.world.count(late) == 0)

    def put_handler_back(self, settings, note_and_relay, pause):
        self.set(settings)
        self.site.restart_lms()
        self.type(note_and_relay)
        self._daemon.wait_read()
        self.wait_served()
        self.type(pause)
        self._wait_unclaimed()

    def _wait_unclaimed(self):
        self._daemon.wait_until("none is claimed", lambda: self._daemon.status()["assignments"]["claimed"] == 0)

    def close(self):
        if self._relay is not None:
            self._relay.terminate()
            assert self._relay.wait(60) == 0


@pytest.fixture
def campuses() -> Iterator[dict[str, RecordingLms]]:
    with ExitStack() as stack:
        made = {key: stack.enter_context(RecordingLms.in_thread(keys={key: f"secret of {key}"})) for key in KEYS}
        yield made
    assert [lms.faults for lms in made.values()] == [[], []]


@pytest.fixture
def cut_over(tmp_path, valkey, campuses, make_world, migrated_database):
    folder = tmp_path / "site"
    folder.mkdir()
    site = OpenEdx(folder, valkey.fresh_url())
    redis_url = valkey.fresh_url()
    world = make_world(migrated_database("postgresql"), redis_url)
    world.set("outcomes", max_per_campus=12)
    terminal = Terminal(folder, site.environment)
    terminal.add_command("manage.py", str(PYTHON), str(MANAGE))
    (folder / "config.toml").symlink_to(world.config)
    site.make({key: lms.url() for key, lms in campuses.items()})
    books = Gradebooks(site, campuses)
    books.fill()
    played = CutOver(site, books, world, terminal, redis_url)
    try:
        yield played
    finally:
        played.close()
        site.end()


def check_served(play, *keys):
    """At these campuses every grade is the newest, or what a teacher wrote over it; all learners rest meanwhile."""
    play.site.rest(*GROUPS)
    try:
        wait_until(f"{keys} are served", lambda: not play.books.differing(*keys))
    except AssertionError:
        assert play.books.differing(*keys) == {}
        raise


def correct_some(play, group, *keys):
    """The learners of a group rest from now on, what they did is sent, and a teacher writes over some of it."""
    play.site.rest(group)
    play.site.wait_sent()
    play.wait_served()
    names = [one for one in sourcedids(GROUPS[group]) if campus_of(one) in keys]
    play.books.correct(one for one in names if one.endswith((":p0", ":u1", ":c")))
    return names


def check_history(play):
    """passbackd has posted nothing that was answered before, and what is on record says so."""
    working = {f"{one}" for name in GROUPS if name != "readers" for one in GROUPS[name]}
    for key in KEYS:
        owners = {sourcedid.partition(":")[0] for sourcedid in play.books.sent(key, by_site=False)}
        assert {one for one in owners - working if int(one) <= LEARNERS} == set()
    (grade,) = [
        one
        for one in json.loads(play.world.call("why", "--user", str(GROUPS["readers"][0]), "--json").out)
        if one["usage_id"].endswith("@p0")
    ]
    assert "passbackd did not send it" in grade["reason"]
    assert json.loads(play.world.call("quarantine", "list", "--json").out) == []
    said = play.site.said()
    assert "is not where it was expected" not in said
    assert "Traceback" not in said, said[-3000:]


@pytest.mark.timeout(1800)
def test_a_site_is_cut_over_and_back_and_over_again_while_learners_work(cut_over):
    play, site, books = cut_over, cut_over.site, cut_over.books
    page = steps(PAGE.read_text())
    books.correct(name for name in sourcedids(GROUPS["readers"]) if name.endswith((":p0", ":u1", ":c")))
    site.start_worker()
    site.start_lms()
    play.bring_over_consumers(*page.pop("1. Bring over the consumers"))
    play.let_both_see(*page.pop("2. Let both see every event"))
    play.bring_over_scores(*page.pop("3. Bring over what there was before"))
    north = [
        *page.pop("4. Count as delivered what the site has sent"),
        *page.pop("5. Take the LTI provider's handler out"),
    ]
    north += page.pop("7. Begin to send")
    south = page.pop("8. The other campuses")

    play.cut_over(*north, "north")
    check_served(play, "north")
    assert books.sent("south", by_site=False) == []
    site.work(*GROUPS)
    correct_some(play, "till-south-comes", "south")
    play.cut_over(*south, *KEYS)
    check_served(play, *KEYS)
    assert books.overtaken() == []
    site.work("always", "till-the-way-back", "readers")

    *way_back, count_again = page.pop("The way back")
    play.put_handler_back(*way_back)
    correct_some(play, "till-the-way-back", *KEYS)
    again = books.number()
    play.cut_over(count_again, south[1], *north[2:], *KEYS)
    play.begin(*south[2:])
    check_served(play, *KEYS)
    assert books.overtaken(since=again) == []
    check_history(play)
    # The first is typed by tests/docs, and the second is not run.
    assert set(page) == {"Try it on this machine", "What was read"}
