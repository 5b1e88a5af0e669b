"""Who may open the pages, and what each may do there. Times are milliseconds since 1970."""

import re
import secrets
from typing import Literal, get_args

from tortoise import fields
from tortoise.models import Model

#: ``support`` reads, and sends one learner's grades again; ``operator`` may do what the commands can.
Role = Literal["support", "operator"]
ROLES: tuple[Role, ...] = get_args(Role)

#: Characters of a name.
MAX_USER_NAME = 64
_NAME = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._@+-]{{0,{MAX_USER_NAME - 1}}}", re.ASCII)


class WebUser(Model):
    """Someone who may log in to the pages."""

    id = fields.BigIntField(primary_key=True)
    name = fields.CharField(max_length=MAX_USER_NAME, unique=True)
    role: Role = fields.CharField(max_length=16)  # type: ignore[assignment]
    # Argon2id, in the PHC string format; empty: no password opens the pages to this user.
    password_hash = fields.CharField(max_length=255)
    # Signs this user's sessions: another one ends them all.
    session_key = fields.CharField(max_length=64)
    created_at = fields.BigIntField()

    class Meta:
        table = "web_user"
        table_description = "Who may open the pages"


class WebUserError(ValueError):
    """This cannot be done to this user; the message says why and what to do."""


def is_user_name(text: str) -> bool:
    """Whether a user may be called so: letters, digits and ``. _ @ + -``, beginning with a letter or digit."""
    return _NAME.fullmatch(text) is not None


async def set_web_user(name: str, role: Role, password_hash: str, *, now: int) -> bool:
    """
    Add a user, or give one a new role and password, which ends all sessions of that user.

    Args:
        password_hash: Empty for one whom a web server before the daemon logs in.

    Returns:
        Whether the user is new.
    """
    key = _new_key()
    if await WebUser.filter(name=name).update(role=role, password_hash=password_hash, session_key=key):
        return False
    await WebUser.create(name=name, role=role, password_hash=password_hash, session_key=key, created_at=now)
    return True


async def renew_hash(user: WebUser, password_hash: str) -> None:
    """Keep another hash of a user's same password, unless there is another password meanwhile. Sessions go on."""
    same = WebUser.filter(id=user.id, password_hash=user.password_hash)
    await same.update(password_hash=password_hash)


async def remove_web_user(name: str) -> None:
    """
    Remove a user, which ends all sessions of that user.

    Raises:
        WebUserError: There is none of that name.
    """
    if not await WebUser.filter(name=name).delete():
        raise WebUserError(f"there is no user {name!r}: see `passbackd web user list`")


async def end_sessions(user: WebUser) -> None:
    """End all sessions of a user."""
    await WebUser.filter(id=user.id).update(session_key=_new_key())


async def list_web_users() -> list[WebUser]:
    """All of them, by name."""
    return await WebUser.all().order_by("name")


def _new_key() -> str:
    return secrets.token_urlsafe(32)
