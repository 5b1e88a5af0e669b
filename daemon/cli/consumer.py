"""``consumer``: the campus LMSs."""

import json
import secrets
import shlex
import sys
from typing import Annotated

import typer
from rich.table import Table

from daemon.cli.common import (
    WRONG,
    ConfigOption,
    JsonOption,
    asynchronous,
    console,
    database_of,
    fail,
    measured_clock,
)
from daemon.cli.quarantine import replay_all
from daemon.config import Config
from models import consumer_admin
from models.consumer import MAX_KEY, MAX_NAME
from models.encryption import ENCRYPTED
from models.quarantine import EventFilter
from models.secrets import any_encrypted

app = typer.Typer(help="The campus LMSs (LTI consumers).", no_args_is_help=True)

Key = Annotated[str, typer.Argument(metavar="KEY", help="The consumer key.", show_default=False)]


@app.command("add")
@asynchronous
async def add_consumer(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What people call the campus.", show_default=False)],
    key: Annotated[str, typer.Option("--key", help="The consumer key that its launches carry, at most 32 characters.")],
    *,
    secret_stdin: Annotated[
        bool, typer.Option("--secret-stdin", help="Read the secret from standard input instead of making one.")
    ] = False,
    pending: Annotated[
        bool,
        typer.Option(
            "--pending", help="Keep the secret for when the campus changes its own: until then the old one is used."
        ),
    ] = False,
    guid: Annotated[str | None, typer.Option("--guid", help="tool_consumer_instance_guid, if known.")] = None,
    replay: Annotated[bool, typer.Option("--replay", help="Replay its events from quarantine without asking.")] = False,
    config: ConfigOption = None,
) -> None:
    """Add a campus, or change its secret. Example: passbackd consumer add "Example University" --key example"""
    secret = _read_secret() if secret_stdin else secrets.token_urlsafe(32)
    if not 1 <= len(key) <= MAX_KEY:
        fail(f"--key: a consumer key has 1 to {MAX_KEY} characters", WRONG)
    if not 1 <= len(name) <= MAX_NAME:
        fail(f"NAME: a campus's name has 1 to {MAX_NAME} characters", WRONG)
    async with database_of(config, may_migrate=True) as settings:
        if not settings.secrets.cipher.has_key and await any_encrypted():
            fail("secrets.keys: the other secrets are encrypted, and this command has no key to encrypt with", WRONG)
        encrypted = settings.secrets.cipher.encrypt(secret)
        try:
            done = await (_pend(key, encrypted) if pending else _add(name, key, encrypted, guid))
        except consumer_admin.ConsumerError:
            raise
        except BaseException:
            if not secret_stdin:
                typer.echo(f"secret (it may have been stored already): {secret}")
            raise
        typer.echo(done)
        if not secret_stdin:
            typer.echo(f"secret (shown this once): {secret}")
        await _offer_replay(settings, key, at_once=replay)


async def _add(name: str, key: str, encrypted: str, guid: str | None) -> str:
    added = await consumer_admin.add(name, key, encrypted, guid=guid, now=(await measured_clock()).now())
    return f"{'added' if added else 'changed'} {name} with the key {key}"


async def _pend(key: str, encrypted: str) -> str:
    await consumer_admin.pend(key, encrypted)
    return f"the consumer with the key {key} has a pending secret: used once the campus refuses the present one"


async def _offer_replay(settings: Config, key: str, *, at_once: bool) -> None:
    """
    Replay the events that came before their campus was known, or say how.

    All of them in their order: a launch alone would bring back what the tool has switched off since.
    """
    waiting = EventFilter(consumer_key=key)
    number = await waiting.events().count()
    if not number:
        return
    typer.echo(f"{number} events with this key are in quarantine")
    if at_once or (sys.stdin.isatty() and sys.stdout.isatty() and typer.confirm("replay them now?", default=True)):
        await replay_all(settings, waiting)
    else:
        typer.echo(f"replay them with: passbackd quarantine replay --consumer {shlex.quote(key)}")


def _read_secret() -> str:
    raw = sys.stdin.buffer.read()
    try:
        secret = raw.decode().removesuffix("\n")
    except UnicodeDecodeError:
        fail("--secret-stdin: the secret is not valid UTF-8", WRONG)
    if secret.startswith(ENCRYPTED):
        fail(f"--secret-stdin: a secret cannot begin with {ENCRYPTED}, by which encrypted ones are known", WRONG)
    if not secret or "\x00" in secret:
        fail(
            "--secret-stdin: standard input held no secret" if not secret else "--secret-stdin: a NUL character", WRONG
        )
    return secret


@app.command("list")
@asynchronous
async def list_consumers(config: ConfigOption = None, *, as_json: JsonOption = False) -> None:
    """List the campuses. Example: passbackd consumer list"""
    async with database_of(config):
        rows = await consumer_admin.listing()
    if as_json:
        typer.echo(json.dumps(rows))
        return
    table = Table("name", "key", "guid", "assignments", "", box=None)
    for row in rows:
        notes = ", ".join(note for note in ("paused", "pending") if row[note]).replace("pending", "a pending secret")
        table.add_row(row["consumer"], row["key"], row["guid"] or "", str(row["assignments"]), notes)
    console().print(table if rows else 'no campus yet: passbackd consumer add "Example University" --key example')


@app.command("pause")
@asynchronous
async def pause_consumer(key: Key, config: ConfigOption = None) -> None:
    """Send nothing to a campus until it is resumed; nothing is lost. Example: passbackd consumer pause example"""
    async with database_of(config):
        changed = await consumer_admin.pause(key, now=(await measured_clock()).now())
    typer.echo(f"paused {key}: its grades wait" if changed else f"{key} was paused already")


@app.command("resume")
@asynchronous
async def resume_consumer(key: Key, config: ConfigOption = None) -> None:
    """Send again what waits for a paused campus. Example: passbackd consumer resume example"""
    async with database_of(config):
        changed = await consumer_admin.resume(key, now=(await measured_clock()).now())
    typer.echo(f"resumed {key}: its grades go out" if changed else f"{key} was not paused")


@app.command("remove")
@asynchronous
async def remove_consumer(key: Key, config: ConfigOption = None) -> None:
    """Remove a campus with all its assignments. Example: passbackd consumer remove example"""
    async with database_of(config):
        gone, unsent = await consumer_admin.remove(key)
    lost = f", {unsent} of them with a grade that was not sent yet" if unsent else ""
    typer.echo(f"removed {key} and {gone} assignments{lost}")
