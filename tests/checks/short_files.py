"""``python -m tests.checks.short_files``: fails if a source file has 300 lines or more."""

import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
#: Those that are not there yet have no files.
FOLDERS = ("actors", "benchmarks", "clients", "daemon", "models", "tests")
SUFFIXES = (".py", ".sh", ".js", ".mjs", ".ts", ".php", ".rb")
#: What a client's environment, or its compiler, has put there.
OTHERS = {".venv", "node_modules", "build", "dist"}
#: Made by a program.
GENERATED = {"clients/typescript/src/events.ts"}
#: Lines of one file, blank ones and comments too.
MAX_LINES = 299


def too_long(root: Path = ROOT) -> Iterator[str]:
    """The files with more lines, each with their number."""
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix not in SUFFIXES or not path.is_file() or not OTHERS.isdisjoint(path.parts):
                continue
            name, number = path.relative_to(root).as_posix(), len(path.read_bytes().splitlines())
            if number > MAX_LINES and name not in GENERATED:
                yield f"{name} has {number} lines: divide it by concept, so that each file has at most {MAX_LINES}"


if __name__ == "__main__":
    sys.exit("\n".join(too_long()) or None)
