"""Another account can neither read, write nor stop the embedded server, by port, file or command line."""

import json
import os
import subprocess
import sys
from contextlib import AsyncExitStack
from pathlib import Path

import psutil
import pytest
import redis.asyncio

from daemon.infra.embedded import embedded_server
from daemon.infra.embedded_lock import EmbeddedError, known_url, opened, unreadable
from tests import servers

#: Tries, from root, all that another account may try: prints what succeeded.
INTRUDER = """
import encodings.idna, json, os, socket, sys
if os.getuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
folder, port, words = sys.argv[1], int(sys.argv[2]), []
for command in ("PING", "XADD passback:events * type x", "XRANGE passback:events - +", "CONFIG SET dir /tmp",
                "CONFIG GET requirepass", "SHUTDOWN NOSAVE", "AUTH x"):
    with socket.create_connection(("127.0.0.1", port), 5) as connection:
        connection.sendall(command.encode() + b"\\r\\n")
        said = connection.recv(4096)
        if not said.startswith((b"-NOAUTH", b"-WRONGPASS")):
            words.append([command, repr(said)])
for place, folders, files in os.walk(folder):
    words += [["read", os.path.join(place, name)] for name in (*folders, *files)]
for name in ("password", "port", "server.log", "lock"):
    try:
        words.append(["read", open(os.path.join(folder, name)).read()])
    except PermissionError:
        pass
for name in ("passbackd.db", "passbackd.db-wal", "passbackd.db-shm", "valkey/password"):
    for mode in ("rb", "r+b"):
        try:
            open(os.path.join(folder, name), mode).close()
            words.append([mode, name])
        except (PermissionError, FileNotFoundError, NotADirectoryError):
            pass
try:
    open(os.path.join(folder, "made"), "x").close()
    words.append(["made", folder])
except (PermissionError, FileNotFoundError):
    pass
for pid in map(int, sys.argv[4:]):
    try:
        os.kill(pid, 15)
        words.append(["stopped", pid])
    except PermissionError:
        pass
for pid in filter(str.isdigit, os.listdir("/proc")):
    for name in ("cmdline", "environ"):
        try:
            with open(f"/proc/{pid}/{name}", "rb") as file:
                if sys.argv[3].encode() in file.read() and pid != str(os.getpid()) and pid != str(os.getppid()):
                    words.append([name, pid])
        except OSError:
            pass
print(json.dumps(words))
"""

#: Asks, from root as another account, whether it may see the server in a folder.
ONLOOKER = """
import os, sys
from pathlib import Path
from daemon.infra.embedded_lock import unreadable
if os.getuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
print(unreadable(Path(sys.argv[1])))
"""


def intrude(directory: Path, port: int, secret: str, *pids: int) -> list[object]:
    """What another account achieves against a folder, a port and processes; *secret*: the beginning of the password."""
    said = subprocess.run(
        [sys.executable, "-c", INTRUDER, str(directory), str(port), secret, *map(str, pids)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd="/",
    )
    assert said.returncode == 0, said.stderr
    return json.loads(said.stdout)


@pytest.mark.parametrize("made_before", [False, True], ids=["a new folder", "a folder that everyone could read"])
async def test_another_account_achieves_nothing(tmp_path, made_before):
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    directory = tmp_path / "valkey"
    if made_before:
        directory.mkdir(mode=0o755)
        (directory / "port").write_text("1\n")
    async with embedded_server(directory, 0) as server:
        password = (directory / "password").read_text().strip()
        beginning = password[:20]
        if os.getuid() == 0:
            assert intrude(directory, server.port, beginning, server.process.pid) == []
        async with redis.asyncio.Redis(port=server.port) as stranger:
            for command in ("PING", "XADD s * type x", "XRANGE s - +", "CONFIG GET requirepass", "SHUTDOWN"):
                with pytest.raises(redis.AuthenticationError):
                    await stranger.execute_command(*command.split())
        async with redis.asyncio.Redis(port=server.port, password=password) as tool:
            assert await tool.xadd("passback:events", {"type": "x"})
        assert not any(password in word for word in psutil.Process(server.process.pid).cmdline())
    assert (directory / "password").stat().st_mode & 0o777 == 0o600
    assert directory.stat().st_mode & 0o777 == 0o700


async def test_a_folder_that_is_made_on_the_way_is_private_too(tmp_path):
    umask = os.umask(0)
    try:
        async with AsyncExitStack() as stack:
            opened(tmp_path / "state" / "valkey", stack)
    finally:
        os.umask(umask)
    assert [(tmp_path / name).stat().st_mode & 0o777 for name in ("state", "state/valkey")] == [0o700, 0o700]


async def test_the_server_gets_nothing_of_the_daemons_environment_which_may_hold_secrets(tmp_path):
    assert set(os.environ) - {"PATH"}
    async with embedded_server(tmp_path, 0) as server:
        assert set(psutil.Process(server.process.pid).environ()) <= {"PATH", "LD_LIBRARY_PATH", "LC_CTYPE"}


async def test_the_password_stays_the_same_over_restarts_and_is_not_shown(tmp_path):
    async with embedded_server(tmp_path, 0) as server:
        password = (tmp_path / "password").read_text().strip()
        assert len(password) >= 32
        assert server.url == known_url(tmp_path) == f"redis://:{password}@127.0.0.1:{server.port}/0"
        assert password not in repr(server)
    async with embedded_server(tmp_path, 0) as server:
        assert password in server.url
    assert password not in (tmp_path / "server.log").read_text()


async def test_a_redis_older_than_7_is_refused(tmp_path):
    with pytest.raises(EmbeddedError, match=r"version 6\.2\.\d+, too old: install .* 7\.0 or newer"):
        async with embedded_server(tmp_path, 0, program=servers.redis_binary()):
            pytest.fail("it started")


async def test_an_account_that_may_not_look_gets_the_systems_error(tmp_path):
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    directory = tmp_path / "valkey"
    assert unreadable(directory) is None
    async with embedded_server(directory, 0):
        assert unreadable(directory) is None
        if os.getuid() == 0:
            words = [sys.executable, "-c", ONLOOKER, str(directory)]
            said = subprocess.run(words, capture_output=True, text=True, check=True, timeout=60)
            assert said.stdout == f"[Errno 13] Permission denied: '{directory}/password'\n"
