"""Every page: its path, who may ask for it, and what answers."""

import asyncio
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import htpy as h
import structlog
from aiohttp import web

from daemon.infra.errors import describe
from daemon.pages import (
    actions,
    assignment,
    campuses,
    learners,
    overview,
    parked,
    quarantine,
    quarantine_group,
)
from daemon.pages.access import (
    RefusedError,
    check_origin,
    check_role,
    check_token,
    find_visitor,
    own_path,
    read_form,
    to_login,
)
from daemon.pages.assets import Assets
from daemon.pages.layout import Frame, Page, render_page
from daemon.pages.login import Logins, log_out, login_form
from daemon.pages.site import Opened, Site, Visit
from models.web_user import Role, WebUser

log = structlog.get_logger(__name__)

#: What a browser may load and send, and who may show a page within another.
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)


@dataclass(frozen=True, slots=True)
class Route:
    """*role*: what a user has to be at least."""

    method: str
    path: str
    role: Role
    handle: Callable[[Visit], Awaitable[Page | web.Response]]


_ASSIGNMENT, _CAMPUS = r"/assignments/{id:[0-9]{1,18}}", r"/campuses/{id:[0-9]{1,18}}"
_EVENT = r"/quarantine/{id:[0-9]{1,18}}"

ROUTES = (
    Route("GET", "/", "support", overview.show_overview),
    Route("GET", "/learners", "support", learners.show_learners),
    Route("GET", _ASSIGNMENT, "support", assignment.show_assignment),
    Route("POST", f"{_ASSIGNMENT}/resend", "support", assignment.resend_one),
    Route("POST", f"{_ASSIGNMENT}/ask", "support", assignment.ask_campus),
    Route("GET", _CAMPUS, "support", campuses.show_campus),
    Route("POST", f"{_CAMPUS}/pause", "operator", campuses.pause_it),
    Route("POST", f"{_CAMPUS}/resume", "operator", campuses.resume_it),
    Route("POST", f"{_CAMPUS}/check", "operator", campuses.try_server),
    Route("POST", f"{_CAMPUS}/secret", "operator", campuses.change_secret),
    Route("GET", "/parked", "support", parked.show_parked),
    Route("GET", "/parked/group", "support", parked.show_parked_group),
    Route("POST", "/parked/resend", "operator", parked.resend_group),
    Route("GET", "/quarantine", "support", quarantine.show_quarantine),
    Route("GET", _EVENT, "support", quarantine.show_event_page),
    Route("POST", f"{_EVENT}/replay", "operator", quarantine_group.replay_event),
    Route("POST", f"{_EVENT}/drop", "operator", quarantine_group.drop_event),
    Route("GET", "/quarantine/group", "support", quarantine_group.show_event_group),
    Route("POST", "/quarantine/replay", "operator", quarantine_group.replay_group),
    Route("POST", "/quarantine/drop", "operator", quarantine_group.drop_group),
    Route("GET", "/actions", "support", actions.show_actions),
    Route("POST", "/logout", "support", log_out),
)


@dataclass(frozen=True, slots=True)
class Pages:
    """The pages of one daemon."""

    site: Site
    assets: Assets
    logins: Logins

    def add_to(self, app: web.Application) -> None:
        """Add every page to the application of the web port."""
        for route in ROUTES:
            app.router.add_route(route.method, route.path, self._handler(self._page, route))
        app.router.add_get("/login", self._handler(self._login))
        app.router.add_post("/login", self._handler(self._login))
        app.router.add_get("/static/{name}", self._handler(self._asset))

    def _handler(
        self, answer: Callable[..., Awaitable[web.Response]], *given: Route
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handle(request: web.Request) -> web.Response:
            daemon = self.site.opened
            if daemon is None:
                return self._refused(request, RefusedError(503, "The daemon is starting: try again in a moment."))
            # Each in a context of its own, since a transaction changes it.
            work = self._guarded(answer(request, daemon, *given), request)
            return await asyncio.get_running_loop().create_task(work, context=daemon.context.copy())

        return handle

    async def _guarded(self, work: Awaitable[web.Response], request: web.Request) -> web.Response:
        try:
            return await work
        except RefusedError as refused:
            return self._refused(request, refused)
        except web.HTTPException:
            raise
        except Exception as error:  # noqa: BLE001 - a server that is away fails in more ways than its driver names
            log.warning("a page failed", page=request.path, error=error, at=_place(error))
            return self._refused(request, RefusedError(503, f"This page failed ({describe(error)}). The log has more."))

    async def _page(self, request: web.Request, daemon: Opened, route: Route) -> web.Response:
        visitor = await find_visitor(request, now=daemon.clock.now() // 1000)
        if visitor is None:
            await _check_there_are_users()
            return to_login(request)
        form: dict[str, str] = {}
        if route.method == "POST":
            check_origin(request)
            form = await read_form(request)
            check_token(form, visitor)
        check_role(visitor.user.role, route.role)
        visit = Visit(request, self.site, daemon, visitor.user, visitor.session, form)
        found = await route.handle(visit)
        if isinstance(found, web.Response):
            return found
        return _response(found, Frame(request.path, self.assets.version, visitor.user.name, visit.token))

    async def _login(self, request: web.Request, daemon: Opened) -> web.Response:
        await _check_there_are_users()
        wanted, trouble = request.query.get("to", "/"), None
        if request.method == "POST":
            try:
                return await self.logins.log_in(request, daemon)
            except RefusedError as refused:
                trouble = refused
                wanted = str((await request.post()).get("to", "/"))
        form = login_form(own_path(wanted), trouble=None if trouble is None else trouble.words)
        page = Page("Log in", form, status=200 if trouble is None else trouble.status)
        return _response(page, Frame(request.path, self.assets.version))

    async def _asset(self, request: web.Request, _daemon: Opened) -> web.Response:
        await _check_there_are_users()
        return self.assets.answer(request.match_info["name"])

    def _refused(self, request: web.Request, refused: RefusedError) -> web.Response:
        content = h.p(role="alert")[refused.words], h.p[h.a(href="/")["To the first page"]]
        page = Page("This was not done", content, status=refused.status)
        return _response(page, Frame(request.path, self.assets.version))


def _place(error: BaseException) -> str:
    """Where in the source it was raised. Not with the values of variables: they may be a learner's, or secret."""
    frames = traceback.extract_tb(error.__traceback__)
    return ", ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames[-4:])


async def _check_there_are_users() -> None:
    """Without any there are no pages."""
    if not await WebUser.exists():
        raise web.HTTPNotFound


def _response(page: Page, frame: Frame) -> web.Response:
    # With `no-referrer` a browser sends a form of ours with `Origin: null` (Fetch, 3.1), as another site's may be.
    headers = {"Content-Security-Policy": POLICY, "Referrer-Policy": "same-origin"}
    return web.Response(text=render_page(page, frame), status=page.status, content_type="text/html", headers=headers)
