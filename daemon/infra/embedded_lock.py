"""The directory of an embedded server: one daemon at a time uses it, and ends the server of an earlier one."""

import asyncio
import fcntl
import os
import secrets
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import BinaryIO

from daemon.config.sections import RedisSection

HOST = "127.0.0.1"

#: Seconds for a server to write its data and end, before it is killed.
STOP = 10.0

#: Seconds for one answer.
ANSWER = 2.0

#: Seconds between two checks of a condition that is awaited.
POLL = 0.02


class EmbeddedError(Exception):
    """The embedded server cannot run; the message says what to do."""


def url_in_use(redis: RedisSection) -> str | None:
    """The URL of the server that the configuration names; None while the embedded one does not run."""
    return known_url(redis.embedded_dir) if redis.embedded else redis.url


def known_url(directory: Path) -> str | None:
    """The URL of the server that runs in *directory* now; None if there is none."""
    try:
        port, password = int((directory / "port").read_text()), password_of(directory)
        with (directory / "server.lock").open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return url_of(port, password)
    except (OSError, ValueError):
        pass
    return None


def unreadable(directory: Path) -> PermissionError | None:
    """Why this account cannot see whether a server runs in *directory*; None if it can."""
    try:
        (directory / "password").open().close()
    except PermissionError as error:
        return error
    except OSError:
        pass
    return None


def opened(directory: Path, stack: AsyncExitStack) -> tuple[Path, BinaryIO, BinaryIO]:
    """The directory, the lock of its daemon, and that of its server, which inherits it and may outlive the daemon."""
    try:
        directory = directory.resolve()
        # Parents that mkdir makes on its way would have the usual mode.
        for folder in (directory.parent, directory):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        directory.chmod(0o700)
        own, server = (stack.enter_context((directory / name).open("ab")) for name in ("lock", "server.lock"))
    except OSError as error:
        raise EmbeddedError(
            f"{directory} cannot be used ({error.strerror}): make it writable, or set another redis.embedded_dir"
        ) from None
    return directory, own, server


async def locked(file: BinaryIO, patience: float) -> bool:
    """Lock *file* for as long as it is open, within *patience* seconds: :func:`known_url` locks it for a moment."""
    deadline = now() + patience
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if now() >= deadline:
                return False
            await asyncio.sleep(POLL)
        else:
            return True


async def end_left_over(directory: Path, lock: BinaryIO) -> None:
    """Take over *lock*, shutting down the server of an earlier daemon if it still holds it."""
    # Here, since `status` only asks for known_url() and does without.
    from redis.exceptions import RedisError  # noqa: PLC0415

    from daemon.infra.redis import redis_client  # noqa: PLC0415

    if await locked(lock, 0.1):
        return
    with suppress(RedisError, OSError, ValueError):
        url = url_of(int((directory / "port").read_text()), password_of(directory))
        async with redis_client(url, timeout=ANSWER) as client:
            # By now the port may belong to another server.
            if (await client.config_get("dir"))["dir"] == str(directory):
                await client.shutdown()
    if not await locked(lock, STOP):
        raise EmbeddedError(
            f"the server of an earlier daemon still runs in {directory} and does not stop: "
            "stop it, or set another redis.embedded_dir"
        )


def password_of(directory: Path, *, make: bool = False) -> str:
    """
    The password of the server in *directory*, which the service's account alone can read.

    It stays the same over restarts: the tool knows it too.

    Args:
        make: If there is none yet.

    Raises:
        OSError: There is none, or it cannot be read.
    """
    file = directory / "password"
    if make and not file.exists():
        draft = directory / "password.new"
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as output:
            output.write(f"{secrets.token_hex(32)}\n")
        draft.replace(file)
    return file.read_text().strip()


def url_of(port: int, password: str) -> str:
    return f"redis://:{password}@{HOST}:{port}/0"


def now() -> float:
    return asyncio.get_running_loop().time()
