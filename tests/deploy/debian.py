"""Tools of Debian's that check what is deployed: those on PATH, else unpacked from their packages, without root."""

import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

#: Where packages are unpacked, once for all runs.
CACHE = Path(sys.prefix) / "debian"


@dataclass(frozen=True, slots=True)
class Tool:
    """A program, and what its environment needs."""

    path: str
    environment: dict[str, str] = field(default_factory=dict)

    def run(self, *arguments: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run it; what it printed on both outputs is in ``stdout``."""
        return subprocess.run(
            [self.path, *map(str, arguments)],
            cwd=cwd,
            env={**os.environ, **self.environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=100,
            check=False,
        )


def tool(name: str, *packages: str, libraries: str = "") -> Tool:
    """
    The program *name*.

    Args:
        packages: What to unpack where it is not installed.
        libraries: The folder in them that holds its shared libraries.
    """
    installed = shutil.which(name)
    if installed is not None:
        return Tool(installed)
    folder = CACHE / "-".join(packages)
    if not folder.exists():
        _unpack(packages, folder)
    (path,) = (found for found in folder.glob(f"**/bin/{name}") if os.access(found, os.X_OK))
    return Tool(str(path), {"LD_LIBRARY_PATH": str(folder / libraries)} if libraries else {})


def _unpack(packages: tuple[str, ...], folder: Path) -> None:
    CACHE.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as work:
        subprocess.run(["apt-get", "download", "-q", *packages], cwd=work, check=True, capture_output=True)
        for package in Path(work).glob("*.deb"):
            subprocess.run(["dpkg", "-x", package, f"{work}/root"], check=True, capture_output=True)
        # At once, so that a run that is killed leaves nothing half unpacked; another may have been quicker.
        with suppress(OSError):
            Path(work, "root").rename(folder)
    assert folder.exists()


def systemd_analyze() -> Tool:
    return tool("systemd-analyze", "systemd", "libsystemd-shared", libraries="usr/lib/x86_64-linux-gnu/systemd")


def promtool() -> Tool:
    return tool("promtool", "prometheus")
