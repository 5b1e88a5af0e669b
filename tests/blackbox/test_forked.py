"""Commands and daemons that are forked do what those do that start anew."""

import os
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from tests.blackbox.forked import Forking
from tests.blackbox.world import World
from tests.servers import is_alive


@pytest.fixture
def world(make_world, migrated_database):
    return make_world(migrated_database("sqlite"), "redis://127.0.0.1:1/0")


@pytest.mark.parametrize(
    "call", ["config", "consumer list --json", "consumer remove absent --yes", "status --nonsense", "nonsense", "-h"]
)
def test_a_forked_command_says_and_ends_as_one_that_starts_anew(world, call):
    assert world.call(*call.split()) == world.call_anew(*call.split())


@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
def test_a_forked_command_has_its_encoding(world, encoding):
    call = ("consumer", "remove", "n\u00f6body \U0001f600", "--yes")
    forked, anew = (how(*call, PYTHONIOENCODING=encoding) for how in (world.call, world.call_anew))
    assert forked == anew
    assert forked.err.isascii() is (encoding == "ascii")


def test_a_forked_command_has_its_input_its_environment_and_no_other_ones(world):
    added = world.call("consumer", "add", "Campus", "--key", "key", "--secret-stdin", stdin="a secret\n")
    assert (added.code, added.err) == (0, "")
    assert [row["consumer_secret"] for row in world.rows("SELECT consumer_secret FROM lti_consumer")] == ["a secret"]
    assert "port = 81 " in world.call("config", PASSBACKD_WEB__PORT="81").out
    assert "port = 0 " in world.call("config").out


def test_a_command_that_does_not_end_is_killed_and_the_next_one_runs(world, forking):
    around = {"home": world.home, "environment": {}, "stdin": ""}
    began = time.monotonic()
    with pytest.raises(AssertionError, match="run"):
        forking.run("run", "--config", str(world.config), patience=0.0, **around)
    assert time.monotonic() - began < 60
    assert world.call("config").code == 0


def test_daemons_that_are_forked_at_once_live_and_end_each_by_itself(world, make_world, migrated_database):
    worlds = [world, *(make_world(migrated_database("sqlite"), "redis://127.0.0.1:1/0") for _ in range(3))]
    with ThreadPoolExecutor(len(worlds)) as pool:
        daemons = list(pool.map(lambda one: one.run(PASSBACKD_LOG__LEVEL="debug"), worlds))
    for one, daemon in zip(worlds, daemons, strict=True):
        daemon.wait_until("it waits for Redis", lambda daemon=daemon: "redis" in daemon.page("/readyz")[1])
        process = psutil.Process(daemon.process.pid)
        assert process.cwd() == str(one.home / "daemon-0")
        assert os.getsid(process.pid) == process.pid
        assert [file for file in process.open_files() if file.path == str(one.folder / "daemon-0.log")]
        assert daemon.events(), "each line is whole, though two streams go there"
    assert len({daemon.port for daemon in daemons}) == len(daemons)

    frozen, killed, ended, stopped = daemons
    frozen.freeze()
    assert frozen.process.poll() is None
    with pytest.raises(subprocess.TimeoutExpired):
        frozen.process.wait(0)
    killed.kill()
    assert killed.process.returncode == -signal.SIGKILL
    ended.process.send_signal(signal.SIGSEGV)
    assert ended.process.wait(60) == -signal.SIGSEGV
    # A command runs to its end while others are frozen, waited for, and gone.
    assert world.call("config").code == 0
    stopped.stop()
    frozen.resume()
    frozen.stop()
    for daemon in daemons:
        daemon.process.send_signal(signal.SIGKILL)
        assert daemon.process.poll() == daemon.process.returncode is not None


def test_a_forked_daemon_has_the_signals_of_one_that_starts_anew(world):
    shown = []
    for world.starts_anew in (False, True):
        daemon = world.run()
        daemon.wait_until("it listens", lambda daemon=daemon: daemon.logged("listening"))
        status = Path(f"/proc/{daemon.process.pid}/status").read_text()
        shown.append([line for line in status.splitlines() if line.startswith(("SigBlk", "SigIgn", "SigCgt"))])
        daemon.stop()
    assert shown[0] == shown[1]


def test_a_forked_daemon_that_may_not_start_ends_with_its_code_and_says_why(world):
    daemon = world.run(PASSBACKD_OUTCOMES__TIMEOUT_SECONDS="-1")
    assert daemon.process.wait(60) == 2
    assert "outcomes.timeout_seconds" in daemon.log()
    daemon = world.run(PASSBACKD_LOG__FORMAT="console")
    daemon.wait_until("it has the settings of its own environment", lambda: "server unavailable" in daemon.log())
    assert daemon.events() == []


def test_what_is_forked_and_still_runs_ends_with_that_from_which_it_is_forked(world, tmp_path, server_folder):
    places = {"folder": tmp_path / "own", "home": server_folder / "own"}
    with closing(Forking()) as forking:
        world = World(world.settings["database"]["url"], "redis://127.0.0.1:1/0", **places, forking=forking)
        daemons = [world.run(), world.run()]
        for daemon in daemons:
            daemon.wait_until("it listens", lambda daemon=daemon: daemon.logged("listening"))
        daemons[0].freeze()
        processes = [psutil.Process(daemon.process.pid) for daemon in daemons]
    assert not any(map(is_alive, processes))
