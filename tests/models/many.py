"""
``python -m tests.models.many [--runs N] [--seed N] [--shrink] [NAME ...]``: plays many random runs of the models.

*NAME* is ``life``, ``world`` or ``platforms``, and ``sqlite`` or ``postgresql``; without them all. Each seed is good
for a few runs, the same ones each time. Ends with the first that fails: its seed, its steps and the error; with
``--shrink`` the shortest steps that Hypothesis finds.
"""

import argparse
import asyncio
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from hypothesis import Phase, settings

from models.db.migrate import migrate
from tests.models.platform_machine import PlatformMachine
from tests.models.state_machine_runner import play
from tests.models.test_life import LifeMachine
from tests.models.test_world import WorldMachine
from tests.postgres import PostgresServer, postgres_binaries
from tests.servers import run_folder

#: Runs that one seed is good for.
RUNS = 40
#: The machine, and how many steps a run has.
MODELS = {"life": (LifeMachine, 30), "world": (WorldMachine, 25), "platforms": (PlatformMachine, 25)}
DATABASES = ("sqlite", "postgresql")


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--shrink", action="store_true")
    parser.add_argument("names", nargs="*", choices=[*MODELS, *DATABASES, []])
    options = parser.parse_args()
    phases = (Phase.generate, Phase.shrink) if options.shrink else (Phase.generate,)
    settings.register_profile("many", phases=phases, report_multiple_bugs=False)
    settings.load_profile("many")
    seeds = range(options.seed, options.seed + max(1, options.runs // RUNS))
    for database in [name for name in DATABASES if name in options.names or not set(DATABASES) & set(options.names)]:
        for model in [name for name in MODELS if name in options.names or not set(MODELS) & set(options.names)]:
            if not _play(model, database, seeds):
                return 1
    return 0


def _play(model: str, database: str, seeds: range) -> bool:
    """Whether no run failed."""
    machine, length = MODELS[model]
    began, steps = time.monotonic(), 0
    with run_folder() as folder, _database(database, folder) as url:
        asyncio.run(migrate(url))
        for number in seeds:
            try:
                steps += play(machine, url, number=number, runs=RUNS, steps=length)
            except Exception as error:
                traceback.print_exc()
                print("\n".join(getattr(error, "__notes__", [])))
                print(f"{model} on {database}: FAILED with --seed {number}")
                return False
    took = time.monotonic() - began
    runs = f"seeds {seeds[0]} to {seeds[-1]}, {len(seeds) * RUNS} runs, {steps} steps"
    if machine is PlatformMachine:
        runs += f", {PlatformMachine.most_posts} requests at most for one version"
    print(f"{model} on {database}: no fault in {runs}, {took:.0f} s", flush=True)
    return True


@contextmanager
def _database(kind: str, folder: Path) -> Iterator[str]:
    if kind == "sqlite":
        yield f"sqlite://{folder / 'models.db'}"
        return
    with closing(PostgresServer(folder / "postgresql", postgres_binaries())) as server:
        yield server.create_database()


if __name__ == "__main__":
    sys.exit(main())
