"""
Events a second over HTTP at 64 connections: the intake within a daemon that applies them, alone, and an aiohttp handler
that does nothing but read JSON.

``python -m benchmarks.http_intake raw|alone PORT REDIS`` is the server of the last two.
"""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import count
from typing import Annotated

import typer
import uvloop
from aiohttp import web

from actors.metrics import Metrics
from benchmarks.daemon import running_daemon
from benchmarks.report import Row, publish
from benchmarks.servers import Servers, running_servers
from daemon.config.intake_tokens import IntakeToken
from daemon.http_intake.application import CONNECTION_SECONDS, MAX_CONNECTIONS, HttpIntake
from daemon.http_intake.publisher import Publisher
from daemon.infra.http_server import http_server
from daemon.infra.redis import redis_client
from daemon.ingest.stream import Stream
from models.db.clock import Clock
from tests.servers import Port

TOKEN = "a-token-of-the-benchmark"
CONNECTIONS, BODIES = 64, 200
_ROUTE = "course-v1:Example+Physics+2026", "block-v1:Example+Physics+2026+type@problem+block@"

http_intake_app = typer.Typer()


@http_intake_app.command("http-intake")
def http_intake(
    seconds: Annotated[float, typer.Option(help="Seconds a round.")] = 5,
    rounds: Annotated[int, typer.Option(help="Rounds of each kind.")] = 3,
    write: Annotated[bool, typer.Option("--write", help="Write the tables into docs/performance.md.")] = False,
) -> None:
    """Events a second over HTTP at 64 connections, singly and in batches of 100, against raw aiohttp."""
    with running_servers() as servers:
        for batch in (1, 100):
            figures = asyncio.run(_measure(servers, batch, seconds, rounds))
            rows = [Row(name, values) for name, values in figures.items()]
            title = f"Events a second over HTTP, {batch} a request, {CONNECTIONS} connections"
            publish(f"http-intake-{batch}", title, rows, unit="events/s", of="of raw", write=write)


async def _measure(servers: Servers, batch: int, seconds: float, rounds: int) -> dict[str, list[float]]:
    figures: dict[str, list[float]] = {
        "raw: aiohttp reads JSON and answers": [],
        "the intake alone": [],
        "within a daemon that applies them": [],
    }
    for _ in range(rounds):
        for kind, values in zip(("raw", "alone", "daemon"), figures.values(), strict=True):
            port = Port()
            try:
                async with _serving(servers, kind, port.number):
                    values.append(await _load(port.number, _bodies(batch), batch, seconds))
            finally:
                port.close()
    return figures


@asynccontextmanager
async def _serving(servers: Servers, kind: str, port: int) -> AsyncIterator[None]:
    folder, postgres, redis_url = servers.fresh()
    if kind == "daemon":
        async with running_daemon(folder, postgres, redis_url, concurrency=4, intake=(port, TOKEN)):
            await _until_taken(port)
            yield
        return
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.http_intake", kind, str(port), redis_url
    )
    try:
        await _until_taken(port)
        yield
    finally:
        process.terminate()
        await process.wait()


def _bodies(batch: int) -> list[bytes]:
    number = count()

    def event() -> dict[str, object]:
        course, block = _ROUTE
        one = next(number)
        return {
            "type": "score.changed",
            "user_id": str(one % 5000),
            "course_id": course,
            "usage_id": f"{block}{one % 97:032d}",
            "points_earned": one % 11,
            "points_possible": 10,
            "modified": f"2026-03-02T09:{one % 60:02d}:00.123456+00:00",
        }

    return [json.dumps([event() for _ in range(batch)] if batch > 1 else event()).encode() for _ in range(BODIES)]


async def _until_taken(port: int) -> None:
    while True:
        try:
            if await _load(port, _bodies(1)[:1], 1, 0.01, connections=1):
                return
        except OSError:
            pass
        await asyncio.sleep(0.2)


async def _load(
    port: int, bodies: Sequence[bytes], batch: int, seconds: float, *, connections: int = CONNECTIONS
) -> float:
    """Events a second that were answered 202. Not aiohttp's client, which takes longer than what is measured."""
    head = (
        f"POST /events HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {TOKEN}\r\n"
        "Content-Type: application/json\r\nContent-Length: "
    ).encode()
    requests = [head + str(len(body)).encode() + b"\r\n\r\n" + body for body in bodies]
    began = time.monotonic()
    taken = 0

    async def send(first: int) -> None:
        nonlocal taken
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for number in count(first):
            writer.write(requests[number % len(requests)])
            answer = await reader.readuntil(b"\r\n\r\n")
            length = answer.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
            await reader.readexactly(int(length))
            taken += batch * answer.startswith(b"HTTP/1.1 202")
            if time.monotonic() - began > seconds:
                break
        writer.close()
        await writer.wait_closed()

    await asyncio.gather(*map(send, range(connections)))
    return taken / (time.monotonic() - began)


class _MachineClock(Clock):
    def now(self) -> int:
        return int(time.time() * 1000)


async def _no_platform(_issuer: str, _client_id: str) -> None:
    """No token is limited here."""


async def _serve(kind: str, port: int, redis_url: str) -> None:
    async with redis_client(redis_url) as client:
        intake = HttpIntake(
            Publisher(Stream(client, "passback:events")),
            _MachineClock(),
            Metrics("0"),
            _no_platform,
            lag=lambda: 0,
            trouble=lambda: None,
            tokens=[IntakeToken(TOKEN)],
        )
        pages = intake.answer if kind == "alone" else _raw()
        async with http_server(pages, "127.0.0.1", port, lifetime=CONNECTION_SECONDS, most=MAX_CONNECTIONS):
            await asyncio.Event().wait()


def _raw() -> web.Application:
    async def post(request: web.Request) -> web.Response:
        found = json.loads(await request.read())
        return web.json_response({"accepted": len(found)}, status=202)

    app = web.Application(client_max_size=2**23)
    app.router.add_post("/events", post)
    return app


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
