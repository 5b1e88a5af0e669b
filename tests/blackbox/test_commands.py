"""Every command: with the daemon up and down, on both databases, in a terminal and in a pipe, and as JSON."""

import json
import os
import pty
import subprocess
from contextlib import suppress

import pytest

from tests.blackbox.daemon import PATIENCE
from tests.blackbox.world import COMMAND, KEY, SECRET, World, launch, score
from tests.daemon.cli.commands import commands
from tests.fakes.lms import RecordingLms

#: What answers a question or changes something while the daemon is up or down, in this order: of the set-up, of grades
#: and of events. Each is a test of its own, so that none starts dozens of processes.
OF_THE_SETUP = [
    "config",
    "check",
    "check --deep",
    "migrate --dry-run",
    "secrets key",
    "consumer list",
    f"consumer guid {KEY} lms.example.edu",
    f"consumer pause {KEY}",
    f"consumer resume {KEY}",
    "platform list",
    "keys new",
    "keys list",
    "keys export",
]
OF_GRADES = [
    "status",
    "why --user ada",
    "parked",
    "resend --all --dry-run",
    "resend --user ada",
    "actions",
    "reconcile",
]
OF_EVENTS = ["quarantine list", "quarantine show 1", "quarantine replay 1"]
CALLS = [*OF_THE_SETUP, *OF_GRADES, *OF_EVENTS]
#: Commands that cannot run beside the others, or remove what the others need: tested elsewhere.
ELSEWHERE = {
    *("run", "demo", "feed", "consumer add", "consumer remove", "quarantine drop", "secrets rotate"),
    *("platform add", "platform remove", "platform pause", "platform resume", "platform check"),
    *("keys withdraw", "baseline", "import openedx", "web user add", "web user list", "web user remove"),
}


def named(call: str) -> str:
    return next(name for name in sorted(commands(), reverse=True) if f"{call} ".startswith(f"{name} "))


def expected(world, call) -> tuple[int, ...]:
    if "--deep" in call and world.settings["database"]["url"].startswith("postgres"):
        return (2,)  # the database of the tests does not wait for its disk
    return (1,) if call.startswith("quarantine replay") else (0,)  # a NaN stays one


def in_pipe(world, call: str) -> str:
    said = world.call(*call.split())
    assert said.code in expected(world, call), f"{call}\n{said.out}{said.err}"
    assert "\x1b" not in said.out + said.err, f"{call}: colours in a pipe"
    return said.out


def in_terminal(world, *arguments: str) -> tuple[int, str]:
    """Exit code, and all that the terminal showed."""
    here, there = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, *arguments, "--config", str(world.config)],
        stdin=there,
        stdout=there,
        stderr=there,
        cwd=world.home,
        env={**os.environ, "TERM": "xterm-256color"},
    )
    os.close(there)
    shown = b""
    try:
        with suppress(OSError):  # the other end is closed
            while True:
                shown += os.read(here, 65536)
        return process.wait(PATIENCE), shown.decode()
    finally:
        process.kill()
        process.wait()
        os.close(here)


def test_each_command_is_tried_here_or_elsewhere():
    assert {named(call) for call in CALLS} | ELSEWHERE == set(commands())


@pytest.fixture(scope="module")
def taught(request, shared_url, tmp_path_factory, server_folder, forking):
    """A world in which a learner has a grade, and an event is in quarantine, for all of these tests."""
    server = request.getfixturevalue("_redis_6_2" if shared_url.startswith("sqlite") else "_valkey_9")
    server.start()
    folder = tmp_path_factory.mktemp("commands")
    home = server_folder / folder.name
    world = World(shared_url, server.fresh_url(), folder=folder / "world", home=home, forking=forking)
    try:
        with RecordingLms.in_thread(keys={KEY: SECRET}) as campus:
            daemon = world.begin()
            world.add(launch("ada", "problem-1", "ada-1", campus.url()), score("ada", "problem-1", 5))
            world.add(score("ada", "problem-1", float("nan")))
            daemon.wait_settled()
            yield world
            assert campus.faults == []
    finally:
        world.end_all()


@pytest.fixture
def up(taught):
    """It, with its daemon running."""
    if taught.daemons[-1].process.poll() is not None:
        taught.run().wait_ready()
    return taught


@pytest.fixture
def down(taught):
    """It, without a daemon."""
    if taught.daemons[-1].process.poll() is None:
        taught.daemons[-1].stop()
    return taught


of_each_kind = pytest.mark.parametrize(
    "calls", [OF_THE_SETUP, OF_GRADES, OF_EVENTS], ids=["of the set-up", "of grades", "of events"]
)


@of_each_kind
def test_commands_work_with_the_daemon_up_in_a_pipe(up, calls):
    for call in calls:
        in_pipe(up, call)
    up.daemons[-1].wait_settled()


@of_each_kind
def test_commands_work_with_the_daemon_down_as_json_where_they_have_it(down, calls):
    for call in calls:
        if "--json" in commands()[named(call)]:
            json.loads(in_pipe(down, f"{call} --json"))
        else:
            in_pipe(down, call)


# What a terminal adds has nothing to do with the database, and a process that starts anew costs a second of a core.
@pytest.mark.parametrize("shared_url", ["sqlite"], indirect=True)
@of_each_kind
def test_commands_work_with_the_daemon_down_in_a_terminal(down, calls):
    for call in calls:
        code, shown = in_terminal(down, *call.split())
        assert code in expected(down, call), f"{call}\n{shown}"
        assert "Traceback" not in shown
