"""
Plays every failover several times, and prints the seconds until grades flow again.

``python -m tests.faults.failover [--times 20]``; the exit code is 1 unless all were quick enough.
"""

import argparse
import os
import sys
from pathlib import Path

import pytest


def main() -> None:
    """Play them one after the other, in one process."""
    parser = argparse.ArgumentParser(prog="tests.faults.failover")
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("-k", default="", help="only the failovers whose names match, as pytest has it")
    options = parser.parse_args()
    os.environ["FAILOVERS"] = str(options.times)
    file = Path(__file__).with_name("test_failover.py")
    sys.exit(pytest.main(["-q", "-s", "-p", "no:xdist", "-k", options.k, str(file)]))


if __name__ == "__main__":
    main()
