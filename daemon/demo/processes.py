"""The daemon as a user starts it: a process of its own, which never outlives the demo."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import IO

#: Seconds that the daemon gets to stop after SIGTERM: its drain, the embedded server's end, and some.
STOPS_WITHIN = 16.0

#: Lines of the log that are shown when something went wrong.
LAST_LINES = 20


class DemoError(Exception):
    """The demo cannot go on."""


class DaemonProcess:
    """A running ``passbackd run``, with its log."""

    def __init__(self, process: Process, log: Path) -> None:
        self._process = process
        self._log = log

    def check(self) -> None:
        """Raise :class:`DemoError` if the daemon has ended."""
        if self._process.returncode is not None:
            raise self.fault(f"the daemon ended with exit code {self._process.returncode}")

    def fault(self, what: str) -> DemoError:
        """Make an error of *what* and of the end of the daemon's log."""
        lines = self._log.read_text(errors="replace").splitlines()[-LAST_LINES:]
        return DemoError("\n".join([what, "The end of its log:", *(lines or ["(empty)"])]))

    async def stop(self) -> None:
        """Stop the daemon as systemd would. Raises :class:`DemoError` unless it drains and exits with 0."""
        self.check()
        await _end(self._process)
        if self._process.returncode != 0:
            raise self.fault(f"the daemon was asked to stop and ended with exit code {self._process.returncode}")


@asynccontextmanager
async def running_daemon(config: Path, log: Path) -> AsyncIterator[DaemonProcess]:
    """Run the daemon on *config* and write what it says to *log*. It is gone on the way out, whatever happened."""
    with log.open("wb") as output:
        process = await _start("run", config=config, stdin=asyncio.subprocess.DEVNULL, stdout=output)
    try:
        yield DaemonProcess(process, log)
    finally:
        await _end(process)


async def call(*arguments: str, config: Path, stdin: bytes) -> None:
    """Run one short subcommand to its end. Raises :class:`DemoError` with all that it said, unless it exits with 0."""
    process = await _start(*arguments, config=config, stdin=PIPE, stdout=PIPE)
    try:
        said, _ = await process.communicate(stdin)
    finally:
        await _end(process)
    if process.returncode != 0:
        command = " ".join(["passbackd", *arguments])
        raise DemoError(f"{command!r} ended with exit code {process.returncode}:\n{said.decode(errors='replace')}")


async def _start(*arguments: str, config: Path, stdin: int, stdout: IO[bytes] | int) -> Process:
    # A group of its own: Ctrl-C is for the demo, which then stops the daemon in order.
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "daemon",
        *arguments,
        "--config",
        str(config),
        stdin=stdin,
        stdout=stdout,
        stderr=STDOUT,
        cwd=config.parent,
        env=_environment(),
        start_new_session=True,
    )


async def _end(process: Process) -> None:
    """End *process*: kindly, then by force; and whatever of its group is still there."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            process.terminate()
        with suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), STOPS_WITHIN)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()


def _environment() -> dict[str, str]:
    """Leave out what would otherwise go before the demo's own config: it must never reach a real database."""
    ours = ("PASSBACKD_", "CREDENTIALS_DIRECTORY")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}
