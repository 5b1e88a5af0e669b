"""A course's line items on a socket, for tests of who makes one; and a source of tokens."""

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

from models.scopes import LINEITEM_SCOPE

CONTENT = "application/vnd.ims.lis.v2.lineitemcontainer+json"


@dataclass
class Container:
    """A course's line items on a socket: *answers* come first, each instead of, or after, the right one."""

    items: list = field(default_factory=list)
    made: int = 0
    asked: list = field(default_factory=list)
    answers: list = field(default_factory=list)
    page: int = 100
    #: Set when a POST has come that is stored late, once *may_answer* is set.
    came: asyncio.Event = field(default_factory=asyncio.Event)
    #: Set when a POST has stored its line item; its answer waits for *may_answer*.
    stored: asyncio.Event = field(default_factory=asyncio.Event)
    may_answer: asyncio.Event = field(default_factory=asyncio.Event)
    url: str = ""

    def add(self, **members):
        self.items.append({"id": f"{self.url}/{len(self.items) + 1}", "label": "x", "scoreMaximum": 1} | members)

    async def answer(self, request):
        assert request.headers["Authorization"] == "Bearer a-token"
        self.asked.append((request.method, dict(request.query)))
        answer = self.answers.pop(0) if self.answers else "right"
        if isinstance(answer, int):
            return web.Response(status=answer, headers={"Retry-After": "100"} if answer == 429 else {})
        if request.method == "POST":
            if answer == "late":
                self.came.set()
                await self.may_answer.wait()
            self.add(**json.loads(await request.read()))
            self.made += 1
            self.stored.set()
            if answer == "slow":
                await self.may_answer.wait()
            if answer == "unreadable":
                return web.Response(status=201, text="<html>made</html>", content_type="text/html")
            if answer == "broken":
                return web.Response(status=502)
            return web.json_response(self.items[-1], status=201)
        wanted = {"resource_link_id": "resourceLinkId", "resource_id": "resourceId"}
        found = [
            item
            for item in self.items
            if all(item.get(wanted[name]) == value for name, value in request.query.items() if name in wanted)
        ]
        start = int(request.query.get("from", 0))
        headers = {}
        if len(found) > start + self.page:
            headers["Link"] = f'<{request.url.update_query({"from": start + self.page})}>; rel="next"'
        return web.json_response(found[start : start + self.page], headers=headers, content_type=CONTENT)


@dataclass
class OneToken:
    """Any scope gets the same token, or *error*."""

    error: Exception | None = None
    scopes: list = field(default_factory=list)
    dropped: list = field(default_factory=list)

    async def fetch(self, consumer_id, scope):
        self.scopes.append(scope.removeprefix(LINEITEM_SCOPE))
        if self.error is not None:
            raise self.error
        return "a-token"

    def drop(self, consumer_id, scope, token):
        self.dropped.append(token)

    def corrected(self, consumer_id, at):
        """Nothing to forget."""


@asynccontextmanager
async def serving(container):
    app = web.Application()
    app.router.add_route("*", "/items", container.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    container.url = f"http://127.0.0.1:{runner.addresses[0][1]}/items"
    try:
        yield container
    finally:
        container.may_answer.set()
        await runner.cleanup()
