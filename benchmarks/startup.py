"""The CPU time of short commands, from the start of Python to the end of the process."""

import asyncio
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.dispatch import fill
from models.db.database import open_database
from models.db.migrate import migrate

#: What the database holds: due grades, and campuses.
DUE, CAMPUSES = 1_000, 20
_COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "passbackd --version": ["-m", "daemon", "--version"],
    "passbackd --help": ["-m", "daemon", "--help"],
    "passbackd status": ["-m", "daemon", "status"],
    "passbackd parked": ["-m", "daemon", "parked"],
}


def measure(rounds: int) -> dict[str, list[float]]:
    """Seconds by command, *rounds* calls of each in turn, on an SQLite database with grades and without Redis."""
    with tempfile.TemporaryDirectory() as folder:
        settings = {
            "PASSBACKD_DATABASE__URL": f"sqlite://{folder}/startup.db",
            "PASSBACKD_REDIS__URL": "redis://127.0.0.1:1/0",
            "PYTHONPATH": str(Path(__file__).parents[1]),
        }
        environment = {**os.environ, **settings}
        asyncio.run(_make(f"sqlite://{folder}/startup.db"))
        for arguments in _COMMANDS.values():
            _seconds(arguments, folder, environment)  # what is compiled once stays
        figures: dict[str, list[float]] = {name: [] for name in _COMMANDS}
        for _ in range(rounds):
            for name, arguments in _COMMANDS.items():
                figures[name].append(_seconds(arguments, folder, environment))
        return figures


async def _make(url: str) -> None:
    await migrate(url)
    async with open_database(url):
        await fill(DUE, CAMPUSES)


def _seconds(arguments: list[str], folder: str, environment: dict[str, str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *arguments], cwd=folder, env=environment, stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
