"""``keys``: the keys with which this tool signs what it says to LTI 1.3 platforms."""

import json
import os
import sys
from datetime import tzinfo
from pathlib import Path
from typing import Annotated, Any

import typer

from daemon.cli.common import FAILED, WRONG, fail, measured_clock, quiet_config, run_in_database
from daemon.cli.options import ConfigOption, JsonOption, YesOption
from daemon.cli.record import system_user
from daemon.cli.screen import console, print_json, say, table
from daemon.config import Config, zone
from daemon.infra.text import iso, past
from daemon.support.keys import KEY_STATE_WORDS, new_tool_key, withdraw_tool_key
from models.key_admin import find_key, is_last_that_signs, key_listing
from models.tool_key import public_key_set, public_pem, published_keys

app = typer.Typer(help="The keys with which this tool signs for LTI 1.3 platforms.", no_args_is_help=True)

Kid = Annotated[str, typer.Argument(metavar="KID", help="The key's id, as `keys list` shows it.")]

_TIMES = ("created_at", "signs_from", "published_until", "withdrawn_at")


@app.command("new")
def new_signing_key(config: ConfigOption = None) -> None:
    """
    Make a key: published at once, it signs once every platform has had time to fetch it (keys.publish_ahead_hours).

    Example: passbackd keys new
    """
    settings = quiet_config(config)

    async def work() -> tuple[str, int | None]:
        now = (await measured_clock()).now()
        made = await new_tool_key(settings, system_user(), now=now)
        return made.kid, made.signs_from if made.signs_from > now else None

    kid, later = run_in_database(settings, work, may_migrate=True)
    when = "at once" if later is None else f"from {past(later, zone(settings.log.timezone))} on"
    say(f"made the key {kid}: it is published now, and signs {when}")


@app.command("list")
def list_signing_keys(config: ConfigOption = None, *, as_json: JsonOption = False) -> None:
    """List the keys, and which platforms accepted each last. Example: passbackd keys list"""
    settings = quiet_config(config)

    async def work() -> list[dict[str, Any]]:
        return await key_listing((await measured_clock()).now())

    rows = run_in_database(settings, work)
    if as_json:
        print_json([{**row, **{name: _iso(row[name]) for name in _TIMES}} for row in rows])
    elif not rows:
        say("no key yet: `passbackd keys new` or the first `passbackd platform add` makes it")
    else:
        where = zone(settings.log.timezone)
        headings = ("kid", "state", "made", "signs from", "published until", "accepted last by")
        console().print(table(headings, [_cells(row, where) for row in rows]))


def _iso(time: int | None) -> str | None:
    return None if time is None else iso(time)


def _cells(row: dict[str, Any], where: tzinfo | None) -> list[object]:
    times = [None if row[name] is None else past(row[name], where) for name in _TIMES[:3]]
    return [row["kid"], KEY_STATE_WORDS[row["state"]], *times, ", ".join(row["platforms"])]


@app.command("export")
def export_key_set(
    kid: Annotated[str | None, typer.Argument(metavar="KID", help="This key alone; needed with --pem.")] = None,
    *,
    pem: Annotated[bool, typer.Option("--pem", help="Its public half in PEM, for platforms that want it so.")] = False,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write it there.")] = None,
    config: ConfigOption = None,
) -> None:
    """
    Print the public key set (JWKS), for platforms and for who serves it elsewhere; never a private key.

    Example: passbackd keys export --out jwks.json
    """
    if pem and kid is None:
        fail("KID: --pem prints one key: say which (`passbackd keys list`)", WRONG)
    settings = quiet_config(config)
    text = run_in_database(settings, lambda: _exported(settings, kid, pem=pem))
    if out is None:
        say(text, nl=False)
        return
    try:
        _write(out, text)
    except OSError as error:
        fail(f"--out: {out} cannot be written ({error.strerror or error})", FAILED)
    say(f"wrote {out}")


async def _exported(settings: Config, kid: str | None, *, pem: bool) -> str:
    now, cipher = (await measured_clock()).now(), settings.secrets.cipher
    published = await published_keys(now)
    if kid is not None:
        key = await find_key(kid)
        published = [one for one in published if one.id == key.id]
        if not published:
            fail(f"the key {kid!r} is not published any more: see `passbackd keys list`")
        if pem:
            return public_pem(published[0], cipher)
    if not published:
        fail("there is no key to publish: `passbackd keys new` makes one")
    return json.dumps(public_key_set(published, cipher), indent=2) + "\n"


def _write(out: Path, text: str) -> None:
    """Whole or not at all: a web server may be reading it."""
    new = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        new.write_text(text)
        new.replace(out)
    finally:
        new.unlink(missing_ok=True)


@app.command("withdraw")
def withdraw_signing_key(kid: Kid, config: ConfigOption = None, *, yes: YesOption = False) -> None:
    """
    Withdraw a key, as after a leak: it is neither published nor used any more, and its private half is deleted.

    Example: passbackd keys withdraw KID
    """
    settings = quiet_config(config)

    async def is_last() -> bool:
        await find_key(kid)
        return await is_last_that_signs(kid, now=(await measured_clock()).now())

    if not yes and run_in_database(settings, is_last):
        words = f"no other key signs but {kid}: until platforms know another one, no grade goes out over LTI 1.3"
        if not sys.stdin.isatty():
            fail(f"--yes: {words}; nothing was changed: say --yes to do it", WRONG)
        typer.confirm(f"{words}; withdraw it?", abort=True)

    async def work() -> str | None:
        return await withdraw_tool_key(kid, system_user(), now=(await measured_clock()).now())

    follows = run_in_database(settings, work)
    say(f"withdrew the key {kid}; a platform that has its public half takes what it signed until it fetches the set")
    if follows is not None:
        say(f"{follows} signs at once: a platform that does not know it yet refuses it until it fetches the set")
    elif run_in_database(settings, _none_signs):
        say("no key signs now: `passbackd keys new` makes one that does at once")


async def _none_signs() -> bool:
    return not await published_keys((await measured_clock()).now())
