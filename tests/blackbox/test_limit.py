"""A campus's limit holds over three daemons, also when they are killed or frozen: seen from the wire."""

from contextlib import contextmanager
from functools import partial

import psutil
import pytest

from tests.blackbox.daemon import wait_until
from tests.blackbox.learners import Learners, between
from tests.blackbox.world import KEY, SECRET, launch, score, structure
from tests.daemon.check.certificates import served_with, valid_for
from tests.fakes.lms import RecordingLms
from tests.fakes.turnstile import Turnstile
from tests.faults.proxy import Proxy
from tests.servers import HOST

LIMIT = 4
#: Seconds. Short, so that a lease is eight seconds long.
TIMEOUT, HOLD, MARGIN = 2, 1, 5
LEASE_MS = (MARGIN + TIMEOUT + HOLD) * 1000

NOW_MS = "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)"


@pytest.fixture
def world(make_world, migrated_database, valkey_url):
    """PostgreSQL and Valkey, and a campus with a limit of four requests at once."""
    world = make_world(migrated_database("postgresql"), valkey_url)
    world.set("outcomes", timeout_seconds=TIMEOUT, hold_seconds=HOLD, max_per_campus=LIMIT)
    world.add_consumer()
    return world


@pytest.fixture
def turnstile(campus):
    campus.behave = between(0.05, 0.2, seed=5)
    with Turnstile.before(campus, TIMEOUT) as turnstile:
        yield turnstile
    assert turnstile.most == LIMIT, "the limit is kept, and used"
    assert turnstile.requests == len(campus.requests)


@contextmanager
def at_work(world, turnstile, *daemons):
    """Give the campus more than it takes; in the end each of *daemons* sees that all is done."""
    learners = Learners(60, seed=6)
    world.add(structure(), *learners.launches(turnstile.url))
    with learners.at_work(world):
        yield learners
    for daemon in daemons:
        daemon.wait_settled()


def start(world, number):
    daemons = [world.run() for _ in range(number)]
    for daemon in daemons:
        daemon.wait_ready()
    return daemons


def take_part(*daemons):
    """Until each of them in turn has passed ten more grades back."""
    for daemon in daemons:
        accepted = partial(daemon.metric, "passback_outcomes_total", result="accepted")
        goal = accepted() + 10
        daemon.wait_until("it takes part", lambda accepted=accepted, goal=goal: accepted() >= goal)


def wait_until_full(turnstile):
    """Until the campus gets as many requests as its limit allows."""
    wait_until("all slots are used", lambda: turnstile.at_once == LIMIT)


def freeze_when(daemon, what, condition):
    """Freeze it at a moment at which *condition* holds."""

    def is_caught():
        daemon.freeze()
        if condition():
            return True
        daemon.resume()
        return False

    wait_until(what, is_caught)


def freeze_with_a_request(daemon, turnstile):
    """Freeze it while the campus is at work for it."""

    def has_a_request():
        connections = psutil.Process(daemon.process.pid).net_connections("tcp")
        return {connection.laddr.port for connection in connections} & turnstile.ports()

    freeze_when(daemon, "the campus is at work for it", has_a_request)


def claims(world):
    return world.count("graded_assignment WHERE claimed_until IS NOT NULL")


def unknown(world):
    return world.count("delivery WHERE result = 'unknown'")


def lapsed(world):
    """How many claims are older than their lease, and were not rescued."""
    return world.count(f"graded_assignment WHERE claimed_until < {NOW_MS} - 1000")


def test_the_limit_holds_when_a_daemon_joins_and_one_stops(world, campus, turnstile):
    # No lease ends here, so that it may be long: a machine that halts for seconds costs no claim.
    world.set("outcomes", hold_seconds=40)
    first, second = start(world, 2)
    with at_work(world, turnstile, second) as learners:
        take_part(first, second)
        (third,) = start(world, 1)
        take_part(third)
        wait_until_full(turnstile)
        first.stop()
        take_part(second, third)
        wait_until_full(turnstile)
    assert campus.gradebook == learners.gradebook()
    assert campus.overlaps() == []
    second.stop()
    third.stop()
    assert claims(world) == 0
    assert unknown(world) == 0
    assert world.count("delivery") == len(campus.requests)


def test_a_daemon_killed_in_the_middle_of_requests_gives_its_slots_back_within_a_lease(world, campus, turnstile):
    victim, *others = start(world, 3)
    with at_work(world, turnstile, *others) as learners:
        take_part(victim, *others)
        freeze_with_a_request(victim, turnstile)
        victim.kill()
        # What it had claimed by then; the others' claims end long before their leases do.
        (lost,) = world.rows(f"SELECT MAX(claimed_until) - {NOW_MS} AS until FROM graded_assignment")
        assert lost["until"] <= LEASE_MS
        wait_until("what was lost is rescued", lambda: unknown(world) > 0)
        wait_until("nothing else is lost", lambda: lapsed(world) == 0)
        for _ in range(5):
            wait_until_full(turnstile)
        take_part(*others)
    assert campus.gradebook == learners.gradebook()
    assert campus.overlaps() == []
    # Where a busy machine outlives a lease of the others, they complete the records of their own attempts.
    assert 0 < unknown(world) <= LIMIT, "what the killed daemon had claimed"
    for daemon in others:
        daemon.stop()
    assert claims(world) == 0


@pytest.mark.parametrize("moment", ["with a request at the campus", "between a claim and its request"])
def test_a_daemon_that_thaws_after_its_lease_sends_nothing_more_on_its_old_claims(world, campus, turnstile, moment):
    armed = world.folder / "armed"
    victim = world.run_faulty("--stop-at", "claimed", "--armed", str(armed)).wait_ready()
    others = start(world, 2)
    with at_work(world, turnstile, victim, *others) as learners:
        take_part(victim, *others)
        if moment == "with a request at the campus":
            freeze_with_a_request(victim, turnstile)
        else:
            armed.touch()
            wait_until("it is frozen", lambda: victim.frozen)
        wait_until("its claims are rescued", lambda: unknown(world) > 0)
        take_part(*others)
        wait_until_full(turnstile)
        victim.resume()
        # What it had claimed is put off, or has come to nothing: the newest score may be one that the campus holds.
        victim.wait_until("it finds its claim lost", lambda: victim.metric("passback_fenced_total") > 0)
        take_part(victim)
        wait_until_full(turnstile)
    wait_until("it has completed the records of its lost attempts", lambda: unknown(world) == 0)
    assert campus.gradebook == learners.gradebook()
    for daemon in (victim, *others):
        daemon.terminate()
        assert daemon.process.wait(60) == 0
    assert claims(world) == 0


def test_a_daemon_frozen_while_it_connects_sends_nothing_when_it_thaws(world, tmp_path):
    certificate = valid_for(30, tmp_path)
    world.set("egress", ca_file=str(certificate))
    tls = served_with(certificate)
    with RecordingLms.in_thread({KEY: SECRET}, tls=tls) as campus, Proxy.to(HOST, campus.port) as proxy:
        (victim,) = start(world, 1)
        # Its handshake waits, and is answered while it is frozen.
        proxy.delay(TIMEOUT)
        world.add(launch("ada", "problem-1", "ada-1", f"https://{HOST}:{proxy.port}/outcomes"))
        world.add(score("ada", "problem-1", 5))
        freeze_when(victim, "it connects", lambda: proxy.connections and claims(world))
        # No claim follows the lost one.
        assert world.call("consumer", "pause", KEY).code == 0
        (other,) = start(world, 1)
        wait_until("its claim is rescued", lambda: unknown(world) > 0)
        proxy.delay(0)
        victim.resume()
        victim.wait_until("its attempt has ended", lambda: "attempt.fenced" in victim.log())
        assert campus.requests == []
        assert world.call("consumer", "resume", KEY).code == 0
        other.wait_settled()
        assert campus.gradebook == {("/outcomes", "ada-1"): "0.5"}
        assert len(campus.requests) == 1
