"""
Chaos on whole processes: ``python -m tests.chaos --minutes 20 [--seconds S] [--seed N] [--database KIND]``.

Rounds of ninety seconds, each on servers of its own and with platforms of other kinds. Prints the seed of each round,
which plays it again, what was done, and the history of every grade that is wrong.
"""

import argparse
import random
import sys
import time

from tests.chaos.round import play_round

#: Seconds of chaos a round.
ROUND = 90.0


def main() -> int:
    """0 if nothing was wrong."""
    parser = argparse.ArgumentParser(prog="tests.chaos", description=__doc__)
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--seconds", type=float, default=ROUND, help="of chaos a round")
    parser.add_argument("--seed", help="of the first round; without it, of chance")
    parser.add_argument("--database", choices=("postgresql", "sqlite", "both"), default="both")
    parser.add_argument("--without", nargs="*", default=(), help="ties, or names of breaks and plays")
    options = parser.parse_args()
    first = options.seed or str(random.SystemRandom().randrange(10**6))
    kinds = ("postgresql", "sqlite") if options.database == "both" else (options.database,)
    end, number, wrong = time.monotonic() + options.minutes * 60, 0, 0
    while (left := end - time.monotonic()) > 0:
        seed = first if number == 0 else f"{first}-{number}"
        outcome = play_round(kinds[number % len(kinds)], seed, min(options.seconds, left), options.without)
        for fault in outcome.faults:
            print(f"\n{fault}\n")
        print(*outcome.breaks, outcome, sep="\n", flush=True)
        number += 1
        wrong += len(outcome.faults)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
