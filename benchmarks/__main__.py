"""
``make bench``: what passbackd can do, measured in rounds that alternate, of which the medians are printed.

These machines are shared: read the ratios, not the figures.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from benchmarks.campus import Campus
from benchmarks.desk import ask, beside_pruning, fill
from benchmarks.endtoend import end_to_end
from benchmarks.ground import ground
from benchmarks.raw import raw
from benchmarks.sick import PATIENCE, Plan, sick_campus

app = typer.Typer(add_completion=False)

#: What the healthy campus must keep of its throughput.
LEAST_SHARE = 0.8

Outcomes = Annotated[int, typer.Option(help="Outcomes a round.")]
Latency = Annotated[int, typer.Option(help="How long the campus takes.")]
Concurrency = Annotated[int, typer.Option(help="Requests at once to each campus.")]


@app.callback(invoke_without_command=True)
def main(
    context: typer.Context,
    outcomes: Outcomes = 1000,
    rounds: Annotated[int, typer.Option(help="Rounds of each kind.")] = 5,
    latency_ms: Latency = 50,
    concurrency: Concurrency = 64,
) -> None:
    """
    Outcomes a second, end to end, against what aiohttp and a signature alone can do in the same run.

    End to end means from XADD to the row clean and the ledger written: the real daemon as a process, PostgreSQL and
    Valkey from wheels, a campus that answers after a settable time.
    """
    if context.invoked_subcommand is not None:
        return
    raws, ends = [], []
    with ground() as servers, Campus(latency_ms) as campus:
        for _ in range(rounds):
            raws.append(asyncio.run(raw(campus.url, outcomes, concurrency)))
            ends.append(asyncio.run(end_to_end(*servers.fresh(), campus.url, outcomes, concurrency)))
    _show(
        f"campus at {latency_ms} ms, {concurrency} at once",
        "of raw",
        {"raw: aiohttp and oauthlib's Client.sign": raws, "end to end": ends},
    )


@app.command("sick-campus")
def sick(
    outcomes: Outcomes = 400,
    rounds: Annotated[int, typer.Option(help="Rounds of each kind.")] = 3,
    latency_ms: Latency = 50,
    sick_ms: Annotated[int, typer.Option(help="How long the sick campus takes.")] = 9000,
    concurrency: Concurrency = 64,
) -> None:
    """
    What a campus gets beside one that answers each request after nine seconds.

    Exits with 1 if that is less than 80 % of what it gets alone, or if a grade does not reach the sick campus after
    its recovery.
    """
    plan = Plan(outcomes, rounds, latency_ms, sick_ms, concurrency)
    with ground() as servers, Campus(latency_ms) as well, Campus(latency_ms) as ill:
        figures = asyncio.run(sick_campus(*servers.fresh(), well, ill, plan))
    share = _show(
        f"{latency_ms} ms, the sick one {sick_ms} ms, {concurrency} at once each",
        "of alone",
        {"alone": figures.alone, "beside the sick one": figures.beside},
    )
    print(f"all grades of the sick one were there {max(figures.recovered):.0f} s after its recovery, at most")
    if figures.missing:
        print(f"{figures.missing} grades did not reach the sick one within {PATIENCE:.0f} s of its recovery")
    if share < LEAST_SHARE:
        print(f"the healthy one kept less than {LEAST_SHARE:.0%} of its throughput")
    raise typer.Exit(figures.missing > 0 or share < LEAST_SHARE)


@app.command("desk")
def desk(
    outcomes: Outcomes = 1000,
    rounds: Annotated[int, typer.Option(help="Rounds of each kind.")] = 5,
    assignments: Annotated[int, typer.Option(help="Ten ledger lines each.")] = 100_000,
) -> None:
    """How quickly the help desk is answered on a large PostgreSQL, and what pruning it costs those who send."""
    with ground() as servers, Campus(50) as campus:
        place = servers.fresh()
        fill(servers, place[1], assignments)
        _show_seconds(f"{assignments:,} assignments, {10 * assignments:,} ledger lines", ask(*place, rounds))
        sending = {
            name: asyncio.run(beside_pruning(*place, campus.url, outcomes=outcomes, rounds=rounds, prune=prune))
            for name, prune in (("sending", False), ("sending while the ledger is pruned", True))
        }
    _show("what pruning costs", "of alone", sending)


def _show_seconds(title: str, rows: dict[str, list[float]]) -> None:
    table = Table(title=f"{title}, {time.strftime('%Y-%m-%d')}")
    table.add_column("what")
    table.add_column("median s", justify="right")
    table.add_column("longest s", justify="right")
    for name, figures in rows.items():
        table.add_row(name, f"{statistics.median(figures):.2f}", f"{max(figures):.2f}")
    Console().print(table)


def _show(title: str, of_first: str, rows: dict[str, list[float]]) -> float:
    """Print each round's figure and the medians; gives the last row's as a share of the first one's."""
    table = Table(title=f"{title}, {time.strftime('%Y-%m-%d')}")
    table.add_column("what")
    table.add_column("outcomes/s", justify="right")
    table.add_column("median", justify="right")
    table.add_column(of_first, justify="right")
    medians = [statistics.median(figures) for figures in rows.values()]
    for (name, figures), median in zip(rows.items(), medians, strict=True):
        rounds = " ".join(f"{figure:.0f}" for figure in figures)
        table.add_row(name, rounds, f"{median:,.0f}", f"{median / medians[0]:.2f}")
    Console().print(table)
    return medians[-1] / medians[0]


if __name__ == "__main__":
    app()
