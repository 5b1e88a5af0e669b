"""Every command: with the daemon up and down, on both databases, in a terminal and in a pipe, and as JSON."""

import json
import os
import pty
import subprocess
from contextlib import suppress

import pytest

from tests.blackbox.daemon import PATIENCE
from tests.blackbox.world import COMMAND, KEY, launch, score
from tests.daemon.cli.commands import commands

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
ELSEWHERE = {"run", "demo", "feed", "consumer add", "consumer remove", "quarantine drop", "secrets rotate"}


def named(call: str) -> str:
    return next(name for name in sorted(commands(), reverse=True) if f"{call} ".startswith(f"{name} "))


def expected(world, call) -> tuple[int, ...]:
    if "--deep" in call and world.settings["database"]["url"].startswith("postgres"):
        return (2,)  # the database of the tests does not wait for its disk
    return (1,) if call.startswith("quarantine replay") else (0,)  # a NaN stays one


def in_pipe(world, call: str, *, anew: bool = False) -> str:
    said = (world.call_anew if anew else world.call)(*call.split())
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


@pytest.fixture
def taught(pair, campus):
    """A learner has a grade, and an event is in quarantine; the daemon is up."""
    daemon = pair.begin()
    pair.add(launch("ada", "problem-1", "ada-1", campus.url()), score("ada", "problem-1", 5))
    pair.add(score("ada", "problem-1", float("nan")))
    daemon.wait_settled()
    return pair, daemon


of_each_kind = pytest.mark.parametrize(
    "calls", [OF_THE_SETUP, OF_GRADES, OF_EVENTS], ids=["of the set-up", "of grades", "of events"]
)


@of_each_kind
def test_commands_work_with_the_daemon_up_in_a_pipe(taught, calls):
    world, daemon = taught
    for call in calls:
        in_pipe(world, call, anew=True)
    daemon.wait_settled()


@of_each_kind
def test_commands_work_with_the_daemon_down_as_json_where_they_have_it(taught, calls):
    world, daemon = taught
    daemon.stop()
    for call in calls:
        if "--json" in commands()[named(call)]:
            json.loads(in_pipe(world, f"{call} --json"))
        else:
            in_pipe(world, call)


@of_each_kind
def test_commands_work_with_the_daemon_down_in_a_terminal(taught, calls):
    world, daemon = taught
    daemon.stop()
    for call in calls:
        code, shown = in_terminal(world, *call.split())
        assert code in expected(world, call), f"{call}\n{shown}"
        assert "Traceback" not in shown
