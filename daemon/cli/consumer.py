"""``consumer``: the campus LMSs."""

import secrets
import sys
from typing import Annotated, Any

import typer

from daemon.cli.campuses import pause_campus, remove_campus, resume_campus, show_campuses
from daemon.cli.common import WRONG, fail, measured_clock, quiet_config, run_in_database
from daemon.cli.options import ConfigOption, JsonOption, YesOption
from daemon.cli.quarantine import offer_replay
from daemon.cli.record import record, recorded
from daemon.cli.screen import say
from models import consumer_admin
from models.consumer import ANY_INSTANCE, MAX_KEY, MAX_NAME
from models.encryption import secret_fault
from models.secrets import PlaintextRefusedError

app = typer.Typer(help="The campus LMSs (LTI consumers).", no_args_is_help=True)

Key = Annotated[str, typer.Argument(metavar="KEY", help="The consumer key.")]


@app.command("add")
def add_consumer(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What people call the campus.")],
    key: Annotated[str, typer.Option("--key", help=f"Its consumer key, at most {MAX_KEY} characters.")],
    *,
    secret_stdin: Annotated[bool, typer.Option("--secret-stdin", help="Read the secret from standard input.")] = False,
    pending: Annotated[bool, typer.Option("--pending", help="Use it once the campus accepts it.")] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Change the secret of a known key.")] = False,
    guid: Annotated[str | None, typer.Option("--guid", help="tool_consumer_instance_guid, if known.")] = None,
    replay: Annotated[bool, typer.Option("--replay", help="Replay its events from quarantine without asking.")] = False,
    config: ConfigOption = None,
) -> None:
    """
    Add a campus; with --replace, change the secret of a known one.

    Without --secret-stdin a secret is made and shown once.

    Example: passbackd consumer add "Example University" --key example
    """
    settings = quiet_config(config)
    secret = _read_secret() if secret_stdin else secrets.token_urlsafe(32)
    if not 1 <= len(key) <= MAX_KEY:
        fail(f"--key: a consumer key has 1 to {MAX_KEY} characters", WRONG)
    if not 1 <= len(name) <= MAX_NAME:
        fail(f"NAME: a campus's name has 1 to {MAX_NAME} characters", WRONG)

    async def work() -> None:
        encrypted = settings.secrets.cipher.encrypt(secret)
        selection = {"consumer": key, "name": name, "guid": guid, "pending": pending, "replace": replace}
        try:
            if pending:
                async with recorded("consumer add", selection):
                    done = await _keep(key, encrypted)
            else:
                done = await _add(name, key, encrypted, guid, selection)
        except (consumer_admin.ConsumerError, PlaintextRefusedError):
            raise
        except BaseException:
            if not secret_stdin:
                say(f"secret (it may have been stored already): {secret}")
            raise
        say(done)
        if not secret_stdin:
            say(f"secret (shown this once): {secret}")
        await offer_replay(settings, key, at_once=replay)

    run_in_database(settings, work, may_migrate=True)


async def _add(name: str, key: str, encrypted: str, guid: str | None, selection: dict[str, Any]) -> str:
    now = (await measured_clock()).now()
    added = await consumer_admin.add(
        name,
        key,
        encrypted,
        guid=guid,
        replace=selection["replace"],
        record=lambda: record("consumer add", selection, {}),
        now=now,
    )
    return f"{'added' if added else 'changed'} {name} with the key {key}"


async def _keep(key: str, encrypted: str) -> str:
    await consumer_admin.pend(key, encrypted, now=(await measured_clock()).now())
    return f"the consumer with the key {key} has a pending secret: each attempt tries it first, then the present one"


def _read_secret() -> str:
    raw = sys.stdin.buffer.read()
    try:
        secret = raw.decode().removesuffix("\n")
    except UnicodeDecodeError:
        fail("--secret-stdin: the secret is not valid UTF-8", WRONG)
    fault = secret_fault(secret)
    if fault is not None:
        fail(f"--secret-stdin: the secret {fault}", WRONG)
    return secret


@app.command("list")
def list_consumers(config: ConfigOption = None, *, as_json: JsonOption = False) -> None:
    """List the campuses, those over LTI 1.3 too. Example: passbackd consumer list"""
    show_campuses(config, as_json=as_json, first='passbackd consumer add "Example University" --key example')


@app.command("guid")
def change_instance(
    key: Key,
    guid: Annotated[
        str, typer.Argument(metavar="GUID", help=f"Its tool_consumer_instance_guid; {ANY_INSTANCE!r}: of any instance.")
    ],
    config: ConfigOption = None,
    *,
    replay: Annotated[bool, typer.Option("--replay", help="Replay its events from quarantine without asking.")] = False,
) -> None:
    """
    Set the one instance of a campus's LMS from which launches are taken.

    Those from another one, such as a copy for tests, go to quarantine.

    Example: passbackd consumer guid example lms.example.edu
    """
    if not guid:
        fail(f"GUID: it is empty; {ANY_INSTANCE!r} takes launches of any instance", WRONG)
    settings = quiet_config(config)

    async def work() -> None:
        async with recorded("consumer guid", {"consumer": key, "guid": guid}) as counts:
            changed = await consumer_admin.set_guid(key, guid)
            counts["campuses"] = int(changed)
        taken = "any instance of its LMS" if guid == ANY_INSTANCE else f"the instance {guid} alone"
        say(f"launches of {key} are {'taken' if changed else 'already taken'} from {taken}")
        await offer_replay(settings, key, at_once=replay)

    run_in_database(settings, work)


@app.command("pause")
def pause_consumer(key: Key, config: ConfigOption = None) -> None:
    """Send nothing to a campus until it is resumed; nothing is lost. Example: passbackd consumer pause example"""
    pause_campus(config, "consumer", key)


@app.command("resume")
def resume_consumer(key: Key, config: ConfigOption = None) -> None:
    """Send again what waits for a paused campus. Example: passbackd consumer resume example"""
    resume_campus(config, "consumer", key)


@app.command("remove")
def remove_consumer(key: Key, config: ConfigOption = None, *, yes: YesOption = False) -> None:
    """Remove a campus with all its assignments. Example: passbackd consumer remove example --yes"""
    remove_campus(config, "consumer", key, yes=yes)
