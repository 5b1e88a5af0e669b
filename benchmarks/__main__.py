"""
``make bench``: what passbackd can do, measured in rounds that alternate, of which the medians are printed.

These machines are shared: read the ratios, not the figures.
"""

import asyncio
import statistics
import time
from collections.abc import Callable
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.table import Table

from benchmarks.campus import Campus
from benchmarks.dispatch import measure as measure_dispatch
from benchmarks.endtoend import EndToEnd
from benchmarks.growth import growth_app
from benchmarks.http_intake import http_intake_app
from benchmarks.own_trees import own_trees_app
from benchmarks.pages import pages_app
from benchmarks.raw import Writer, oauthlib_signer, our_signer, raw, signed, with_bearer
from benchmarks.report import Row, publish
from benchmarks.seed.measure import seed
from benchmarks.servers import Servers, running_servers
from benchmarks.startup import measure as measure_startup
from benchmarks.support_queries import ask, beside_pruning, fill
from benchmarks.unhealthy_campus import PATIENCE, Plan, unhealthy_campus

app = typer.Typer(add_completion=False)
app.add_typer(growth_app)
app.add_typer(own_trees_app)
app.add_typer(http_intake_app)
app.add_typer(pages_app)

#: Outcomes of a round of the seed's design, which takes ten times as long for each.
SEED_OUTCOMES = 400
#: What the healthy campus must keep of its throughput.
LEAST_SHARE = 0.8

Outcomes = Annotated[int, typer.Option(help="Outcomes a round.")]
Latency = Annotated[int, typer.Option(help="How long the campus takes.")]
Write = Annotated[bool, typer.Option("--write", help="Write the table and its plot into docs/performance.md.")]
Concurrency = Annotated[int, typer.Option(help="Requests at once to each campus.")]


@app.callback(invoke_without_command=True)
def main(
    context: typer.Context,
    outcomes: Outcomes = 5000,
    rounds: Annotated[int, typer.Option(help="Rounds of each kind.")] = 5,
    latency_ms: Latency = 50,
    concurrency: Concurrency = 256,
    write: Write = False,
) -> None:
    """
    Outcomes a second, end to end, against what aiohttp and a signature alone can do in the same run.

    End to end means from XADD to the clean row and the delivery record: the real daemon as a process, PostgreSQL and
    Valkey from wheels, a campus that answers after a settable time.
    """
    if context.invoked_subcommand is not None:
        return
    with running_servers() as servers, Campus(latency_ms) as campus:
        rows = _throughput(servers, campus, outcomes, rounds, concurrency)
    title = f"Outcomes a second, campus at {latency_ms} ms, {concurrency} at once"
    publish(f"throughput-{concurrency}", title, rows, unit="outcomes/s", of="of raw", write=write)


def _throughput(servers: Servers, campus: Campus, outcomes: int, rounds: int, concurrency: int) -> list[Row]:
    folder, _, redis_url = servers.fresh()
    postgres = EndToEnd(servers.fresh(), campus, outcomes, concurrency)
    sqlite = EndToEnd((folder, f"sqlite:///{folder}/bench.db", redis_url), campus, outcomes, concurrency)
    stock = EndToEnd(servers.fresh(), campus, outcomes, concurrency, "benchmarks.stock")

    def of_raw(write: Writer) -> float:
        return asyncio.run(raw(campus.url, outcomes, concurrency, write))

    def of_seed(pool: Literal["prefork", "threads"], number: int, *, tuned: bool = False) -> float:
        return asyncio.run(seed(*servers.fresh(), campus.url, SEED_OUTCOMES, pool, number, tuned=tuned))

    measured: dict[str, Callable[[], float]] = {
        "raw: aiohttp and oauthlib's Client.sign": lambda: of_raw(signed(oauthlib_signer)),
        "raw with our signer": lambda: of_raw(signed(our_signer)),
        "passbackd on PostgreSQL": lambda: asyncio.run(postgres.round()),
        "passbackd on SQLite": lambda: asyncio.run(sqlite.round()),
        "stock: Dramatiq's own threads": lambda: asyncio.run(stock.round()),
        "the seed's design, prefork 16": lambda: of_seed("prefork", 16),
        "the seed's design, prefork 32": lambda: of_seed("prefork", 32),
        "the seed's design, threads 64": lambda: of_seed("threads", 64),
        "the same, prefork 16, connections kept": lambda: of_seed("prefork", 16, tuned=True),
    }
    return _in_turn(measured, rounds)


def _in_turn(measured: dict[str, Callable[[], float]], rounds: int) -> list[Row]:
    figures: dict[str, list[float]] = {name: [] for name in measured}
    for _ in range(rounds):
        for name, measure in measured.items():
            figures[name].append(measure())
    return [Row(name, found) for name, found in figures.items()]


@app.command("ags")
def ags(
    outcomes: Outcomes = 5000,
    rounds: Annotated[int, typer.Option(help="Rounds of each kind.")] = 5,
    latency_ms: Latency = 50,
    concurrency: Concurrency = 256,
    write: Write = False,
) -> None:
    """Outcomes a second over LTI 1.3, end to end, against what aiohttp can do with an access token at hand."""
    with running_servers() as servers, Campus(latency_ms, "lti-1.3") as campus:
        folder, _, redis_url = servers.fresh()
        postgres = EndToEnd(servers.fresh(), campus, outcomes, concurrency)
        sqlite = EndToEnd((folder, f"sqlite:///{folder}/bench.db", redis_url), campus, outcomes, concurrency)
        measured: dict[str, Callable[[], float]] = {
            "raw: aiohttp and a bearer token": lambda: asyncio.run(raw(campus.url, outcomes, concurrency, with_bearer)),
            "passbackd on PostgreSQL": lambda: asyncio.run(postgres.round()),
            "passbackd on SQLite": lambda: asyncio.run(sqlite.round()),
        }
        rows = _in_turn(measured, rounds)
    title = f"Outcomes a second over LTI 1.3, platform at {latency_ms} ms, {concurrency} at once"
    publish(f"ags-{concurrency}", title, rows, unit="outcomes/s", of="of raw", write=write)


@app.command("unhealthy-campus")
def unhealthy(
    outcomes: Outcomes = 400,
    rounds: Annotated[int, typer.Option(help="Rounds of each kind.")] = 3,
    latency_ms: Latency = 50,
    slow_ms: Annotated[int, typer.Option(help="How long the unhealthy campus takes.")] = 9000,
    concurrency: Concurrency = 64,
) -> None:
    """
    What a campus gets beside one that answers each request after nine seconds.

    Exits with 1 if that is less than 80 % of what it gets alone, or if a grade does not reach the unhealthy campus
    after its recovery.
    """
    plan = Plan(outcomes, rounds, latency_ms, slow_ms, concurrency)
    with running_servers() as servers, Campus(latency_ms) as healthy, Campus(latency_ms) as other:
        figures = asyncio.run(unhealthy_campus(*servers.fresh(), healthy, other, plan))
    share = _show(
        f"{latency_ms} ms, the unhealthy one {slow_ms} ms, {concurrency} at once each",
        "of alone",
        {"alone": figures.alone, "beside the unhealthy one": figures.beside},
    )
    print(f"all grades of the unhealthy one were there {max(figures.recovered):.0f} s after its recovery, at most")
    if figures.missing:
        print(f"{figures.missing} grades did not reach the unhealthy one within {PATIENCE:.0f} s of its recovery")
    if share < LEAST_SHARE:
        print(f"the healthy one kept less than {LEAST_SHARE:.0%} of its throughput")
    raise typer.Exit(figures.missing > 0 or share < LEAST_SHARE)


@app.command("dispatch")
def dispatch(
    due: Annotated[int, typer.Option(help="Due assignments.")] = 100_000,
    campuses: Annotated[int, typer.Option(help="Campuses that they are at.")] = 100,
    rounds: Annotated[int, typer.Option(help="Rounds of each kind.")] = 5,
) -> None:
    """How long one round of the dispatcher's questions takes while many assignments are due."""
    with running_servers() as servers:
        folder, postgres, _ = servers.fresh()
        figures = measure_dispatch(folder, postgres, due=due, campuses=campuses, number=rounds)
    table = Table(title=f"A round of the dispatcher, {due:,} due at {campuses:,} campuses, {time.strftime('%Y-%m-%d')}")
    for column in ("database", "ms", "median ms"):
        table.add_column(column, justify="left" if column == "database" else "right")
    for name, took in figures.items():
        table.add_row(name, " ".join(f"{one:.1f}" for one in took), f"{statistics.median(took):.1f}")
    Console().print(table)


@app.command("support-queries")
def support_queries(
    outcomes: Outcomes = 1000,
    rounds: Annotated[int, typer.Option(help="Rounds of each kind.")] = 5,
    assignments: Annotated[int, typer.Option(help="Ten delivery records each.")] = 100_000,
) -> None:
    """How quickly support questions are answered on a large PostgreSQL, and what pruning costs the daemons."""
    with running_servers() as servers, Campus(50) as campus:
        place = servers.fresh()
        fill(servers, place[1], assignments)
        _show_seconds(f"{assignments:,} assignments, {10 * assignments:,} delivery records", ask(*place, rounds))
        sending = {
            name: asyncio.run(beside_pruning(*place, campus.url, outcomes=outcomes, rounds=rounds, prune=prune))
            for name, prune in (("sending", False), ("sending beside pruning", True))
        }
    _show("what pruning costs", "of alone", sending)


@app.command("startup")
def startup(rounds: Annotated[int, typer.Option(help="Calls of each command.")] = 9) -> None:
    """How much CPU time short commands take, and how many times that of a Python that does nothing."""
    _show_seconds("CPU time", measure_startup(rounds), of_first="times the first")


def _show_seconds(title: str, rows: dict[str, list[float]], *, of_first: str = "") -> None:
    """*of_first*: the heading of the medians as multiples of the first one's, if they are wanted."""
    table = Table(title=f"{title}, {time.strftime('%Y-%m-%d')}")
    table.add_column("what")
    table.add_column("median s", justify="right")
    table.add_column("longest s", justify="right")
    if of_first:
        table.add_column(of_first, justify="right")
    medians = {name: statistics.median(figures) for name, figures in rows.items()}
    (first, *_) = medians.values()
    for name, figures in rows.items():
        ratio = [f"{medians[name] / first:.1f}"] if of_first else []
        table.add_row(name, f"{medians[name]:.2f}", f"{max(figures):.2f}", *ratio)
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
