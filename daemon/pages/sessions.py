"""
Signed cookies that say who is logged in, and the tokens that forms carry against forged requests. Pure.

A user's own key signs, so that another key ends all sessions of that user, and there is no key of the daemons to be
kept or shared.
"""

import hashlib
from dataclasses import dataclass
from typing import Any, Literal

from itsdangerous import BadData, URLSafeSerializer

from models.db.sql import written_id

#: Seconds for which a session lasts.
SESSION_SECONDS = 12 * 3600
#: Characters of a cookie or a token that are looked at.
MAX_SIGNED = 512
#: Seconds by which two daemons' clocks may differ.
_CLOCK_ERROR = 60


@dataclass(frozen=True, slots=True)
class Session:
    """*began*: seconds since 1970. *nonce*: differs among the sessions of a user."""

    user_id: int
    began: int
    nonce: str


def sign_session(session: Session, key: str) -> str:
    """The cookie of a session. *key*: the user's."""
    return f"{session.user_id}.{_sign([session.began, session.nonce], key, 'session')}"


def claimed_user(cookie: str) -> int | None:
    """The id of the user whose session a cookie claims to be; None if it is no cookie of ours."""
    user_id = cookie[:MAX_SIGNED].partition(".")[0]
    return written_id(user_id)


def read_session(cookie: str, user_id: int, key: str, *, now: int) -> Session | None:
    """
    The session of a cookie; None if the user's key did not sign it, or it is over.

    Args:
        now: Seconds since 1970.
    """
    signed = _read(cookie.partition(".")[2], key, "session")
    if signed is None:
        return None
    began, nonce = signed
    return Session(user_id, began, nonce) if began - _CLOCK_ERROR <= now < began + SESSION_SECONDS else None


def form_token(session: Session, key: str) -> str:
    """What each form of a session carries, and no other site can know."""
    return _sign(session.nonce, key, "form")


def is_form_token(token: str, session: Session, key: str) -> bool:
    """Whether a form was given to *session*."""
    return bool(_read(token, key, "form") == session.nonce)


_Purpose = Literal["session", "form"]


def _sign(value: object, key: str, purpose: _Purpose) -> str:
    return str(_serializer(key, purpose).dumps(value))


def _read(signed: str, key: str, purpose: _Purpose) -> Any:
    try:
        return _serializer(key, purpose).loads(signed) if len(signed) <= MAX_SIGNED else None
    except (BadData, ValueError):
        return None


def _serializer(key: str, purpose: _Purpose) -> URLSafeSerializer:
    return URLSafeSerializer(
        key, salt=purpose, signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256}
    )
