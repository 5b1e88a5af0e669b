"""Who may ask for a page: sessions, roles, and forms that are the user's own."""

import secrets
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from aiohttp import web

from daemon.config.sections import WebSection
from daemon.infra.text import printable
from daemon.pages.proxy import ProxyError, is_from_proxy, named_user, visitor_address
from daemon.pages.sessions import (
    SESSION_SECONDS,
    Session,
    claimed_user,
    is_form_token,
    read_session,
    sign_session,
)
from models.web_user import MAX_USER_NAME, Role, WebUser, is_user_name

#: The cookie of a session; over HTTPS browsers keep others from setting it (RFC 6265bis, 4.1.3.2).
COOKIE, SECURE_COOKIE = "passbackd", "__Host-passbackd"
#: Bytes of a form.
MAX_FORM = 64 * 1024
#: Characters of the path to which a log-in leads.
MAX_PATH = 2_000
_FORM_TYPE = "application/x-www-form-urlencoded"
#: The users whom a trusted web server names, where it is that which says who a visitor is.
_NAMED = web.RequestKey("_NAMED", list[str])


@dataclass(frozen=True, slots=True)
class RefusedError(Exception):
    """A request that is not answered with its page: *status*, and what the user is to know."""

    status: int
    words: str


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who is logged in. *by_proxy*: at a web server before the daemon, which has no cookie of ours."""

    user: WebUser
    session: Session
    by_proxy: bool = False


def as_sent(request: web.Request, settings: WebSection) -> web.Request:
    """
    A request as its visitor sent it: ``remote`` is the visitor's address, also behind a trusted web server.

    Raises:
        RefusedError: The web server does not say it.
    """
    if not is_from_proxy(request.remote, request.headers, settings):
        return request
    try:
        sent = request.clone(remote=visitor_address(request.headers))
    except ProxyError as error:
        raise RefusedError(400, str(error)) from None
    if settings.user_header:
        sent[_NAMED] = request.headers.getall(settings.user_header, [])
    return sent


def is_named_by_proxy(request: web.Request) -> bool:
    """Whether a web server before the daemon says who the visitor is, so that no password and no cookie does."""
    return _NAMED in request


async def find_visitor(request: web.Request, *, now: int) -> Visitor | None:
    """
    Who makes a request; None if no one is logged in.

    Args:
        now: Seconds since 1970.

    Raises:
        RefusedError: A trusted web server names no user of the pages.
    """
    if is_named_by_proxy(request):
        return await _find_named(request[_NAMED])
    cookie = request.cookies.get(_cookie_name(request), "")
    user_id = claimed_user(cookie)
    user = None if user_id is None else await WebUser.get_or_none(id=user_id)
    if user is None:
        return None
    session = read_session(cookie, user.id, user.session_key, now=now)
    return None if session is None else Visitor(user, session)


async def _find_named(names: list[str]) -> Visitor:
    try:
        name = named_user(names)
    except ProxyError as error:
        raise RefusedError(400, str(error)) from None
    user = await WebUser.get_or_none(name=name) if is_user_name(name) else None
    if user is None:
        raise RefusedError(
            403,
            f"You are logged in as {printable(name[:MAX_USER_NAME])!r}, and no user of passbackd has that name. Ask an "
            "operator to add you: passbackd web user add",
        )
    # The user's own key signs what makes its forms known, so that no other user can know it.
    return Visitor(user, Session(user.id, 0, "named by a web server"), by_proxy=True)


def begin_session(request: web.Request, response: web.Response, user: WebUser, *, now: int) -> None:
    """Log a user in. *now*: seconds since 1970."""
    session = Session(user.id, now, secrets.token_urlsafe(12))
    response.set_cookie(
        _cookie_name(request),
        sign_session(session, user.session_key),
        max_age=SESSION_SECONDS,
        httponly=True,
        samesite="Lax",
        secure=is_secure(request),
    )


def forget_session(request: web.Request, response: web.Response) -> None:
    """Have the browser forget its session."""
    response.del_cookie(_cookie_name(request), httponly=True, samesite="Lax", secure=is_secure(request))


def is_secure(request: web.Request) -> bool:
    """Whether the browser speaks HTTPS, which a proxy before the daemon says. One who lies harms his cookie alone."""
    return _scheme(request) == "https"


def _scheme(request: web.Request) -> str:
    return request.headers.get("X-Forwarded-Proto", request.scheme).lower()


def _cookie_name(request: web.Request) -> str:
    return SECURE_COOKIE if is_secure(request) else COOKIE


def check_role(role: Role, needed: Role) -> None:
    """Raises :class:`RefusedError` where the role may not do what another one is needed for."""
    if needed == "operator" and role != "operator":
        raise RefusedError(403, "This is for operators alone. Ask one of them.")


def check_origin(request: web.Request) -> None:
    """
    Refuse a form that another site sent.

    Spec: Fetch Metadata Request Headers, 2.3 (Sec-Fetch-Site); RFC 6454, 7 (Origin).
    """
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    is_ours = site in (None, "same-origin", "none") and origin in (None, f"{_scheme(request)}://{request.host}")
    if not is_ours:
        raise RefusedError(
            403,
            "This form was not sent from one of these pages. Where there is a web server before the daemon, it has to "
            "pass on the name that the browser asked for (the header Host).",
        )


async def receive_form(request: web.Request) -> None:
    """
    Have the form of a request here as a whole, for :func:`read_form`, unless it is said to be too large.

    Raises:
        web.HTTPBadRequest: It does not come as a whole.
        web.HTTPRequestEntityTooLarge: It was not said to be.
    """
    if request.method == "POST" and (request.content_length or 0) <= MAX_FORM:
        try:
            await request.read()
        except (web.RequestPayloadError, ConnectionResetError):
            # Who sent it is gone as a rule: no page is made for it.
            raise web.HTTPBadRequest(text="this form did not come as a whole\n") from None


async def read_form(request: web.Request) -> dict[str, str]:
    """The fields of a form; of several of one name the last. Raises :class:`RefusedError`."""
    if request.content_type != _FORM_TYPE:
        raise RefusedError(415, f"A form is sent as {_FORM_TYPE}.")
    if request.content_length is not None and request.content_length > MAX_FORM:
        raise RefusedError(413, "This form is too large.")
    if (request.charset or "utf-8").lower() != "utf-8":
        raise RefusedError(415, "A form is sent in UTF-8.")
    try:
        return {name: value for name, value in (await request.post()).items() if isinstance(value, str)}
    except ValueError:
        raise RefusedError(400, "This form is not in UTF-8.") from None


def check_token(form: dict[str, str], visitor: Visitor) -> None:
    """Refuse a form that another session, or none, was given."""
    if not is_form_token(form.get("token", ""), visitor.session, visitor.user.session_key):
        raise RefusedError(403, "This form is out of date. Go back, load the page again, and repeat it.")


def to_login(request: web.Request) -> web.Response:
    """Lead to the log-in, and from there to where the user wanted to go."""
    wanted = request.path_qs if request.method in ("GET", "HEAD") else "/"
    return lead_to(f"/login?to={quote(wanted[:MAX_PATH], safe='')}")


def own_path(wanted: str) -> str:
    """The path, if it is one of ours; else ``/``."""
    try:
        parts = urlsplit(wanted)
    except ValueError:
        return "/"
    if parts.scheme or parts.netloc or not wanted.startswith("/") or wanted.startswith(("//", "/\\")):
        return "/"
    return wanted if wanted.isprintable() and len(wanted) <= MAX_PATH else "/"


def lead_to(path: str) -> web.Response:
    """Lead elsewhere, to be asked for by GET."""
    return web.Response(status=303, headers={"Location": path})
