"""
The learning platform's process.

``python -m benchmarks.seed CAMPUS LEARNERS`` makes the tables, says that it is ready, and then for each line
``EARNED NUMBER`` of its input announces the scores of so many learners.
"""

from __future__ import annotations

import sys

import django
from django.core.management import call_command


def main(campus: str, learners: int) -> None:
    """Until the input ends."""
    django.setup()
    from benchmarks.seed.platform import announce, register  # noqa: PLC0415 - models exist once Django is set up

    call_command("migrate", run_syncdb=True, verbosity=0)
    register(campus, learners)
    print("ready", flush=True)
    for line in sys.stdin:
        earned, number = line.split()
        announce(float(earned), int(number))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
