"""The types of values that are more than numbers and words."""

import re
from collections.abc import Mapping
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

from actors.egress import host_name
from actors.profiles import PROFILE_NAMES, PlatformName
from daemon.config.intake_tokens import IntakeToken
from daemon.config.proxy import header_of_users, secret_of_proxies
from daemon.config.urls import database_url, mask, redis_url
from models.encryption import Cipher

#: Dramatiq delays a message by no more.
MAX_DELAY_SECONDS = timedelta(days=7).total_seconds()

_Network = IPv4Network | IPv6Network


def _networks(value: object) -> object:
    if not isinstance(value, list | tuple):
        raise ValueError('should be a list of networks, as in ["10.20.0.0/16"]')  # noqa: TRY004 - pydantic wants it
    return tuple(item if isinstance(item, _Network) else _network(str(item)) for item in value)


def _network(text: str) -> _Network:
    try:
        meant = ip_network(text, strict=False)
    except ValueError:
        raise ValueError(
            f"holds {mask(repr(text))}, which is no network: write it as 10.20.0.0/16 or fd12::/32"
        ) from None
    try:
        return ip_network(text)
    except ValueError:
        raise ValueError(f"holds {text!r}, an address inside a network: write {meant} for the whole of it") from None


def _hosts(value: object) -> object:
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) and item for item in value):
        raise ValueError('should be a list of host names, as in ["passbackd.example.edu"]')
    if wrong := [item for item in value if "/" in item or ":" in item]:
        raise ValueError(f"holds {mask(repr(wrong[0]))}: write the host's name alone, without scheme and port")
    return tuple(item.lower().rstrip(".") for item in value)


def _egress_hosts(value: object) -> object:
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) and item for item in value):
        raise ValueError('should be a list of host names, as in ["lms.example.edu"]')
    return tuple(map(_egress_host, value))


def _egress_host(text: str) -> str:
    try:
        if not re.search(r"[*/@?#\s]|^[^:\]]*:[^:]*$", text):
            return host_name(text)
    except ValueError:
        pass
    raise ValueError(f"holds {mask(repr(text))}: write the host's whole name alone, without scheme and port")


def _profiles(value: object) -> object:
    if not isinstance(value, Mapping):
        raise ValueError('should be a table, as in { example = "canvas" }')  # noqa: TRY004 - pydantic wants it
    for consumer_key, name in value.items():
        if name not in PROFILE_NAMES:
            raise ValueError(
                f"says {mask(repr(name))} for the consumer key {consumer_key!r}: "
                f"write one of {', '.join(PROFILE_NAMES)}, or leave it out to have its LMS recognised"
            )
    return dict(value)


def _consumer_keys(value: object) -> object:
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) and item for item in value):
        raise ValueError('should be a list of consumer keys, as in ["example"]')
    return tuple(value)


def _secret_keys(value: object) -> object:
    if not isinstance(value, list | tuple):
        raise ValueError('should be a list of keys, as in ["..."]')  # noqa: TRY004 - pydantic wants it
    keys = [item.get_secret_value() if isinstance(item, SecretStr) else str(item) for item in value]
    Cipher(keys)
    return tuple(map(SecretStr, keys))


def _intake_tokens(value: object) -> object:
    if not isinstance(value, list | tuple):
        raise ValueError('should be a list of tokens, as in ["..."]')  # noqa: TRY004 - pydantic wants it
    lines = [item.get_secret_value() if isinstance(item, SecretStr) else str(item) for item in value]
    if not all(line.strip() for line in lines):
        raise ValueError("holds an empty token: remove it")
    tokens = [IntakeToken.parse(line).token for line in lines]
    if len(set(tokens)) < len(tokens):
        raise ValueError("holds a token twice: remove one of the two")
    return tuple(map(SecretStr, lines))


def _path(value: object) -> object:
    if not isinstance(value, Path) and (not isinstance(value, str) or not value):
        raise ValueError("should be a path, in quotes")
    return Path(value)


def zone(name: str) -> ZoneInfo | None:
    """The zone of a name in ``log.timezone``; None for the machine's; ValueError if there is no such zone."""
    if name == "local":
        return None
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(f'{name!r} is no time zone: write "UTC", "local" or one such as "Europe/Berlin"') from None


def _zone_name(name: str) -> str:
    zone(name)
    return name


# Each has a bound: what no clock, database or file limit can hold would end the daemon where it is used.
Seconds = Annotated[float, Field(ge=0, le=86_400, allow_inf_nan=False)]
Delay = Annotated[float, Field(ge=0, le=MAX_DELAY_SECONDS, allow_inf_nan=False)]
Timeout = Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)]
Days = Annotated[float, Field(gt=0, le=36_500, allow_inf_nan=False)]
Ahead = Annotated[float, Field(ge=0, le=8_760, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1, le=100_000)]
Port = Annotated[int, Field(ge=0, le=65535)]
LOWERED = BeforeValidator(lambda value: value.lower() if isinstance(value, str) else value)
Name = Annotated[str, Field(min_length=1)]
File = Annotated[Path, BeforeValidator(_path)]
OptionalFile = Annotated[File | None, BeforeValidator(lambda value: None if value == "" else value)]
DatabaseUrl = Annotated[str, AfterValidator(database_url)]
RedisUrl = Annotated[str, AfterValidator(redis_url)]
Zone = Annotated[str, AfterValidator(_zone_name)]
Hosts = Annotated[tuple[str, ...], BeforeValidator(_hosts)]
EgressHosts = Annotated[tuple[str, ...], BeforeValidator(_egress_hosts)]
Networks = Annotated[tuple[_Network, ...], BeforeValidator(_networks)]
IntakeTokens = Annotated[tuple[SecretStr, ...], BeforeValidator(_intake_tokens)]
ProxySecret = Annotated[SecretStr | None, BeforeValidator(secret_of_proxies)]
UserHeader = Annotated[str, BeforeValidator(header_of_users)]
SecretKeys = Annotated[tuple[SecretStr, ...], BeforeValidator(_secret_keys)]
ConsumerKeys = Annotated[tuple[str, ...], BeforeValidator(_consumer_keys)]
Profiles = Annotated[Mapping[str, PlatformName], BeforeValidator(_profiles)]
