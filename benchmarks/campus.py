"""A campus in a process of its own: it takes whatever it is sent, after a time that can be set while it runs."""

import asyncio
import json
import subprocess
import sys
from types import TracebackType
from typing import Self

import aiohttp
import uvloop
from aiohttp import web
from yarl import URL

from daemon.demo.lms.answer import Answer
from daemon.demo.lms.request import RequestRecord
from daemon.demo.lms.server import Lms


class Campus:
    """
    Runs while the context is open; *url* is its outcome service, or its line item.

    Args:
        protocol: ``lti-1.1`` or ``lti-1.3``.
    """

    def __init__(self, latency_ms: int, protocol: str = "lti-1.1") -> None:
        self._command = [sys.executable, "-m", "benchmarks.campus", str(latency_ms), protocol]
        self.protocol = protocol
        self.url = ""

    @property
    def origin(self) -> str:
        return str(URL(self.url).origin())

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(self._command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().strip()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait()

    async def take(self, web: aiohttp.ClientSession, latency_ms: int, status: int = 200) -> None:
        """Take so long from now on, and answer with that status; what has come keeps the time that held then."""
        async with web.put(self.url, data=f"{latency_ms} {status}") as reply:
            reply.raise_for_status()

    async def look(self, web: aiohttp.ClientSession) -> tuple[int, int]:
        """How many requests have come, and how many different grades were stored."""
        return await look(web, self.url)

    async def until_stored(self, web: aiohttp.ClientSession, number: int) -> None:
        """Until so many different grades were stored."""
        while (await self.look(web))[1] < number:
            await asyncio.sleep(0.05)


async def look(web: aiohttp.ClientSession, url: str) -> tuple[int, int]:
    """As :meth:`Campus.look`, for those who know only its URL."""
    async with web.get(url) as reply:
        came, stored = (await reply.text()).split()
        return int(came), int(stored)


class _CountingLms(Lms):
    """Verifies nothing, keeps no request, and counts: a benchmark sends more than memory holds."""

    def __init__(self, latency_ms: int) -> None:
        super().__init__()
        self._came = 0
        self._stored: set[tuple[str | None, str | None]] = set()
        self._set(latency_ms, 200)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.method == "PUT":
            self._set(*map(int, (await request.text()).split()))
            return web.Response()
        if request.method == "GET":
            return web.Response(text=f"{self._came} {len(self._stored)}")
        return await super().handle(request)

    def _set(self, latency_ms: int, status: int) -> None:
        good = status == 200
        self._answer = Answer(latency_ms / 1000, status, body=None if good else b"", apply=good)

    def decide(self, record: RequestRecord) -> Answer:  # noqa: ARG002 - whatever it is
        self._came += 1
        self.requests.clear()
        return self._answer

    def store(self, record: RequestRecord) -> None:
        self._stored.add((record.sourcedid, record.score))


class _CountingPlatform(_CountingLms):
    """The same over LTI 1.3: a path that ends in ``/token`` gives an access token to every client."""

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.method != "POST":
            return await super().handle(request)
        body, answer = await request.read(), self._answer
        await asyncio.sleep(answer.latency)
        if request.path.endswith("/token"):
            return web.json_response({"access_token": "token", "token_type": "Bearer", "expires_in": 3600})
        self._came += 1
        if answer.apply:
            score = json.loads(body, parse_float=str, parse_int=str)
            self._stored.add((score["userId"], score["scoreGiven"]))
        return web.Response(status=answer.status)


async def serve(latency_ms: int, protocol: str) -> None:
    """Until the process ends."""
    kind = _CountingPlatform if protocol == "lti-1.3" else _CountingLms
    async with kind(latency_ms) as lms:
        print(lms.url("/grades"), flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), sys.argv[2]))
