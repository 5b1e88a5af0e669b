"""The terminal into which an operator types the commands of a page."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.blackbox.daemon import PATIENCE, wait_until
from tests.docs.blocks import BACKGROUND, Block


@dataclass(slots=True)
class Ended:
    """What a block has done."""

    code: int
    out: str


class Terminal:
    """
    Runs blocks as they are, one after the other; what is set in one is set in the next.

    Args:
        folder: In which everything is typed: it holds ``manage.py``, and its ``bin`` is on the path.
        environment: Besides that of the tests.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.folder = folder
        self.environment = os.environ | {"PATH": f"{folder / 'bin'}:{os.environ['PATH']}"} | environment
        self._kept = folder / "kept.sh"
        self._kept.touch()
        (folder / "bin").mkdir()
        self.add_command("bin/passbackd", str(Path(sys.prefix) / "bin/passbackd"))

    def add_command(self, path: str, *words: str) -> None:
        """Put a command into the folder, which is run as these words and what else is typed."""
        file = self.folder / path
        file.write_text(f'#!{shutil.which("sh")}\nexec {" ".join(words)} "$@"\n')
        file.chmod(0o755)

    def run(self, block: Block) -> Ended:
        """Type a block; the first command in it that fails ends it."""
        script = f"""trap 'export -p > {self._kept}; echo "umask $(umask)" >> {self._kept}' EXIT
. {self._kept}
set -a
{block.text}"""
        done = subprocess.run(
            ["sh", "-euc", script],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE * 3,
            check=False,
        )
        assert "Traceback" not in done.stdout, done.stdout
        return Ended(done.returncode, done.stdout)

    def start(self, block: Block, log: Path) -> subprocess.Popen[bytes]:
        """Type a block that stays running, and wait until it says what the page says."""
        with log.open("wb") as output:
            process = subprocess.Popen(
                ["sh", "-euc", f"exec {block.text}"],
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        wait_until(f"{block.text} says it", lambda: block.wishes[BACKGROUND][0] in log.read_text())
        return process
