"""A campus stub in a process of its own: stores whatever it is sent, after a time that can be set while it runs."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Self

from aiohttp import web

if TYPE_CHECKING:
    from types import TracebackType

    import aiohttp

_SUCCESS = (
    b"<imsx_POXEnvelopeResponse><imsx_POXHeader><imsx_POXResponseHeaderInfo><imsx_statusInfo>"
    b"<imsx_codeMajor>success</imsx_codeMajor></imsx_statusInfo></imsx_POXResponseHeaderInfo></imsx_POXHeader>"
    b"</imsx_POXEnvelopeResponse>"
)
_GRADE = re.compile(rb"<sourcedId>(.*?)</sourcedId>.*<textString>(.*?)</textString>", re.DOTALL)


class Campus:
    """Runs while the context is open; *url* is its outcome service."""

    def __init__(self, latency_ms: int) -> None:
        self._command = [sys.executable, "-m", "benchmarks.campus", str(latency_ms)]
        self.url = ""

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
            await asyncio.sleep(0.02)


async def look(web: aiohttp.ClientSession, url: str) -> tuple[int, int]:
    """As :meth:`Campus.look`, for those who know only its URL."""
    async with web.get(url) as reply:
        came, stored = (await reply.text()).split()
        return int(came), int(stored)


class _Stub:
    def __init__(self, latency_ms: int) -> None:
        self._latency = latency_ms / 1000
        self._status = 200
        self._came = 0
        self._stored: set[tuple[bytes, ...]] = set()

    async def store(self, request: web.Request) -> web.Response:
        self._came += 1
        body = await request.read()
        await asyncio.sleep(self._latency)
        if self._status != 200:
            return web.Response(status=self._status)
        if (grade := _GRADE.search(body)) is not None:
            self._stored.add(grade.groups())
        return web.Response(body=_SUCCESS, content_type="application/xml")

    async def take(self, request: web.Request) -> web.Response:
        latency_ms, self._status = map(int, (await request.text()).split())
        self._latency = latency_ms / 1000
        return web.Response()

    async def look(self, _request: web.Request) -> web.Response:
        return web.Response(text=f"{self._came} {len(self._stored)}")


async def serve(latency_ms: int) -> None:
    """Until the process ends."""
    stub = _Stub(latency_ms)
    app = web.Application()
    app.add_routes([web.post("/grades", stub.store), web.put("/grades", stub.take), web.get("/grades", stub.look)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(f"http://127.0.0.1:{runner.addresses[0][1]}/grades", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
