"""
Platforms side by side at one daemon whose tokens are not to be had, late, short or revoked; and what shows of secrets.

No lease and no attempt is spent while there is no token, no platform is asked for more of them than has to be, all
grades arrive in the end, and neither a private key nor an assertion nor a token is anywhere to be seen.
"""

import threading
import time as real_time
from contextlib import ExitStack, suppress
from itertools import cycle
from random import Random

import pytest

from models.encryption import Cipher
from tests.blackbox import leaks
from tests.blackbox.daemon import PATIENCE, wait_until
from tests.blackbox.nasty import Nasty
from tests.blackbox.passing_time import PassingTime
from tests.blackbox.sites import Site, assertion_of
from tests.fakes.platform import RecordingPlatform, fails, held, login_page, only, reset, well

#: Seconds from one probe of a tripped campus to the next, at least, and more than at most.
PROBE_PAUSE, PROBED_AGAIN = 15, 400
#: Seconds for which platforms keep the key set, and which that one's tokens live that gives short ones.
CACHED_FOR, BRIEF = 3600, 10
#: How often each learner's score changes where tokens are revoked or short.
ROUNDS = 6
AUDIENCE = "https://login.example.edu/audience"
WITHOUT = ("audience", "caching", "failing")
#: What people look at, in the end.
COMMANDS = (
    ("check", "--deep"), ("config",), ("actions", "--json"), ("status", "--json"), ("parked", "--json"), ("reconcile",),
    ("platform", "list", "--json"), ("keys", "list", "--json"), ("keys", "export"), ("quarantine", "list"),
    ("why", "--user", "nasty-1-0", "--json"), ("why", "--user", "nasty-2-0"), ("why", "--user", "nasty-3-0"),
)  # fmt: skip


class Scene:
    """The sites by name, each with its platform."""

    def __init__(self, world, time, stack):
        self.world, self.time = world, time
        self.cipher = Cipher(world.settings["secrets"]["keys"])
        self.began, self.moments = real_time.monotonic(), 0
        self.secrets, self.said = set(), {}
        self.slow = threading.Event()
        self.sites = {
            name: self._site(stack, name, offset)
            for name, offset in (
                *(("ahead", 45), ("behind", -45), ("slow", 0), ("brief", 0), ("revoking", 0)),
                *((name, 0) for name in WITHOUT),
            )
        }
        platform = stack.enter_context(RecordingPlatform.in_thread(clock=time))
        self.nasty = {
            "nasty-1": Nasty(("assertion", "form"), ("unknown", "headers")),
            "nasty-2": Nasty(("redirect", "broken JSON"), ("expired", "elsewhere")),
            "nasty-3": Nasty(("refused with a token", "bearer"), ("a page", "challenge")),
            "nasty-4": Nasty(("half an assertion", "failed with broken JSON"), ("unknown",)),
        }
        self._given = []
        platform.behave = self._nastily
        self.sites |= {name: Site(world, platform, name) for name in self.nasty}
        self._misbehave()

    def _site(self, stack, name, offset):
        platform = stack.enter_context(RecordingPlatform.in_thread(clock=self.time, offset=offset))
        # One alone: a token that is revoked while another score is under way would be the second in a row.
        return Site(self.world, platform, name, learners=1 if name == "revoking" else 2)

    def _misbehave(self):
        random, failures = Random(1), cycle([fails(503), login_page(), reset(), fails(500)])
        office = self["revoking"].platform.office

        def revokes(record):
            # The score that comes with it is still taken, the next one is not.
            if record.operation == "score" and random.random() < 0.4:
                office.revoke()
            return well()

        self["revoking"].platform.behave = revokes
        self["brief"].platform.office.life = BRIEF
        self["slow"].platform.behave = only("token", held(self.slow))
        self["failing"].platform.behave = lambda one: next(failures) if one.operation == "token" else well()

    def _nastily(self, record):
        name = (record.client_id or "").removeprefix("client-")
        return self.nasty[name](record) if name in self.nasty else well()

    def begin_anew(self):
        """Two of the nasty ones misbehave once more, before the next daemon."""
        self._given += [text for nasty in self.nasty.values() for text in nasty.given]
        self.nasty |= {"nasty-1": Nasty(("form",), ("unknown",)), "nasty-3": Nasty(("bearer",), ("expired",))}
        for name in ("nasty-1", "nasty-3"):
            self.world.add(*self[name].work())

    def go_on_until_all_is_there(self):
        """What is probed or tried again only after a while comes once that has passed."""
        deadline = real_time.monotonic() + PATIENCE
        while waiting := [name for name, site in self.sites.items() if not site.is_served]:
            assert real_time.monotonic() < deadline, waiting
            with suppress(AssertionError):
                wait_until("all is there", lambda: all(site.is_served for site in self.sites.values()), 3)
                return
            self.go_on(PROBED_AGAIN)

    def __getitem__(self, name):
        return self.sites[name]

    def register(self, daemon):
        for name, site in self.sites.items():
            tool = site.platform.register(
                site.client,
                jwks_url=f"http://127.0.0.1:{daemon.port}/jwks",
                cached_for=CACHED_FOR,
                refetches=name != "caching",
                audience=AUDIENCE if name == "audience" else None,
            )
            tool.keys.clock = self.time

    def call(self, *arguments):
        """A command, whose output is kept for :meth:`texts`."""
        said = self.world.call(*arguments)
        self.said[" ".join(arguments)] = said.out + said.err
        return said

    def keep_keys(self):
        """Note what is secret of the signing keys, before one is withdrawn."""
        self.secrets |= leaks.private_parts(self.world, self.cipher)

    def work(self, *names, rounds=1):
        for _ in range(rounds):
            for name in names:
                self.world.add(*self[name].work())
            wait_until(f"the grades of {names} arrive", lambda: all(self[name].is_served for name in names))

    def go_on(self, seconds):
        wait_until("no request is under way", lambda: all(site.platform.at_rest for site in self.sites.values()))
        self.moments += 1
        self.time.go_on(seconds)

    def has_asked(self, name, number):
        return lambda: sum(one.ended is not None for one in self[name].asked()) >= number

    def check_waiting(self, *names):
        """Nothing was spent on grades for which there was no token."""
        for row in [row for name in names for row in self[name].rows()]:
            assert (row["attempts"], row["claim_token"], row["parked_at"]) == (0, None, None), row
            assert row["version_number"] > row["sent_version"]
        # Two failures trip the breaker; each probe, which begins with a token, comes a pause after the one before.
        probes = self.moments + (real_time.monotonic() - self.began) / PROBE_PAUSE
        for name in set(names) & set(WITHOUT):
            assert len(self[name].asked()) <= 2 + probes, name

    def check_ends(self):
        """What became of the attempts, once everything is corrected."""
        for name in [name for name in self.sites if name not in self.nasty]:
            ends = self.world.rows(
                "SELECT result, attempt, http_status FROM delivery WHERE assignment_id IN "
                f"(SELECT id FROM graded_assignment WHERE user_id LIKE '{name}-%')"
            )
            refused = [one for one in ends if one["result"] == "retried" and one["http_status"] == 401]
            assert {one["attempt"] for one in ends} == {1}, "an attempt without a token is given back"
            assert len(refused) + sum(one["result"] == "accepted" for one in ends) == len(ends)
            assert bool(refused) == (name == "revoking")
        for site in self.sites.values():
            for scope in {scope for one in site.asked() for scope in one.scopes}:
                assert site.platform.most_tokens_at_once(site.client, scope) == 1

    def texts(self, daemons):
        """Everything that can be seen, by its place."""
        return {
            **self.said,
            **{f"log {number}": daemon.log() for number, daemon in enumerate(daemons)},
            "the database": leaks.dump(self.world),
            "Redis": leaks.dump_of_redis(self.world),
            "ps": leaks.seen_by_ps(self.world),
        }

    def all_secrets(self):
        """What must be nowhere: of keys, assertions, and tokens."""
        self.keep_keys()
        asked = [one for site in self.sites.values() for one in site.asked()]
        assertions = {assertion_of(one) for one in asked}
        tokens = {text for site in self.sites.values() for text in site.platform.office.issued}
        tokens |= {*self._given, *(text for nasty in self.nasty.values() for text in nasty.given)}
        # All begin with the same header, which says nothing but the key's id.
        return self.secrets | {one.partition(".")[2] for one in assertions} | tokens


@pytest.fixture
def scene(make_world, migrated_database, valkey_url, postgres):
    world = make_world(migrated_database("postgresql"), valkey_url)
    world.set("secrets", keys=[world.call("secrets", "key").out.strip()])
    world.set("log", level="debug")
    # Longer than the slow token server needs; an hour's tokens are asked for again and again by time alone.
    world.set("outcomes", timeout_seconds=60)
    with ExitStack() as stack:
        scene = Scene(world, PassingTime(world, postgres), stack)
        yield scene
        faults = {
            name: [fault.partition(": ")[2] for fault in site.platform.faults] for name, site in scene.sites.items()
        }
        assert {name: set(found) for name, found in faults.items() if found} == {"audience": {"audience"}}


def explained(scene, name):
    """Whose turn it is, and why, as the help desk sees it."""
    why = scene[name].why()
    assert (why["protocol"], why["state"], why["deliveries"]) == ("lti-1.3", "due", []), why
    return why["who_acts"], why["reason"]


def test_tokens_that_are_not_to_be_had_cost_no_attempt_and_show_no_secret(scene):
    world, time = scene.world, scene.time
    # What is seen of it by others is of its start.
    world.starts_anew = True
    daemon = time.run()
    for site in scene.sites.values():
        site.add()
    scene.register(daemon.wait_ready())
    # One platform has fetched the key set, and then the key leaks. The daemon reads the set anew after a while.
    assert scene.call("platform", "check", "client-caching").code == 0
    scene.keep_keys()
    (leaked,) = (row["kid"] for row in world.rows("SELECT kid FROM tool_key"))
    assert scene.call("keys", "new").code == 0
    assert scene.call("keys", "withdraw", leaked, "--yes").code == 0
    scene.go_on(11)
    assert scene.call("platform", "check", "client-nasty-4").code == 1

    for site in scene.sites.values():
        world.add(*site.launches(), *site.work())
    scene.work("ahead", "behind")
    scene.work("revoking", "brief", rounds=ROUNDS)
    assert all(len(scene[name].asked()) <= 2 for name in ("ahead", "behind")), "once more with the right time"
    for name in WITHOUT:
        daemon.wait_until(f"{name} was asked twice", scene.has_asked(name, 2))
    assert explained(scene, "slow")[0] == "no one"
    scene.check_waiting("slow", *WITHOUT)
    assert len(scene["slow"].asked()) == 1
    scene.slow.set()
    scene.work("slow")

    for _ in range(2):
        before = {name: len(scene[name].asked()) for name in WITHOUT}
        scene.go_on(PROBED_AGAIN)
        scene.work("ahead", "behind", "slow", "brief", "revoking")
        for name, number in before.items():
            daemon.wait_until(f"{name} was asked once more", scene.has_asked(name, number + 1))
    scene.check_waiting(*WITHOUT)
    for name in ("audience", "caching"):
        who, reason = explained(scene, name)
        assert who == "operator"
        assert f"platform check client-{name}" in reason
        assert "invalid_client" in reason
    assert explained(scene, "failing")[0] == "no one"
    refused = [one for one in scene["revoking"].platform.of("score") if one.decision == "token unknown"]
    assert len(scene["revoking"].asked()) <= len(refused) + 1, "one for each that was revoked"
    short = (real_time.monotonic() - scene.began) / (BRIEF / 2) + scene.moments
    assert len(scene["brief"].asked()) <= short + 1, "by time, not by grades"

    for page in ("/statusz", "/metrics", "/jwks"):
        scene.said[page] = daemon.page(page)[1]
    scene.said["ps 1"] = leaks.seen_by_ps(world)
    world.set("web", port=daemon.port)
    world.set("log", format="console")
    daemon.stop()
    scene.begin_anew()
    other = time.run()
    assert scene["audience"].add("--replace", "--audience", AUDIENCE).code == 0
    scene["failing"].platform.behave = lambda _: well()
    scene.go_on(CACHED_FOR)
    scene.go_on_until_all_is_there()
    scene.check_ends()

    for command in COMMANDS:
        scene.call(*command)
    texts, secrets = scene.texts([daemon, other]), scene.all_secrets()
    assert "cannot verify" in texts["log 0"], "what platforms say is kept"
    assert "nasty-1" in texts["log 1"]
    assert list(leaks.leaks(secrets, texts)) == []
    assert list(leaks.leaks({leaked}, texts)), "what is no secret is found"
    other.stop()
