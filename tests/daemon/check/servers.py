"""Campuses that are merely probed: they note what they were asked, and send whatever time a test sets."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from aiohttp import web

HOST = "127.0.0.1"


@dataclass
class RootPage:
    """*asked*: method and path of each request. *hours*: how far its clock is ahead."""

    hours: float = 0.0
    status: int = 302
    asked: list[tuple[str, str]] = field(default_factory=list)
    origin: str = ""

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append((request.method, request.raw_path))
        moment = datetime.now(UTC) + timedelta(hours=self.hours)
        headers = {"Date": format_datetime(moment, usegmt=True), "Location": f"{self.origin}/login"}
        return web.Response(status=self.status, headers=headers)


@asynccontextmanager
async def root_page(page: RootPage | None = None, tls: ssl.SSLContext | None = None) -> AsyncIterator[RootPage]:
    """Serve within this context."""
    page = page or RootPage()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", page.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, HOST, 0, ssl_context=tls).start()
        page.origin = f"{'https' if tls else 'http'}://{HOST}:{runner.addresses[0][1]}"
        yield page
    finally:
        await runner.cleanup()
