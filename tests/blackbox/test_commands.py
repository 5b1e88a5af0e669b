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

#: What answers a question or changes something while the daemon is up or down, in this order.
CALLS = [
    "config",
    "check",
    "check --deep",
    "migrate --dry-run",
    "secrets key",
    "consumer list",
    f"consumer pause {KEY}",
    f"consumer resume {KEY}",
    "status",
    "why --user ada",
    "parked",
    "resend --all --dry-run",
    "resend --user ada",
    "quarantine list",
    "quarantine show 1",
    "quarantine replay 1",
    "reconcile",
]
#: Commands that cannot run beside the others, or remove what the others need: tested elsewhere.
ELSEWHERE = {"run", "demo", "feed", "consumer add", "consumer remove", "quarantine drop", "secrets rotate"}


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


# Some forty processes, one after the other: a busy machine needs minutes for them.
@pytest.mark.timeout(600)
def test_commands_work_with_the_daemon_up_and_down_in_a_pipe_and_in_a_terminal_and_as_json(pair, campus):
    daemon = pair.begin()
    pair.add(launch("ada", "problem-1", "ada-1", campus.url()), score("ada", "problem-1", 5))
    pair.add(score("ada", "problem-1", float("nan")))
    daemon.wait_settled()
    for call in CALLS:
        in_pipe(pair, call)
    daemon.wait_settled()
    daemon.stop()
    for call in CALLS:
        if "--json" in commands()[named(call)]:
            json.loads(in_pipe(pair, f"{call} --json"))
        else:
            in_pipe(pair, call)
    for call in CALLS:
        code, shown = in_terminal(pair, *call.split())
        assert code in expected(pair, call), f"{call}\n{shown}"
        assert "Traceback" not in shown
