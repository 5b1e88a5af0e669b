"""The CPU time of short commands, from the start of Python to the end of the process."""

import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

_COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "passbackd --version": ["-m", "daemon", "--version"],
    "passbackd --help": ["-m", "daemon", "--help"],
    "passbackd status": ["-m", "daemon", "status"],
}


def measure(rounds: int) -> dict[str, list[float]]:
    """Seconds by command, *rounds* calls of each in turn, on an SQLite database and without Redis."""
    with tempfile.TemporaryDirectory() as folder:
        settings = {
            "PASSBACKD_DATABASE__URL": f"sqlite://{folder}/startup.db",
            "PASSBACKD_REDIS__URL": "redis://127.0.0.1:1/0",
            "PYTHONPATH": str(Path(__file__).parents[1]),
        }
        environment = {**os.environ, **settings}
        _seconds(["-m", "daemon", "migrate"], folder, environment)
        figures: dict[str, list[float]] = {name: [] for name in _COMMANDS}
        for _ in range(rounds):
            for name, arguments in _COMMANDS.items():
                figures[name].append(_seconds(arguments, folder, environment))
        return figures


def _seconds(arguments: list[str], folder: str, environment: dict[str, str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *arguments], cwd=folder, env=environment, stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
