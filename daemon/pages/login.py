"""Logging in and out."""

from collections.abc import Mapping
from dataclasses import dataclass

import htpy as h
import structlog
from aiohttp import web
from htpy import Node

from daemon.pages.access import RefusedError, begin_session, check_origin, forget_session, lead_to, own_path, read_form
from daemon.pages.login_limit import LoginLimit, source
from daemon.pages.passwords import BusyError, PasswordVerifier
from daemon.pages.site import Opened, Visit
from models.web_user import MAX_USER_NAME, WebUser, end_sessions, renew_hash

log = structlog.get_logger(__name__)


def login_form(wanted: str, *, name: str = "", trouble: str | None = None) -> Node:
    """The form. *wanted*: the path to which it leads. *trouble*: why the last try did not succeed. Pure."""
    return h.form(method="post", action="/login")[
        trouble and h.p(".alarm", role="alert")[trouble],
        h.input(type="hidden", name="to", value=wanted),
        h.label(for_="name")["Name"],
        h.input("#name", name="name", value=name, autocomplete="username", required=True, maxlength=MAX_USER_NAME),
        h.label(for_="password")["Password"],
        h.input("#password", type="password", name="password", autocomplete="current-password", required=True),
        h.button(type="submit")["Log in"],
    ]


@dataclass(slots=True)
class Logins:
    """Compares passwords, no more often than is allowed."""

    limit: LoginLimit
    verifier: PasswordVerifier

    async def log_in(self, request: web.Request, daemon: Opened) -> web.Response:
        """
        Lead a user whose password is right to the page that was wanted.

        Raises:
            RefusedError: The password is not right, or may not be tried now.
        """
        check_origin(request)
        form, address = await read_form(request), source(request.remote)
        wait = self.limit.seconds_to_wait(address)
        if wait:
            raise RefusedError(429, f"Too many passwords were wrong: try again in {wait + 1:.0f} seconds.")
        # Before it is compared, so that several at once count one by one.
        self.limit.failed(address)
        try:
            user = await self._user(form, address)
        except Exception:
            self.limit.withdraw_failure(address)
            raise
        if user is None:
            raise RefusedError(403, "Name or password is not right.")
        response = lead_to(own_path(form.get("to", "/")))
        begin_session(request, response, user, now=daemon.clock.now() // 1000)
        self.limit.withdraw_failure(address)
        if renewed := await self.verifier.renewed(form["password"], user.password_hash):
            await renew_hash(user, renewed)
        log.info("a user logged in", user=user.name, address=request.remote)
        return response

    async def _user(self, form: Mapping[str, str], address: str) -> WebUser | None:
        name = form.get("name", "").strip()[:MAX_USER_NAME]
        user = await WebUser.get_or_none(name=name) if "\0" not in name else None
        try:
            right = await self.verifier.verify(form.get("password", ""), None if user is None else user.password_hash)
        except BusyError:
            raise RefusedError(429, "Too many log in at once: try again in a moment.") from None
        if user is None or not right:
            # A name that is not known may be a password in the wrong field.
            log.warning("a log-in failed", user=None if user is None else user.name, address=address)
            return None
        return user


async def log_out(visit: Visit) -> web.Response:
    """
    End all sessions of the user.

    Raises:
        RefusedError: The session is another web server's.
    """
    if visit.by_proxy:
        raise RefusedError(403, "Log out where you logged in: at the web server before passbackd.")
    await end_sessions(visit.user)
    response = lead_to("/login")
    forget_session(visit.request, response)
    return response
