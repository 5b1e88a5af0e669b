"""
The real daemon, which may kill or stop itself at a chosen point of its work, or live by another clock.

``python -m tests.faults.process CONFIG [--kill-at POINT | --stop-at POINT] [--armed FILE] [--clock FILE]``; the names
of the points are those of :mod:`actors.failpoints`.
"""

import argparse
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import get_args

from actors.failpoints import Failpoint, Reached, pass_by
from daemon.cli.common import load_config
from daemon.lifespan import Environment
from daemon.run import run_daemon


def main() -> None:
    """Run until SIGTERM, or until the chosen point is hit."""
    parser = argparse.ArgumentParser(prog="tests.faults.process")
    parser.add_argument("config", type=Path)
    points = parser.add_mutually_exclusive_group()
    points.add_argument("--kill-at", choices=get_args(Failpoint))
    points.add_argument("--stop-at", choices=get_args(Failpoint))
    parser.add_argument("--armed", type=Path)
    parser.add_argument("--clock", type=Path)
    options = parser.parse_args()
    hit = pass_by
    if options.armed is not None:
        which = signal.SIGSTOP if options.stop_at else signal.SIGKILL
        hit = signalled_at(options.stop_at or options.kill_at, which, options.armed)
    run_daemon(load_config(options.config), Environment(monotonic=clock(options.clock), reached=hit))


def signalled_at(point: Failpoint, which: signal.Signals, armed: Path) -> Reached:
    """Sends this process a signal when the point is hit for the first time since the file is there; removes it."""

    def hit(here: Failpoint) -> None:
        if here == point and armed.exists():
            armed.unlink()
            os.kill(os.getpid(), which)

    return hit


def clock(file: Path | None) -> Callable[[], float]:
    """The monotonic clock, plus as many seconds as the file says, which a test may change."""
    return time.monotonic if file is None else lambda: time.monotonic() + float(file.read_text())


if __name__ == "__main__":
    main()
