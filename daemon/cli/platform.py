"""``platform``: the campus LMSs that speak LTI 1.3."""

import shlex
from typing import Annotated
from urllib.parse import urlsplit

import typer

from actors.egress import EgressRefused
from actors.protocols.address import MAX_URL
from daemon.check.findings import Finding
from daemon.check.tokens import open_tokens, token_finding
from daemon.cli.campuses import pause_campus, remove_campus, resume_campus, show_campuses
from daemon.cli.common import WRONG, fail, measured_clock, quiet_config, run_in_database
from daemon.cli.options import ConfigOption, JsonOption, YesOption
from daemon.cli.quarantine import offer_replay
from daemon.cli.record import record
from daemon.cli.screen import say
from daemon.config import Config
from daemon.support.platform_kinds import PLATFORM_KINDS, MissingError, filled
from models.consumer import MAX_ISSUER, MAX_KEY, MAX_NAME
from models.consumer_admin import known_consumer
from models.key_admin import ensure_key
from models.platform_admin import PlatformRecord, add_platform, note_signing_key
from models.tool_key import ToolKey

app = typer.Typer(help="The campus LMSs that speak LTI 1.3 (platforms).", no_args_is_help=True)


PlatformKey = Annotated[str, typer.Argument(metavar="KEY", help="Its --key, else its client id.")]


@app.command("add")
def register_platform(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What people call the campus.")],
    client_id: Annotated[str, typer.Option("--client-id", metavar="ID", help="What the platform calls this tool.")],
    *,
    issuer: Annotated[
        str | None, typer.Option("--issuer", metavar="URL", help="What the platform calls itself, exactly.")
    ] = None,
    token_url: Annotated[
        str | None, typer.Option("--token-url", metavar="URL", help="Where it gives access tokens.")
    ] = None,
    audience: Annotated[
        str | None, typer.Option("--audience", metavar="AUD", help="Of its token server, unless that is the URL.")
    ] = None,
    key: Annotated[
        str | None, typer.Option("--key", metavar="KEY", help="What commands call it; without it the client id does.")
    ] = None,
    deployment: Annotated[
        str | None, typer.Option("--deployment", metavar="ID", help="The deployment id, where launches do not say.")
    ] = None,
    kind: Annotated[
        str | None,
        typer.Option("--kind", metavar="KIND", help=f"Fills in what all sites share: {', '.join(PLATFORM_KINDS)}."),
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Change a known one.")] = False,
    replay: Annotated[bool, typer.Option("--replay", help="Replay its events from quarantine without asking.")] = False,
    config: ConfigOption = None,
) -> None:
    """
    Add an LTI 1.3 platform; with --replace, change a known one.

    It makes a signing key if there is none. Whether the set-up works is shown by `platform check`.

    Example: passbackd platform add "Example University" --kind canvas --client-id 10000000000001
    """
    settings = quiet_config(config)
    if kind is not None and kind not in PLATFORM_KINDS:
        fail(f"--kind: {kind!r} is none: write one of {', '.join(PLATFORM_KINDS)}, or leave it out", WRONG)
    try:
        issuer, token_url, audience = filled(kind, issuer=issuer, token_url=token_url, audience=audience)
    except MissingError as error:
        fail(str(error), WRONG)
    platform = PlatformRecord(
        name=name,
        key=client_id if key is None else key,
        issuer=issuer,
        client_id=client_id,
        token_url=token_url,
        token_audience=audience,
        deployment_id=deployment,
        product=kind,
    )
    _check(platform, settings)

    async def work() -> None:
        now = (await measured_clock()).now()
        made: list[ToolKey | None] = []

        async def record_all() -> None:
            made.append(await ensure_key(settings.secrets.cipher, now=now))
            said = {"consumer": platform.key, "name": name, "issuer": issuer, "client_id": client_id}
            selection = {**said, "token_url": token_url, "replace": replace}
            await record("platform add", selection, {"keys": int(made[0] is not None)})

        added = await add_platform(platform, replace=replace, record=record_all, now=now)
        say(f"{'added' if added else 'changed'} {name} with the key {platform.key}")
        if made[0] is not None:
            say(f"made the first signing key, {made[0].kid}: it signs at once")
        say(f"the platform must fetch this tool's key set (`passbackd keys export`): {_where(settings)}")
        check = f"`passbackd platform check {shlex.quote(platform.key)}`"
        say(f"what to enter there is in docs/platforms.md; then {check} shows whether it works")
        await offer_replay(settings, platform.key, at_once=replay)

    run_in_database(settings, work, may_migrate=True)


def _where(settings: Config) -> str:
    host = f"[{settings.web.host}]" if ":" in settings.web.host else settings.web.host
    return f"the daemon serves it at http://{host}:{settings.web.port}/jwks, to be exposed by https as that path alone"


def _check(platform: PlatformRecord, settings: Config) -> None:
    """End the command if something cannot be right."""
    for option, text, most in (
        ("NAME", platform.name, MAX_NAME),
        ("--client-id", platform.client_id, MAX_KEY),
        ("--key", platform.key, MAX_KEY),
        ("--issuer", platform.issuer, MAX_ISSUER),
        ("--token-url", platform.token_url, MAX_URL),
        ("--audience", platform.token_audience, MAX_URL),
        ("--deployment", platform.deployment_id, MAX_KEY),
    ):
        if text is not None and not (1 <= len(text) <= most and text.isprintable()):
            fail(f"{option}: it should have 1 to {most} characters, and none that cannot be printed", WRONG)
    allow_http = settings.egress.allow_http
    _check_url("--issuer", platform.issuer, allow_http=allow_http)
    _check_url("--token-url", platform.token_url, allow_http=allow_http)
    try:
        settings.egress.policy.of(platform.key).check_url(platform.token_url)
    except EgressRefused as error:
        fail(f"--token-url: {error}", WRONG)


def _check_url(option: str, text: str, *, allow_http: bool) -> None:
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        fail(f"{option}: {text!r} is no URL", WRONG)
    if parts.scheme == "http" and host and not allow_http:
        fail(f"{option}: plain http is not allowed: use https, or set egress.allow_http = true", WRONG)
    if parts.scheme not in ("http", "https") or not host or " " in text:
        fail(f"{option}: {text!r} is no absolute https URL, as https://lms.example.edu is one", WRONG)
    if "@" in parts.netloc or parts.fragment:
        fail(f"{option}: write the URL without user name, password and fragment", WRONG)


@app.command("check")
def check_platform(key: PlatformKey, config: ConfigOption = None) -> None:
    """Get an access token: the proof that the set-up works; no grade is sent. Example: passbackd platform check KEY"""
    settings = quiet_config(config)

    async def work() -> Finding:
        platform = await known_consumer(key)
        if platform.issuer is None:
            fail(f"{platform.consumer_name} speaks LTI 1.1, which has no tokens: see `passbackd check --deep`")
        async with open_tokens(settings, await measured_clock(), note_signing_key) as tokens:
            return await token_finding(platform, tokens)

    finding = run_in_database(settings, work)
    if finding.severity == "fault":
        fail(finding.line())
    say(finding.line())


@app.command("list")
def list_platforms(config: ConfigOption = None, *, as_json: JsonOption = False) -> None:
    """List the campuses, those over LTI 1.1 too. Example: passbackd platform list"""
    add = 'passbackd platform add "Example University" --kind canvas --client-id 10000000000001'
    show_campuses(config, as_json=as_json, first=add)


@app.command("pause")
def pause_platform(key: PlatformKey, config: ConfigOption = None) -> None:
    """Send nothing to a campus until it is resumed; nothing is lost. Example: passbackd platform pause example"""
    pause_campus(config, "platform", key)


@app.command("resume")
def resume_platform(key: PlatformKey, config: ConfigOption = None) -> None:
    """Send again what waits for a paused campus. Example: passbackd platform resume example"""
    resume_campus(config, "platform", key)


@app.command("remove")
def remove_platform(key: PlatformKey, config: ConfigOption = None, *, yes: YesOption = False) -> None:
    """Remove a campus with all its assignments. Example: passbackd platform remove example --yes"""
    remove_campus(config, "platform", key, yes=yes)
