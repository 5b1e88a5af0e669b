"""
The real daemon, which may kill or stop itself at a chosen point of its work, or live by another clock.

``python -m tests.faults.process CONFIG [--kill-at POINT:N | --stop-at POINT:N] [--once FILE] [--clock-offset SECONDS]
[--clock-file FILE]``; the names of the points are those of :mod:`actors.failpoints`.
"""

import argparse
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import get_args

from actors.failpoints import Checkpoint, Reached, pass_by
from daemon.cli.common import load_config
from daemon.lifespan import Environment
from daemon.run import run_daemon


def main() -> None:
    """Run until SIGTERM, or until the chosen point is hit."""
    options = _parser().parse_args()
    config = load_config(options.config)
    hit = pass_by
    for point, which in ((options.kill_at, signal.SIGKILL), (options.stop_at, signal.SIGSTOP)):
        if point is not None:
            hit = signalled_at(*point, which, options.once)
    run_daemon(config, Environment(monotonic=clock(options.clock_offset, options.clock_file), reached=hit))


def signalled_at(point: Checkpoint, number: int, which: signal.Signals, once: Path | None) -> Reached:
    """Sends this process a signal when the point is hit for the *number*-th time since *once* is there."""
    left = number

    def hit(here: Checkpoint) -> None:
        nonlocal left
        if here == point and (once is None or once.exists()):
            left -= 1
            if left == 0:
                os.kill(os.getpid(), which)

    return hit


def clock(offset: float, file: Path | None) -> Callable[[], float]:
    """The monotonic clock plus seconds: *offset*, and the number in *file*, which a test may change."""
    if file is None:
        return lambda: time.monotonic() + offset
    return lambda: time.monotonic() + offset + float(file.read_text())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tests.faults.process")
    parser.add_argument("config", type=Path)
    points = parser.add_mutually_exclusive_group()
    points.add_argument("--kill-at", type=_point)
    points.add_argument("--stop-at", type=_point)
    parser.add_argument("--once", type=Path)
    parser.add_argument("--clock-offset", type=float, default=0.0)
    parser.add_argument("--clock-file", type=Path)
    return parser


def _point(text: str) -> tuple[Checkpoint, int]:
    name, _, number = text.rpartition(":")
    if name not in get_args(Checkpoint) or not number.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not one of {get_args(Checkpoint)}, a colon and a number")
    return name, int(number)


if __name__ == "__main__":
    main()
