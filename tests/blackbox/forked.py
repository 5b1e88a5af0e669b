"""
Commands as processes that begin where the imports end: each is forked from one that has imported everything.

A command takes half a second of a processor to import what it needs, and much less to do what it is asked. Whatever is
about the imports, the locale or the start of a command takes a process of its own: ``World.call_anew``.
"""

import gc
import json
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from importlib import import_module
from io import TextIOWrapper
from pathlib import Path
from tempfile import TemporaryDirectory

from daemon.cli import main

ROOT = Path(__file__).parents[2]


class Forking:
    """The process from which commands are forked, one after the other; started by the first."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._folder = TemporaryDirectory()
        self._lock = threading.Lock()

    def run(
        self, *arguments: str, home: Path, environment: Mapping[str, str], stdin: str, patience: float
    ) -> tuple[int, str, str]:
        """
        Run a command to its end.

        Args:
            home: Where it works.
            patience: Seconds; then it is killed, and AssertionError is raised.

        Returns:
            Its exit code, and what it said on standard output and on standard error.
        """
        files = [Path(self._folder.name) / name for name in ("in", "out", "err")]
        asked = {"arguments": arguments, "home": str(home), "environment": dict(environment)}
        with self._lock:
            files[0].write_text(stdin)
            process = self._process = self._process or self._start()
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(json.dumps(asked | {"files": list(map(str, files))}) + "\n")
            process.stdin.flush()
            if not select.select([process.stdout], [], [], patience)[0]:
                self._end()
                raise AssertionError(f"not within {patience:g} s: {' '.join(arguments)}")
            code = int(process.stdout.readline())
            return code, files[1].read_text(), files[2].read_text()

    def close(self) -> None:
        """End it, and a command that still runs."""
        self._end()
        self._folder.cleanup()

    def _end(self) -> None:
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.communicate()
            self._process = None

    def _start(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            start_new_session=True,
        )


def _serve() -> None:
    for package in ("models", "actors", "daemon"):
        for file in sorted((ROOT / package).rglob("*.py")):
            if file.stem != "__main__":
                import_module(".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"))
    gc.freeze()
    # Of its bytes: the encoding of a text that has been read from cannot be changed.
    while line := sys.stdin.buffer.readline():
        asked = json.loads(line)
        child = os.fork()
        if child == 0:
            _become(**asked)
            main()
            return
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


def _become(arguments: list[str], home: str, environment: dict[str, str], files: list[str]) -> None:
    os.chdir(home)
    os.environ.clear()
    os.environ.update(environment)
    # The streams on these three go on: nothing is in their buffers.
    for number, file in enumerate(files):
        opened = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC if number else os.O_RDONLY, 0o600)
        os.dup2(opened, number)
        os.close(opened)
    if encoding := environment.get("PYTHONIOENCODING"):
        for stream in (sys.stdin, sys.stdout, sys.stderr):
            assert isinstance(stream, TextIOWrapper)
            stream.reconfigure(encoding=encoding)
    sys.argv = ["passbackd", *arguments]


if __name__ == "__main__":
    _serve()
