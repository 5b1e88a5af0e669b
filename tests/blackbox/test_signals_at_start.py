"""A signal at any moment of a daemon's life, from its first line on: it ends in good order."""

import random
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from daemon.demo import INTERRUPTED
from tests.blackbox.daemon import Daemon, wait_until
from tests.blackbox.world import launch, score
from tests.fakes.lms import held

#: As a signal's number is written in the masks of ``/proc``.
_BIT = 1 << (signal.SIGTERM - 1)


def handles_signals(daemon: Daemon) -> bool:
    """Whether the process has a handler of its own, or has ended."""
    try:
        status = Path(f"/proc/{daemon.process.pid}/status").read_text()
    except OSError:
        return True
    masks = dict(line.split(":\t") for line in status.splitlines() if line.startswith("Sig"))
    return bool(int(masks.get("SigCgt", "0"), 16) & _BIT)


def begin(world) -> Daemon:
    """A daemon that has run its first line."""
    daemon = world.run()
    wait_until("it handles signals", lambda: handles_signals(daemon))
    return daemon


def end(daemon: Daemon, chance: random.Random, *, pause: float = 0.2) -> None:
    """Signal it once or several times, and see that it ends well."""
    for _ in range(chance.randint(1, 3)):
        if daemon.process.poll() is not None:
            break
        daemon.process.send_signal(chance.choice([signal.SIGTERM, signal.SIGINT]))
        time.sleep(chance.random() * pause)
    daemon.wait_stopped()


def end_at_moments_of_the_start(world, chance: random.Random, number: int) -> None:
    """Signal so many daemons, each a little later: from its first line until somewhat after it is ready."""
    daemon = begin(world)
    began = time.monotonic()
    daemon.wait_until("it is ready", lambda: daemon.logged("ready"))
    took = time.monotonic() - began
    end(daemon, chance)
    for one in range(number):
        daemon = begin(world)
        time.sleep(took * 1.2 * one / (number - 1))
        end(daemon, chance)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_signals_at_any_moment_of_the_start_and_again_while_it_ends(make_world, migrated_database, valkey_url, kind):
    world, chance = make_world(migrated_database(kind), valkey_url), random.Random(50)
    # Imports are most of a start, and the same for each kind of database; what follows them is not.
    for world.starts_anew, number in ((True, 8), (False, 12)):
        end_at_moments_of_the_start(world, chance, number)


@pytest.mark.parametrize("away", ["redis.url", "database.url"])
def test_signals_while_it_waits_for_a_server(make_world, migrated_database, valkey_url, away):
    world, chance = make_world(migrated_database("sqlite"), valkey_url), random.Random(51)
    world.starts_anew = True
    section, key = away.split(".")
    gone = "redis://127.0.0.1:1/0" if section == "redis" else "postgresql://x@127.0.0.1:1/x"
    world.set(section, **{key: gone})
    for _ in range(3):
        daemon = begin(world)
        daemon.wait_until("it waits", lambda daemon=daemon: daemon.logged("server unavailable"))
        time.sleep(chance.random())
        end(daemon, chance)


def test_a_signal_at_each_moment_of_the_drain_until_the_process_is_gone(
    make_world, migrated_database, valkey_url, campus
):
    world, answers = make_world(migrated_database("sqlite"), valkey_url), threading.Event()
    world.starts_anew = True
    world.set("worker", drain_seconds=2)
    campus.behave = lambda _record: held(answers)
    daemon = world.begin()
    world.add(launch("ada", "problem-1", "ada-1", campus.url()), score("ada", "problem-1", 5))
    campus.wait_for(lambda: campus.requests, 60)
    while daemon.process.poll() is None:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            daemon.process.send_signal(number)
        time.sleep(0.002)
    daemon.wait_stopped()
    answers.set()


def test_a_reload_during_the_imports_ends_nothing(make_world, fresh_database, valkey_url):
    world = make_world(fresh_database("sqlite"), valkey_url)
    world.starts_anew = True
    daemon = begin(world)
    while not daemon.logged("ready"):
        daemon.process.send_signal(signal.SIGHUP)
        time.sleep(0.05)
        assert daemon.process.poll() is None
    daemon.stop()


@pytest.mark.parametrize("arguments", [["status"], ["why", "--user", "ada"], ["quarantine", "list"]], ids=" ".join)
def test_ctrl_c_during_the_imports_of_another_command_ends_it_without_a_traceback(make_world, arguments):
    world = make_world("sqlite://test.db", "redis://127.0.0.1:1/0")
    command = [sys.executable, "-X", "importtime", "-m", "daemon", *arguments]
    process = world.start("--config", str(world.config), command=command)
    # Python says what has been imported, a line each.
    assert any("pypika_tortoise" in line for line in process.stderr)
    process.send_signal(signal.SIGINT)
    assert world.end(process).code == INTERRUPTED
