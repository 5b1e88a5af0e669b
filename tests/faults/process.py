"""
The real daemon, which may kill or stop itself at a chosen point of its work, or live by another clock.

``python -m tests.faults.process CONFIG [--kill-at POINT | --stop-at POINT] [--armed FILE] [--clock FILE]``; the names
of the points are those of :mod:`actors.failpoints`.
"""

import argparse
import os
import signal
import time
from pathlib import Path
from typing import get_args

from actors.failpoints import Failpoint
from daemon.cli.common import load_config
from daemon.lifespan import Environment
from daemon.run import run_daemon


def main() -> None:
    """Run until SIGTERM, or until the chosen point is hit for the first time since the file *armed* is there."""
    parser = argparse.ArgumentParser(prog="tests.faults.process")
    parser.add_argument("config", type=Path)
    points = parser.add_mutually_exclusive_group()
    points.add_argument("--kill-at", choices=get_args(Failpoint))
    points.add_argument("--stop-at", choices=get_args(Failpoint))
    parser.add_argument("--armed", type=Path)
    parser.add_argument("--clock", type=Path, help="how many seconds it is ahead, which a test may change")
    options = parser.parse_args()

    def hit(here: Failpoint) -> None:
        if here in (options.kill_at, options.stop_at) and options.armed.exists():
            options.armed.unlink()
            os.kill(os.getpid(), signal.SIGSTOP if options.stop_at else signal.SIGKILL)

    def monotonic() -> float:
        return time.monotonic() + (float(options.clock.read_text()) if options.clock else 0)

    run_daemon(load_config(options.config), Environment(monotonic=monotonic, hit=hit))


if __name__ == "__main__":
    main()
