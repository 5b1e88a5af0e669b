"""
``make bench``: outcomes a second, end to end, against what aiohttp and a signature alone can do in the same run.

End to end means from ``XADD`` to the row clean and the ledger written: the real daemon as a process, PostgreSQL and
Valkey from wheels, a campus that answers after a settable time. Rounds alternate; the medians and their ratio are
printed. These machines are shared: read the ratio, not the figures.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from benchmarks.campus import Campus
from benchmarks.endtoend import end_to_end
from benchmarks.raw import raw
from tests import servers


def main(
    outcomes: Annotated[int, typer.Option(help="Outcomes a round.")] = 1000,
    rounds: Annotated[int, typer.Option(help="Rounds of each kind.")] = 5,
    latency_ms: Annotated[int, typer.Option(help="How long the campus takes.")] = 50,
    concurrency: Annotated[int, typer.Option(help="Requests at once.")] = 64,
) -> None:
    """Measure and print."""
    raws, ends = [], []
    with tempfile.TemporaryDirectory() as folder, servers.run_folder() as run:
        postgres = servers.PostgresServer(run / "postgresql", servers.postgres_binaries())
        valkey = servers.RedisServer(run / "valkey", servers.valkey_binary())
        try:
            postgres.start()
            valkey.start()
            with Campus(latency_ms) as campus:
                for number in range(rounds):
                    raws.append(asyncio.run(raw(campus.url, outcomes, concurrency)))
                    database, redis_url = postgres.create_database(), valkey.fresh_url()
                    work = Path(folder) / str(number)
                    work.mkdir()
                    ends.append(asyncio.run(end_to_end(work, database, redis_url, campus.url, outcomes, concurrency)))
        finally:
            valkey.close()
            postgres.close()
    _show(raws, ends, latency_ms, concurrency)


def _show(raws: list[float], ends: list[float], latency_ms: int, concurrency: int) -> None:
    table = Table(title=f"campus at {latency_ms} ms, {concurrency} at once, {time.strftime('%Y-%m-%d')}")
    table.add_column("what")
    table.add_column("outcomes/s (median)", justify="right")
    table.add_column("of raw", justify="right")
    reference = statistics.median(raws)
    for name, figures in (("raw: aiohttp and oauthlib's Client.sign", raws), ("end to end", ends)):
        median = statistics.median(figures)
        table.add_row(name, f"{median:,.0f}", f"{median / reference:.2f}")
    Console().print(table)


if __name__ == "__main__":
    typer.run(main)
