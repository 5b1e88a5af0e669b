"""
``python -m tests.fuzz [--minutes N] [NAME ...]``: looks for counterexamples to each target for N minutes (10).

*NAME* is part of a target's name. What is found becomes a test beside the code that it broke.
"""

import argparse
import sys
import time

from hypothesis import HealthCheck, Phase, settings

from tests.fuzz.targets import TARGETS

#: Examples a round; between two rounds the clock is looked at.
ROUND = 2_000


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    chosen = [one for one in TARGETS if not options.names or any(name in one.__name__ for name in options.names)]
    return max(_look(target, options.minutes * 60) for target in chosen)


def _look(target, seconds: float) -> int:  # type: ignore[no-untyped-def]
    eager = settings(
        max_examples=ROUND,
        deadline=None,
        database=None,
        derandomize=False,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    eager(target)
    began, rounds = time.monotonic(), 0
    while time.monotonic() - began < seconds:
        try:
            target()
        except Exception as error:
            print(f"{target.__name__}: FOUND after {rounds * ROUND} examples: {error!r}")
            print("\n".join(getattr(error, "__notes__", [])))
            return 1
        rounds += 1
    print(f"{target.__name__}: nothing in {rounds * ROUND} examples, {time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
