"""``python -m tests.checks.short_files``: fails if a source file has 300 lines or more."""

import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
#: Those that are not there yet have no files.
FOLDERS = ("actors", "benchmarks", "clients", "daemon", "models", "tests")
SUFFIXES = (".py", ".sh", ".js", ".mjs", ".ts", ".php", ".rb")
#: Lines of one file, blank ones and comments too.
MAX_LINES = 299


def too_long(root: Path = ROOT) -> Iterator[str]:
    """The files with more lines, each with their number."""
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            # A virtual environment of a client holds files of others.
            if path.suffix not in SUFFIXES or not path.is_file() or ".venv" in path.parts:
                continue
            number = len(path.read_bytes().splitlines())
            if number > MAX_LINES:
                name = path.relative_to(root).as_posix()
                yield f"{name} has {number} lines: divide it by concept, so that each file has at most {MAX_LINES}"


if __name__ == "__main__":
    sys.exit("\n".join(too_long()) or None)
