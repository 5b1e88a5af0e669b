"""What the values of a configuration may be, and how they are written."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit
from zoneinfo import ZoneInfo

from pydantic import BaseModel, SecretStr

from actors.protocols.lti11.platforms import PROFILE_NAMES
from models.db.database import URL_OPTIONS
from models.encryption import Vault

SQLITE = "sqlite://"
_SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")

Network = IPv4Network | IPv6Network


def networks(value: object) -> object:
    if not isinstance(value, list | tuple):
        raise ValueError('should be a list of networks, as in ["10.20.0.0/16"]')  # noqa: TRY004 - pydantic wants it
    return tuple(_network(item) for item in value)


def _network(item: object) -> Network:
    if isinstance(item, IPv4Network | IPv6Network):
        return item
    try:
        return ip_network(str(item))
    except ValueError:
        pass
    try:
        meant = ip_network(str(item), strict=False)
    except ValueError:
        raise ValueError(
            f"holds {mask(repr(item))}, which is no network: write it as 10.20.0.0/16 or fd12::/32"
        ) from None
    raise ValueError(f"holds {item!r}, an address inside a network: write {meant} for the whole of it")


def profiles(value: object) -> object:
    if not isinstance(value, Mapping):
        raise ValueError('should be a table, as in { example = "canvas" }')  # noqa: TRY004 - pydantic wants it
    for consumer_key, name in value.items():
        if name not in PROFILE_NAMES:
            raise ValueError(
                f"says {name!r} for the consumer key {consumer_key!r}: write one of {', '.join(PROFILE_NAMES)}, "
                "or leave it out to have its LMS recognised"
            )
    return dict(value)


def secret_keys(value: object) -> object:
    if not isinstance(value, list | tuple):
        raise ValueError('should be a list of keys, as in ["..."]')  # noqa: TRY004 - pydantic wants it
    keys = [item.get_secret_value() if isinstance(item, SecretStr) else str(item) for item in value]
    Vault(keys)
    return tuple(map(SecretStr, keys))


def path(value: object) -> object:
    if isinstance(value, Path):
        return value
    if not isinstance(value, str) or not value:
        raise ValueError("should be a path, in quotes")
    return Path(value)


def optional_path(value: object) -> object:
    return None if value is None or value == "" else path(value)


def lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


def zone(name: str) -> ZoneInfo | None:
    """
    The time zone that ``log.timezone`` names; None for that of the machine, as ``datetime.astimezone`` takes it.

    Raises:
        ValueError: There is no such zone.
    """
    if name == "local":
        return None
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(f'{name!r} is no time zone: write "UTC", "local" or one such as "Europe/Berlin"') from None


def mask(text: str) -> str:
    """*text* without the passwords of the URLs in it."""
    text = re.sub(r"(:/+[^:]*:).*@", r"\1***@", text, flags=re.DOTALL)
    return re.sub(r"([?&][^=&\s]*pass[^=&\s]*=)[^&\s]*", r"\1***", text)


def check_sqlite(path: str) -> None:
    if not path or path.endswith("/"):
        raise ValueError("names no file: write sqlite://relative.db or sqlite:///absolute.db")
    if path == ":memory:":
        raise ValueError(
            "in memory nothing would outlive the daemon: write sqlite://relative.db or sqlite:///absolute.db"
        )
    if "?" in path or "#" in path:
        raise ValueError("takes no options for SQLite: remove all from the ? or # on")


def check_postgres(url: str) -> None:
    parts = url_parts(url)
    if not unquote(parts.path.strip("/")):
        raise ValueError("names no database: write postgresql://user:password@host/database")
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    if not parts.host and not options.get("host"):
        raise ValueError("names no host: write postgresql://user:password@host/database, or ?host=/run/postgresql")
    if unknown := sorted(options.keys() - set(URL_OPTIONS)):
        raise ValueError(f"has the unknown option {', '.join(unknown)}; known: {', '.join(URL_OPTIONS)}")
    if options.get("sslmode", "prefer") not in _SSL_MODES:
        raise ValueError(f"has an unknown sslmode; known: {', '.join(_SSL_MODES)}")


@dataclass(frozen=True, slots=True)
class UrlParts:
    host: str | None
    path: str
    query: str


def url_parts(url: str) -> UrlParts:
    """
    Split a server's URL.

    Raises:
        ValueError: It cannot be split; the message, unlike that of the library, quotes nothing of it.
    """
    unreadable = ValueError(
        "cannot be read as scheme://user:password@host:port/name: "
        "in a password write %40 for @, %3A for :, %2F for /, %3F for ? and %23 for #"
    )
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise unreadable from None
    if parts.fragment or "@" in parts.path or "@" in parts.query or re.search(r"\s", url):
        raise unreadable
    return UrlParts(parts.hostname, parts.path, parts.query)


def toml(value: object) -> str:
    if value is None:
        return '""'
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return f"{value:.15g}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml, value))}]"
    if isinstance(value, BaseModel):
        value = value.model_dump(exclude_defaults=True)
    if isinstance(value, Mapping):
        pairs = ", ".join(f"{toml(key)} = {toml(item)}" for key, item in value.items())
        return f"{{ {pairs} }}" if pairs else "{}"
    text = "***" if isinstance(value, SecretStr) else mask(str(value))
    return json.dumps(text, ensure_ascii=False)
