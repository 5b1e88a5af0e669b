"""A machine of its own that runs systemd, with passbackd installed or not; the real one stays as it is."""

import ctypes
import fcntl
import os
import shutil
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeVar

import psutil

from tests.docs.docs_runner import ROOT

T = TypeVar("T")

BOOT = Path(__file__).with_name("boot.sh")
#: Seconds for anything that the machine is asked for; most take a fraction of one.
PATIENCE = 90.0
#: Seconds for the boot, which installs packages.
BOOT_PATIENCE = 400.0

#: How the names of variables begin that would change what `make install` does.
_OF_THE_RUN = ("MAKE", "MFLAGS", "PASSBACKD_", "PREFIX", "UNITDIR", "STATEDIR", "BINDIR", "EMBEDDED")
_SIOCSIFADDR, _SIOCSIFFLAGS, _UP = 0x8916, 0x8914, 1


@cache
def missing() -> str | None:
    """Why no such machine can be had here; None if one can."""
    if sys.platform != "linux" or not shutil.which("apt-get"):
        return "it needs a Debian"
    if os.geteuid() != 0:
        return "it needs root"
    hierarchies = _hierarchies()
    if not hierarchies or not all(os.access(hierarchy, os.W_OK) for hierarchy in hierarchies):
        return "control groups cannot be made"
    tried = ["unshare", "--fork", "--pid", "--mount", "--uts", "--ipc", "--net", "--cgroup", "mount", "-t", "tmpfs"]
    done = subprocess.run([*tried, "tmpfs", "/mnt"], capture_output=True, text=True, check=False)
    return None if done.returncode == 0 else f"namespaces cannot be made: {done.stderr.strip()}"


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine that has booted; *pid* is its process 1, seen from outside."""

    pid: int

    def run(self, *words: str, stdin: str = "", code: int | None = 0) -> str:
        """Run a command in it as root, with both outputs in one; *code* is what it must exit with, if anything."""
        done = subprocess.run(
            ["nsenter", f"--target={self.pid}", "--all", "--root", "--wd", *words],
            input=stdin,
            env={"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "LANG": "C.UTF-8"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert code is None or done.returncode == code, f"{words} exited with {done.returncode}: {done.stdout}"
        return done.stdout

    def path(self, path: str) -> Path:
        """A file of it, as root sees it from outside."""
        return Path(f"/proc/{self.pid}/root{path}")

    def layer(self) -> Path:
        """Every file that was written on it, `make install` included, in the folder that it lies in."""
        return self.path("/mnt")

    def in_network(self, work: Callable[[], T]) -> T:
        """What *work* returns in a thread whose new sockets are of its network."""

        def entered() -> T:
            with Path(f"/proc/{self.pid}/ns/net").open() as file:
                if ctypes.CDLL(None, use_errno=True).setns(file.fileno(), 0):
                    raise OSError(ctypes.get_errno(), "setns")
            return work()

        with ThreadPoolExecutor(1) as thread:
            return thread.submit(entered).result()

    def property(self, name: str, unit: str = "passbackd") -> str:
        """A property of a unit, by systemd's name."""
        return self.run("systemctl", "show", "--value", f"--property={name}", unit).strip()

    def journal(self, unit: str = "passbackd", *options: str) -> str:
        self.run("journalctl", "--sync")
        return self.run("journalctl", "--quiet", "--no-pager", f"--unit={unit}", *options)

    def wait_until(self, what: str, condition: Callable[[], T]) -> T:
        """Wait until *condition* holds, and return what it returned."""
        deadline = time.monotonic() + PATIENCE
        while not (found := condition()):
            assert time.monotonic() < deadline, f"in {PATIENCE} s not: {what}\n{self.journal()[-8000:]}"
            time.sleep(0.1)
        return found


@contextmanager
def booted(folder: Path, log: Path, *, bare: bool = False) -> Iterator[Machine]:
    """A machine in the empty *folder*, *bare* without passbackd; *log* gets what installing it prints."""
    group = f"passbackd-test-{os.getpid()}"
    with log.open("wb") as output:
        process = subprocess.Popen(
            # It ends with this process, however that ends.
            ["setpriv", "--pdeathsig=KILL", "bash", BOOT, ROOT, folder, group, *(["bare"] if bare else [])],
            env={name: value for name, value in os.environ.items() if not name.startswith(_OF_THE_RUN)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield _answering(process, log)
    finally:
        process.kill()
        process.wait()
        _remove_groups(group)


def _answering(process: subprocess.Popen[bytes], log: Path) -> Machine:
    deadline = time.monotonic() + BOOT_PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        for child in psutil.Process(process.pid).children():
            with suppress(psutil.NoSuchProcess):  # one of the commands before systemd
                if child.name() != "systemd":
                    continue
                machine = Machine(child.pid)
                if not machine.run("systemctl", "is-active", "--quiet", "only.target", "dbus.socket", code=None):
                    machine.in_network(_open_loopback)
                    return machine
        time.sleep(0.1)
    raise AssertionError(f"it did not boot: {log.read_text()[-8000:]}")


def _open_loopback() -> None:
    """Start the loopback device, and give it the address of a cloud's metadata too."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, _SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", _UP))
        family = struct.pack("=H2x", socket.AF_INET)
        fcntl.ioctl(
            control, _SIOCSIFADDR, struct.pack("16s4s4s8x", b"lo:1", family, socket.inet_aton("169.254.169.254"))
        )


def _remove_groups(group: str) -> None:
    """Remove the control groups that the machine has made; those of its processes, which have ended, are empty."""
    for hierarchy in _hierarchies():
        tops = hierarchy / group
        for folder, _, _ in os.walk(tops, topdown=False) if tops.exists() else ():
            _remove_group(Path(folder))


def _remove_group(folder: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while folder.exists():
        try:
            folder.rmdir()
        except OSError:
            # Its last process is still being reaped.
            assert time.monotonic() < deadline, f"{folder} is not empty"
            time.sleep(0.05)


def _hierarchies() -> Sequence[Path]:
    mounts = (line.split() for line in Path("/proc/mounts").read_text().splitlines())
    return [Path(mount[1]) for mount in mounts if mount[2] in ("cgroup", "cgroup2")]
