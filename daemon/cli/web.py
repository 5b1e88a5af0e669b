"""``web user``: who may open the pages."""

import sys
from typing import Annotated

import typer

from daemon.cli.common import WRONG, fail, measured_clock, quiet_config, run_in_database
from daemon.cli.options import ConfigOption, JsonOption
from daemon.cli.record import recorded
from daemon.cli.screen import console, print_json, say, table
from daemon.config import zone
from daemon.infra.text import iso, past
from daemon.pages.passwords import MAX_PASSWORD, PasswordError, hash_password
from models.web_user import (
    MAX_USER_NAME,
    ROLES,
    Role,
    WebUser,
    WebUserError,
    is_user_name,
    list_web_users,
    remove_web_user,
    set_web_user,
)

app = typer.Typer(help="The pages of the web port.", no_args_is_help=True)
users = typer.Typer(help="Who may open the pages. Without users there are none.", no_args_is_help=True)
app.add_typer(users, name="user")

UserName = Annotated[str, typer.Argument(metavar="NAME", help="The user's name.")]


@users.command("add")
def add_user(
    name: UserName,
    role: Annotated[Role, typer.Option("--role", metavar="|".join(ROLES), help="What the user may do.")],
    config: ConfigOption = None,
    *,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input, one line.")
    ] = False,
    without_password: Annotated[
        bool,
        typer.Option("--without-password", help="Only the web server before the daemon logs the user in."),
    ] = False,
) -> None:
    """
    Let someone open the pages, or give a user a new role and password.

    Example: passbackd web user add anna --role support
    """
    if not is_user_name(name):
        fail(f"NAME: letters, digits and . _ @ + -, up to {MAX_USER_NAME}, beginning with a letter or digit", WRONG)
    if without_password and password_stdin:
        fail("--without-password: leave --password-stdin out", WRONG)
    settings = quiet_config(config)
    if without_password and not settings.web.user_header:
        fail("--without-password: set web.user_header first, in which a web server names users", WRONG)
    password_hash = "" if without_password else _hashed_password(from_stdin=password_stdin)
    selection = {"name": name, "role": role, **({"without_password": True} if without_password else {})}

    async def work() -> bool:
        now = (await measured_clock()).now()
        async with recorded("web user add", selection) as counts:
            is_new = await set_web_user(name, role, password_hash, now=now)
            counts["users"] = 1
        return is_new

    is_new = run_in_database(settings, work, may_migrate=True)
    by = ", when the web server before the daemon says so" if without_password else ""
    password = "no password any more" if without_password else "a new password"
    say(f"{name} may open the pages as {role}{by}" if is_new else f"{name} has {password}, and is {role}")


def _hashed_password(*, from_stdin: bool) -> str:
    try:
        return hash_password(_password(from_stdin=from_stdin))
    except PasswordError as error:
        fail(str(error), WRONG)


def _password(*, from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline(MAX_PASSWORD + 2).rstrip("\r\n")
    if not sys.stdin.isatty():
        fail("--password-stdin: there is no terminal to ask for the password", WRONG)
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))


@users.command("list")
def list_users(config: ConfigOption = None, *, as_json: JsonOption = False) -> None:
    """List who may open the pages. Example: passbackd web user list"""
    settings = quiet_config(config)

    async def work() -> list[WebUser]:
        return await list_web_users()

    found = run_in_database(settings, work)
    if as_json:
        print_json([_as_json(user) for user in found])
    elif not found:
        say("no user yet: `passbackd web user add` adds one, and opens the pages")
    else:
        where = zone(settings.log.timezone)
        rows = [(user.name, user.role, _log_in(user), past(user.created_at, where)) for user in found]
        console().print(table(("name", "role", "logs in", "since"), rows))


def _as_json(user: WebUser) -> dict[str, object]:
    return {
        "name": user.name,
        "role": user.role,
        "has_password": bool(user.password_hash),
        "created_at": iso(user.created_at),
    }


def _log_in(user: WebUser) -> str:
    return "with a password" if user.password_hash else "at the web server"


@users.command("remove")
def remove_user(name: UserName, config: ConfigOption = None) -> None:
    """Close the pages to a user at once. Example: passbackd web user remove anna"""

    async def work() -> None:
        async with recorded("web user remove", {"name": name}) as counts:
            await remove_web_user(name)
            counts["users"] = 1

    try:
        run_in_database(quiet_config(config), work)
    except WebUserError as error:
        fail(str(error))
    say(f"{name} may not open the pages any more")
