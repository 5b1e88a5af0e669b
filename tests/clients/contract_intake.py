"""The HTTP intake as passbackd promises it, on a real Redis, and with the code by which passbackd reads events."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from secrets import compare_digest

import redis.asyncio
from aiohttp import web

from daemon.ingest.events import BadEvent
from daemon.ingest.lines import event_fields, read_document
from daemon.ingest.parse import read_event
from tests.clients.http_servers import served

TOKEN = "a-token-of-the-tests"
MAX_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True)
class Intake:
    url: str
    token: str


@contextmanager
def running_intake(redis_url: str, stream: str) -> Iterator[Intake]:
    """An intake in front of that stream."""

    async def events(request: web.Request) -> web.Response:
        if not compare_digest(request.headers.get("Authorization", ""), f"Bearer {TOKEN}"):
            return web.json_response({"error": "the token is unknown"}, status=401)
        body = await request.read()
        if len(body) > MAX_BYTES:
            return web.json_response({"error": "too large"}, status=413)
        assert (request.method, request.path) == ("POST", "/events")
        found, errors = _read(body)
        if errors:
            return web.json_response({"errors": errors}, status=422)
        async with redis.asyncio.Redis.from_url(redis_url, decode_responses=True) as client:
            pipeline = client.pipeline()
            for fields in found:
                pipeline.xadd(stream, fields)
            ids = await pipeline.execute()
        return web.json_response({"accepted": len(ids), "ids": ids}, status=202)

    with served(events) as url:
        yield Intake(url, TOKEN)


def _read(body: bytes) -> tuple[list[dict[str, str]], list[dict[str, object]]]:
    found, errors, now = [], [], int(time.time() * 1000)
    for line, text in enumerate(body.split(b"\n"), start=1):
        try:
            fields = event_fields(read_document(text))
            read_event(f"{now}-0", {name.encode(): value.encode() for name, value in fields.items()}, now=now)
        except BadEvent as error:
            errors.append({"line": line, "field": error.field, "reason": str(error)})
        else:
            found.append(fields)
    return found, errors
