"""The directory of an embedded server: one daemon at a time works in it, and ends what an earlier one left."""

import asyncio
import fcntl
import os
import signal
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import BinaryIO

from redis.exceptions import RedisError

from daemon.infra.redis import redis_client

HOST = "127.0.0.1"

#: Seconds for a server to write its data and end, before it is killed.
STOP = 10.0

#: Seconds for one answer.
ANSWER = 2.0

#: Seconds between two looks at something that is awaited.
GLANCE = 0.02


class EmbeddedError(Exception):
    """The embedded server cannot serve; the message says what to do."""


class EmbeddedInUse(EmbeddedError):  # noqa: N818 - named by what is wrong, like the errors of deliveries
    """Another daemon works in that directory."""


def known_url(directory: Path) -> str | None:
    """The URL of the server that runs in *directory* now, whoever started it; None if there is none."""
    try:
        port = int((directory / "port").read_text())
        with (directory / "server.lock").open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return url_of(port)
    except (OSError, ValueError):
        pass
    return None


def opened(directory: Path, stack: AsyncExitStack) -> tuple[Path, BinaryIO, BinaryIO]:
    """The directory itself, the lock of its daemon, and that of its server, who inherits it and outlives its daemon."""
    try:
        directory = directory.resolve()
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        own, server = (stack.enter_context((directory / name).open("ab")) for name in ("lock", "server.lock"))
    except OSError as error:
        raise EmbeddedError(
            f"{directory} cannot be used ({error.strerror}): make it writable, or set another redis.embedded_dir"
        ) from None
    return directory, own, server


async def locked(file: BinaryIO, patience: float) -> bool:
    """Lock *file* for as long as it is open; a glance of :func:`known_url` is waited out."""
    deadline = now() + patience
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if now() >= deadline:
                return False
            await asyncio.sleep(GLANCE)
        else:
            return True


async def end_left_over(directory: Path, lock: BinaryIO) -> None:
    """Take over *lock*, ending the server of an earlier daemon if it still holds it."""
    if await locked(lock, 0.1):
        return
    if not await _shut_down(directory):
        _signal_left_over(directory, signal.SIGTERM)
    if await locked(lock, STOP):
        return
    _signal_left_over(directory, signal.SIGKILL)
    if not await locked(lock, 1.0):
        raise EmbeddedInUse(
            f"the server of an earlier daemon still works in {directory} and cannot be stopped: "
            "stop it, or set another redis.embedded_dir"
        )


async def _shut_down(directory: Path) -> bool:
    """Ask the server that was announced to end, if it is still that of *directory*."""
    try:
        async with redis_client(url_of(int((directory / "port").read_text())), timeout=ANSWER) as client:
            where = (await client.config_get("dir"))["dir"]
            if not _is_same(str(where), directory):
                return False
            await client.shutdown()
    except (RedisError, OSError, ValueError):
        return False
    return True


def _signal_left_over(directory: Path, number: signal.Signals) -> None:
    with suppress(OSError, ValueError):
        pid = int((directory / "server.pid").read_text())
        # By now the number may be somebody else's.
        if _is_same(f"/proc/{pid}/cwd", directory):
            os.kill(pid, number)


def _is_same(path: str, directory: Path) -> bool:
    return Path(path).resolve() == directory


def url_of(port: int) -> str:
    return f"redis://{HOST}:{port}/0"


def now() -> float:
    return asyncio.get_running_loop().time()
