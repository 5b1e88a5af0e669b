"""What `make dist` builds, built once for all tests of a run: for this Python, and for the system's."""

import fcntl
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

from tests.docs.docs_runner import ROOT

#: Seconds: fetches wheels when the lock has changed, and builds.
BUILT_WITHIN = 400
#: The headings of docs/install.md whose commands test_dist.py types, and those of test_debian_package.py.
WITHOUT_ROOT = ("From the files of a release", "pipx or uv", "One file")
AS_ROOT = ("Debian package", "Image and compose")
#: The Python of services.
SYSTEM_PYTHON = "/usr/bin/python3"


@cache
def pythons() -> str:
    """The versions to build for, as "3.11 3.12"."""
    versions = {f"{sys.version_info.major}.{sys.version_info.minor}"}
    if Path(SYSTEM_PYTHON).exists():
        shown = [SYSTEM_PYTHON, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
        versions.add(subprocess.run(shown, capture_output=True, text=True, check=True).stdout.strip())
    return " ".join(sorted(versions))


def built_in(run: Path) -> Path:
    """The folder with what was built, below *run*, which the processes of this run share."""
    folder = run / "dist"
    with (run / "dist.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "SHA256SUMS").exists():
            make_dist(folder)
    return folder


def make_dist(folder: Path) -> None:
    """Call `make dist`."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PASSBACKD_", "MAKE", "PEX_"))}
    done = subprocess.run(
        ["make", "dist", f"DIST={folder}", f"PYTHONS={pythons()}"],
        cwd=ROOT,
        env=clean,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=BUILT_WITHIN,
        check=False,
    )
    assert done.returncode == 0, done.stdout
