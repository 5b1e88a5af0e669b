"""Answers requests for pages: who may have them, how many at once, and what is said where there is none."""

import asyncio
import traceback
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import htpy as h
import structlog
from aiohttp import web

from daemon.pages.access import (
    RefusedError,
    Visitor,
    as_sent,
    check_origin,
    check_role,
    check_token,
    find_visitor,
    is_named_by_proxy,
    lead_to,
    own_path,
    read_form,
    receive_form,
    to_login,
)
from daemon.pages.assets import Assets
from daemon.pages.done import done_content
from daemon.pages.download import Download, Downloads
from daemon.pages.layout import Frame, Page, render_page
from daemon.pages.login import Logins, login_form
from daemon.pages.passwords import MAX_LOGINS
from daemon.pages.routes import ROUTES, Route
from daemon.pages.site import Opened, Site, Visit
from models.web_user import WebUser

log = structlog.get_logger(__name__)

#: What a browser may load and send, and who may show a page within another.
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
#: Requests that are worked on at once: those that read, those that change something, and those of strangers. They share
#: the connections to the database with what sends grades.
LOOKS, CHANGES, STRANGERS = 2, 2, 1
#: Log-ins at once: those that wait for a hash, and one that is asked to come back.
LOG_INS = MAX_LOGINS + 1
#: Files that are sent at once, besides: each may take minutes.
FILES = 1
#: Seconds that a request waits for its turn.
TURN_SECONDS = 10.0
#: Seconds that changes under way have when the daemon stops.
CLOSE_SECONDS = 10.0

_Answer = Callable[[web.Request, Opened], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Pages:
    """The pages of one daemon. *busy*: connections with a change or a file under way."""

    site: Site
    assets: Assets
    logins: Logins
    downloads: Downloads = field(default_factory=Downloads)
    busy: set[object] = field(default_factory=set)
    _looks: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(LOOKS))
    _changes: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(CHANGES))
    _files: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(FILES))
    _strangers: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(STRANGERS))
    _log_ins: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(LOG_INS))

    def add_to(self, app: web.Application) -> None:
        """Add every page to the application of the web port."""
        for route in ROUTES:
            turns = self._files if route.streams else self._looks if route.method == "GET" else self._changes
            add = app.router.add_get if route.method == "GET" else app.router.add_post
            add(route.path, self._handler(partial(self._page, route), turns, lasts=route.streams))
        app.router.add_get("/login", self._handler(self._login, self._strangers))
        app.router.add_post("/login", self._handler(self._login, self._log_ins))
        app.router.add_get("/static/{name}", self._handler(self._asset, self._strangers))

    async def close(self) -> None:
        """Begin nothing more, end files and wait for changes under way, while the database is open."""
        self.site.opened = None
        self.downloads.end()
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                for turns, number in ((self._files, FILES), (self._changes, CHANGES)):
                    for _ in range(number):
                        await turns.acquire()

    def _handler(
        self, answer: _Answer, turns: asyncio.Semaphore, *, lasts: bool = False
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """*lasts*: whether an answer may take longer than a connection lasts, as a change may."""

        async def handle(request: web.Request) -> web.StreamResponse:
            daemon = self.site.opened
            if daemon is None:
                return web.Response(status=503, text="the daemon is starting or stopping: try again in a moment\n")
            # Each in a context of its own, since a transaction changes it.
            work = self._answered(answer, turns, request, daemon, lasts=lasts or request.method == "POST")
            return await asyncio.get_running_loop().create_task(work, context=daemon.context.copy())

        return handle

    async def _answered(
        self, answer: _Answer, turns: asyncio.Semaphore, request: web.Request, daemon: Opened, *, lasts: bool
    ) -> web.StreamResponse:
        try:
            sent = as_sent(request, self.site.config.web)
            # Before it has a turn: a form that never ends would keep all others from theirs.
            await receive_form(sent)
            return await self._in_turn(turns, partial(answer, sent, daemon), sent, lasts=lasts)
        except web.HTTPException:
            raise
        except RefusedError as refused:
            await _check_there_are_users()
            return _response(_refusal(refused), Frame(request.path, self.assets.version))
        except Exception as error:  # noqa: BLE001 - a server that is away fails in more ways than its driver names
            _note(request, error)
            return web.Response(status=503, text="this page cannot be shown now: the daemon's log has more\n")

    async def _in_turn(
        self,
        turns: asyncio.Semaphore,
        answer: Callable[[], Awaitable[web.StreamResponse]],
        request: web.Request,
        *,
        lasts: bool,
    ) -> web.StreamResponse:
        try:
            async with asyncio.timeout(TURN_SECONDS):
                await turns.acquire()
        except TimeoutError:
            words = "many pages are asked for at once: try again in a moment\n"
            return web.Response(status=503, text=words, headers={"Retry-After": "5"})
        if lasts:
            self.busy.add(request.protocol)
        try:
            return await answer()
        finally:
            self.busy.discard(request.protocol)
            turns.release()

    async def _page(self, route: Route, request: web.Request, daemon: Opened) -> web.StreamResponse:
        visitor = await find_visitor(request, now=daemon.clock.now() // 1000)
        if visitor is None:
            await _check_there_are_users()
            return to_login(request)
        visit = Visit(request, self.site, daemon, visitor.user, visitor.session, {}, by_proxy=visitor.by_proxy)
        frame = Frame(request.path, self.assets.version, visitor.user.name, visit.token, logs_out=not visitor.by_proxy)
        found = await self._handled(route, visit, visitor)
        if isinstance(found, Download):
            return await self.downloads.send(request, found, partial(_note, request))
        return found if isinstance(found, web.Response) else _response(found, frame)

    async def _handled(self, route: Route, visit: Visit, visitor: Visitor) -> Page | web.Response | Download:
        request = visit.request
        try:
            if route.method == "POST":
                check_origin(request)
                visit.form.update(await read_form(request))
                check_token(visit.form, visitor)
            check_role(visitor.user.role, route.role)
            found = await route.handle(visit)
            if not isinstance(found, Page):
                return found
            return replace(found, content=(await done_content(visit), found.content))
        except RefusedError as refused:
            return _refusal(refused)
        except web.HTTPException:
            raise
        except Exception as error:  # noqa: BLE001 - as above
            _note(request, error)
            return _failure(route, error)

    async def _login(self, request: web.Request, daemon: Opened) -> web.Response:
        await _check_there_are_users()
        if is_named_by_proxy(request):
            # That web server has the log-in.
            return lead_to(own_path(request.query.get("to", "/")))
        if request.method == "POST":
            try:
                return await self.logins.log_in(request, daemon)
            except RefusedError as refused:
                return _response(await self._login_again(request, refused), Frame(request.path, self.assets.version))
        page = Page("Log in", login_form(own_path(request.query.get("to", "/"))))
        return _response(page, Frame(request.path, self.assets.version))

    async def _login_again(self, request: web.Request, refused: RefusedError) -> Page:
        form = await request.post() if refused.status in (403, 429) else {}
        wanted, name = own_path(str(form.get("to", "/"))), str(form.get("name", ""))
        return Page("Log in", login_form(wanted, name=name, trouble=refused.words), status=refused.status)

    async def _asset(self, request: web.Request, _daemon: Opened) -> web.Response:
        await _check_there_are_users()
        return self.assets.answer(request.match_info["name"])


def _refusal(refused: RefusedError) -> Page:
    title = "This page is not there" if refused.status == 404 else "This was not done"
    return Page(title, _with_way_out(refused.words), status=refused.status)


def _failure(route: Route, error: Exception) -> Page:
    more = f"({type(error).__name__}; the daemon's log has more)"
    if route.method == "GET":
        return Page("This page cannot be shown now", _with_way_out(f"It failed {more}."), status=503)
    words = f"It failed {more}, and a part of it may be done: look at the page, and at Actions, before you repeat it."
    return Page("This failed", _with_way_out(words), status=500)


def _with_way_out(words: str) -> h.Node:
    return h.p(role="alert")[words], h.p[h.a(href="/")["To the first page"]]


def _note(request: web.Request, error: Exception) -> None:
    """Where in the source it was raised. Not with the values of variables: they may be a learner's, or secret."""
    frames = traceback.extract_tb(error.__traceback__)[-4:]
    place = ", ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames)
    log.warning("a page failed", page=request.path, kind=type(error).__name__, at=place)


async def _check_there_are_users() -> None:
    """Without any there are no pages."""
    if not await WebUser.exists():
        raise web.HTTPNotFound


def _response(page: Page, frame: Frame) -> web.Response:
    # With `no-referrer` a browser sends a form of ours with `Origin: null` (Fetch, 3.1), as another site's may be.
    headers = {"Content-Security-Policy": POLICY, "Referrer-Policy": "same-origin"}
    return web.Response(text=render_page(page, frame), status=page.status, content_type="text/html", headers=headers)
