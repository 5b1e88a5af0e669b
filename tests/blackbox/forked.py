"""
Commands and daemons as processes that begin where the imports end: forked from one that has imported everything.

A command takes half a second of a processor to import what it needs, a daemon more than a whole one, and much less to
do what a test asks. Whatever is about the imports, the locale, the memory, the command line or the start of a process
takes one of its own: ``World.call_anew`` and ``World.starts_anew``.
"""

import atexit
import gc
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from importlib import import_module
from io import TextIOWrapper
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).parents[2]

#: What can be forked, by the name of its module, and its name for itself.
PROGRAMS = {"daemon.cli": "passbackd", "tests.faults.process": "tests.faults.process"}
#: Seconds between two looks at a process that is waited for: the first pause, and the longest.
SHORT, LONG = 0.001, 0.02


class Forked:
    """A process that was forked: as much of :class:`subprocess.Popen` as tests use."""

    def __init__(self, pid: int, forking: "Forking") -> None:
        self.pid, self._forking = pid, forking
        #: Its exit code, or the number of the signal that ended it, below zero; None until that is seen.
        self.returncode: int | None = None
        # So that no signal is sent between the end of the process, which frees its number, and the note of it.
        self._lock = threading.Lock()

    def poll(self) -> int | None:
        """Its :attr:`returncode`, after a look."""
        with self._lock:
            return self._look()

    def _look(self) -> int | None:
        if self.returncode is None:
            self.returncode = self._forking.collect(self.pid)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """
        Wait until it has ended.

        Raises:
            subprocess.TimeoutExpired: It has not, after so many seconds.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        pause = SHORT
        while (code := self.poll()) is None:
            if deadline is not None and time.monotonic() >= deadline:
                raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0.0)
            time.sleep(pause)
            pause = min(pause * 2, LONG)
        return code

    def send_signal(self, number: int) -> None:
        """Signal it; nothing if it has ended."""
        with self._lock:
            if self._look() is None:
                os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class Forking:
    """The process from which others are forked, for any thread; it starts with the first of them."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._folder = TemporaryDirectory()
        self._lock = threading.Lock()
        self._numbers = count()

    def start(
        self,
        program: str,
        *arguments: str,
        home: Path,
        environment: Mapping[str, str],
        stdin: Path | str = os.devnull,
        stdout: Path,
        stderr: Path,
    ) -> Forked:
        """
        Start a process in a session of its own.

        Args:
            program: Of :data:`PROGRAMS`.
            home: Where it works.
            stdout: The file for what it says, made anew; may be *stderr* too.
        """
        for file in (stdout, stderr):
            # There from the first moment on, as subprocess has it.
            file.write_bytes(b"")
        files = [str(file) for file in (stdin, stdout, stderr)]
        around = {"home": str(home), "environment": dict(environment), "files": files}
        return Forked(self._ask(fork={"program": program, "arguments": arguments, **around}), self)

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
        with TemporaryDirectory(dir=self._folder.name) as folder:
            files = {name: Path(folder) / name for name in ("stdin", "stdout", "stderr")}
            files["stdin"].write_text(stdin)
            process = self.start("daemon.cli", *arguments, home=home, environment=environment, **files)
            try:
                code = process.wait(patience)
            except BaseException as error:
                process.kill()
                process.wait()
                if isinstance(error, subprocess.TimeoutExpired):
                    raise AssertionError(f"not within {patience:g} s: {' '.join(arguments)}") from None
                raise
            return code, files["stdout"].read_text(), files["stderr"].read_text()

    def collect(self, pid: int) -> int | None:
        """The exit code of a process that has ended, whose number is free from then on; None if it has not."""
        code: int | None = self._ask(collect=pid)
        return code

    def close(self) -> None:
        """End it, and all that still runs."""
        if self._process is not None:
            # The end of its input is what it waits for.
            self._process.communicate()
            self._process = None
        self._folder.cleanup()

    def _ask(self, **asked: Any) -> Any:
        with self._lock:
            process = self._process = self._process or self._launch()
            assert process.stdin is not None
            assert process.stdout is not None
            number = next(self._numbers)
            process.stdin.write(json.dumps({"number": number, **asked}) + "\n")
            process.stdin.flush()
            # An answer for which a test did not wait, since its time was over, may come first.
            while True:
                answer = json.loads(process.stdout.readline())
                if answer["number"] == number:
                    return answer["answer"]

    def _launch(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            start_new_session=True,
        )


def _serve() -> None:
    leaving = _Leaving()
    for package in ("models", "actors", "daemon"):
        for file in sorted((ROOT / package).rglob("*.py")):
            if file.stem != "__main__":
                import_module(".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"))
    mains = {program: import_module(program).main for program in PROGRAMS}
    # A thread would not be there after a fork, and what it has locked would stay so.
    assert threading.active_count() == 1
    gc.freeze()
    children: set[int] = set()
    # Of its bytes: the encoding of a text that has been read from cannot be changed.
    while line := sys.stdin.buffer.readline():
        asked = json.loads(line)
        if "fork" in asked:
            answer: int | None = os.fork()
            if answer == 0:
                _become(**asked["fork"])
                leaving.after(mains[asked["fork"]["program"]])
                return
            children.add(answer)
        else:
            # Only when asked, as by subprocess: until then the number is no other process's.
            pid, status = os.waitpid(asked["collect"], os.WNOHANG)
            answer = os.waitstatus_to_exitcode(status) if pid else None
            children -= {pid}
        print(json.dumps({"number": asked["number"], "answer": answer}), flush=True)
    for child in children:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


class _Leaving:
    """
    Has a process leave once all is done that Python does at the end, but for taking each module apart.

    That would take several times as long as most commands, since it writes to all the memory that is still shared.
    """

    def __init__(self) -> None:
        self._code = 0
        # What is registered first comes last, after the end of the threads.
        atexit.register(self._leave)

    def after(self, main: Callable[[], None]) -> None:
        try:
            main()
        except SystemExit as end:
            if not isinstance(end.code, int | None):
                atexit.unregister(self._leave)
                raise
            self._code = end.code or 0
        except BaseException:
            atexit.unregister(self._leave)
            raise

    def _leave(self) -> None:
        # What is found only now, such as a coroutine that was never awaited, is still said.
        gc.collect()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(self._code)


def _become(program: str, arguments: list[str], home: str, environment: dict[str, str], files: list[str]) -> None:
    os.setsid()
    os.chdir(home)
    os.environ.clear()
    os.environ.update(environment)
    # The streams on these three go on: nothing is in their buffers.
    for number, file in enumerate(files):
        if number and file == files[number - 1]:
            os.dup2(number - 1, number)
            continue
        opened = os.open(file, os.O_WRONLY if number else os.O_RDONLY)
        os.dup2(opened, number)
        os.close(opened)
    if encoding := environment.get("PYTHONIOENCODING"):
        for stream in (sys.stdin, sys.stdout, sys.stderr):
            assert isinstance(stream, TextIOWrapper)
            stream.reconfigure(encoding=encoding)
    sys.argv = [PROGRAMS[program], *arguments]


if __name__ == "__main__":
    _serve()
