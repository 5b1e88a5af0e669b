"""Files that hold what the code makes."""

import sys
from collections.abc import Mapping
from pathlib import Path


def stale(wanted: Mapping[Path, str]) -> list[Path]:
    """The files whose text is not the wanted one; ``--write`` on the command line gives it to them, and leaves none."""
    differ = [path for path, text in wanted.items() if not path.exists() or path.read_text() != text]
    if "--write" not in sys.argv:
        return differ
    for path in differ:
        path.write_text(wanted[path])
    return []
