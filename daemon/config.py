"""What the operator can set: in ``config.toml``, credentials, environment. A fault names key, source and cure."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from difflib import get_close_matches
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_origin
from urllib.parse import parse_qsl, unquote, urlsplit
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from actors.profiles import PROFILE_NAMES, ProfileName
from actors.retry import MAX_ATTEMPTS
from models.database import URL_OPTIONS

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Looked for in the current folder, if no file is named.
FILE_NAME = "config.toml"
SYSTEM_FILE = Path("/etc/passbackd/config.toml")

#: An environment variable is this, the section, two underscores and the key, all in capitals.
PREFIX = "PASSBACKD_"

#: Seconds. Dramatiq delays a message by no more.
LONGEST_DELAY = timedelta(days=7).total_seconds()

#: What ``redis.url`` says for the server that the daemon runs itself.
EMBEDDED = "embedded"

_BOOLEANS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
_SQLITE = "sqlite://"
_SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")

Network = IPv4Network | IPv6Network


def _networks(value: object) -> object:
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


def _profiles(value: object) -> object:
    if not isinstance(value, Mapping):
        raise ValueError('should be a table, as in { example = "canvas" }')  # noqa: TRY004 - pydantic wants it
    for consumer_key, name in value.items():
        if name not in PROFILE_NAMES:
            raise ValueError(
                f"says {name!r} for the consumer key {consumer_key!r}: write one of {', '.join(PROFILE_NAMES)}, "
                "or leave it out to have its LMS recognised"
            )
    return dict(value)


def _path(value: object) -> object:
    if isinstance(value, Path):
        return value
    if not isinstance(value, str) or not value:
        raise ValueError("should be a path, in quotes")
    return Path(value)


def _optional_path(value: object) -> object:
    return None if value is None or value == "" else _path(value)


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


Delay = Annotated[float, Field(ge=0, le=LONGEST_DELAY, allow_inf_nan=False)]
Wait = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Timeout = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Days = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1)]
Port = Annotated[int, Field(ge=0, le=65535)]
Name = Annotated[str, Field(min_length=1)]
Networks = Annotated[tuple[Network, ...], BeforeValidator(_networks)]
Profiles = Annotated[Mapping[str, ProfileName], BeforeValidator(_profiles)]


class Section(BaseModel):
    # Strict, since a number in quotes or a 1 for true is more often a slip than a wish.
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, validate_default=True)


class Database(Section):
    url: str = "sqlite://state/passbackd.db"
    migrate_on_start: bool = True

    @field_validator("url")
    @classmethod
    def _is_supported(cls, url: str) -> str:
        if url.startswith(_SQLITE):
            _check_sqlite(url.removeprefix(_SQLITE))
        elif url.startswith(("postgres://", "postgresql://")):
            _check_postgres(url)
        else:
            raise ValueError(
                "should begin with sqlite:// or postgresql://, as in sqlite://relative.db, sqlite:///absolute.db "
                "or postgresql://user:password@host/database"
            )
        return url


class Redis(Section):
    url: str = EMBEDDED
    stream: Name = "passback:events"
    dramatiq_namespace: Name = "passback:dramatiq"
    embedded_dir: Annotated[Path, BeforeValidator(_path)] = Path("state/valkey")
    embedded_port: Port = 9872

    @field_validator("url")
    @classmethod
    def _is_supported(cls, url: str) -> str:
        if url == EMBEDDED:
            return url
        if not url.startswith(("redis://", "rediss://")):
            raise ValueError(f'should be "{EMBEDDED}" or begin with redis:// or rediss://, as in redis://host:6379/0')
        parts = _url_parts(url)
        if not parts.host:
            raise ValueError("names no host: write redis://host:6379/0 or redis://user:password@host:6379/0")
        number = parts.path.strip("/")
        if number and not number.isdecimal():
            raise ValueError("should end in the number of a logical database, as in redis://host:6379/0")
        return url

    @property
    def embedded(self) -> bool:
        """Whether the daemon runs a server of its own."""
        return self.url == EMBEDDED


class Outcomes(Section):
    composite_delay_seconds: Delay = 900
    composite_max_delay_seconds: Delay = 3600
    timeout_seconds: Timeout = 10
    hold_seconds: Wait = 20
    max_connections: Count = 200
    max_per_campus: Count = 4
    max_attempts: Count = MAX_ATTEMPTS
    skip_unchanged: bool = True
    profiles: Profiles = {}

    @field_validator("composite_max_delay_seconds")
    @classmethod
    def _is_not_below_the_delay(cls, longest: float, info: ValidationInfo) -> float:
        delay = info.data.get("composite_delay_seconds")
        if delay is not None and longest < delay:
            raise ValueError(
                f"{longest:g} is less than outcomes.composite_delay_seconds, {delay:g}: raise this or lower that"
            )
        return longest


class Egress(Section):
    allow_http: bool = False
    allow_networks: Networks = ()
    ca_file: Annotated[Path | None, BeforeValidator(_optional_path)] = None


class Worker(Section):
    partitions: Annotated[int, Field(ge=1, le=64)] = 4
    drain_seconds: Wait = 15


class Web(Section):
    host: Name = "127.0.0.1"
    port: Port = 9871


class Log(Section):
    level: Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(_lower)] = "info"
    format: Annotated[Literal["console", "json"], BeforeValidator(_lower)] = "console"
    timezone: str = "UTC"

    @field_validator("timezone")
    @classmethod
    def _is_known(cls, name: str) -> str:
        zone(name)
        return name


class Retention(Section):
    stream_days: Days = 7
    ledger_days: Days = 365
    quarantine_days: Days = 90


class Config(Section):
    database: Database = Field(default_factory=Database)
    redis: Redis = Field(default_factory=Redis)
    outcomes: Outcomes = Field(default_factory=Outcomes)
    egress: Egress = Field(default_factory=Egress)
    worker: Worker = Field(default_factory=Worker)
    web: Web = Field(default_factory=Web)
    log: Log = Field(default_factory=Log)
    retention: Retention = Field(default_factory=Retention)


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with the configuration, on one line and without secrets."""

    #: ``section.key``, or as much of it as there is.
    key: str
    #: The file, variable or credential that it came from.
    source: str
    #: What is wrong and what to do.
    problem: str

    def __str__(self) -> str:
        return " ".join(f"{self.key} ({self.source}): {self.problem}".split())


class ConfigError(Exception):
    """The configuration cannot be used; every fault is listed."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("\n".join(map(str, faults)))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Loaded:
    """A valid configuration, its relative paths made absolute."""

    config: Config
    #: None: there is no file, and what nobody set has its default.
    file: Path | None


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


def find_config_file(given: Path | None, cwd: Path, *, system: Path = SYSTEM_FILE) -> Path | None:
    """
    The file to read: *given*, else the one in *cwd*, else that of the *system*; None if there is none of these.

    Raises:
        ConfigError: *given* does not exist.
    """
    if given is not None:
        file = cwd / given
        if not _is_there(file):
            raise ConfigError([Fault("--config", str(given), "there is no such file: check the path")])
        return file
    return next((file for file in (cwd / FILE_NAME, system) if _is_there(file)), None)


def load(path: Path | None, environ: Mapping[str, str], *, cwd: Path | None = None) -> Loaded:
    """
    Read the configuration: environment before credentials before the file before the defaults.

    Args:
        path: What :func:`find_config_file` found.
        environ: ``os.environ``, as a rule.
        cwd: What relative paths are relative to if there is no file.

    Raises:
        ConfigError: With every fault that there is.
    """
    config, reading = _load(path, environ, cwd)
    if config is None or reading.faults:
        raise ConfigError(reading.faults)
    return Loaded(config, path)


def effective(path: Path | None, environ: Mapping[str, str], *, cwd: Path | None = None) -> tuple[str, list[Fault]]:
    """
    The configuration in force as TOML, each key with its source and secrets masked, and its faults.

    What cannot be used is shown as it was written.
    """
    config, reading = _load(path, environ, cwd)
    wrong = {fault.key for fault in reading.faults}
    lines = [f"# {path}" if path else "# no config file"]
    for section, model in _sections().items():
        lines += ["", f"[{section}]"]
        for key, info in model.model_fields.items():
            name = f"{section}.{key}"
            if config is not None:
                value = getattr(getattr(config, section), key)
            else:
                value = reading.entries[name].value if name in reading.entries else info.get_default()
            if name in wrong and key == "url":
                # Where its password begins is anybody's guess.
                value = "***"
            lines.append(f"{key} = {_toml(value)}  # {'WRONG, ' if name in wrong else ''}{reading.source(name)}")
    return "\n".join(lines) + "\n", reading.faults


def mask(text: str) -> str:
    """*text* without the passwords of the URLs in it."""
    text = re.sub(r"(://[^:]*:).*@", r"\1***@", text, flags=re.DOTALL)
    return re.sub(r"([?&][^=&\s]*pass[^=&\s]*=)[^&\s]*", r"\1***", text)


def _is_there(file: Path) -> bool:
    try:
        return file.is_file()
    except PermissionError:
        # Reading it will say so, where passing over it would surprise.
        return True


@dataclass(frozen=True, slots=True)
class _Entry:
    value: object
    source: str


@dataclass(slots=True)
class _Reading:
    """What was found, by ``section.key``, and what was wrong with it."""

    entries: dict[str, _Entry] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def source(self, name: str) -> str:
        return self.entries[name].source if name in self.entries else "default"

    def fault(self, key: str, source: str, problem: str) -> None:
        self.faults.append(Fault(key, source, problem))


def _load(path: Path | None, environ: Mapping[str, str], cwd: Path | None) -> tuple[Config | None, _Reading]:
    reading = _Reading()
    if path is not None:
        _read_file(path, reading)
    if folder := environ.get("CREDENTIALS_DIRECTORY"):
        _read_credentials(Path(folder), reading)
    _read_environment(environ, reading)
    config = _validated(reading)
    if config is not None:
        config = _resolved(config, ((cwd or Path.cwd()) / path).parent if path else cwd or Path.cwd())
        if config.egress.ca_file is not None and not config.egress.ca_file.is_file():
            problem = f"there is no file {config.egress.ca_file}: check the path, or leave it empty"
            reading.fault("egress.ca_file", reading.source("egress.ca_file"), problem)
    return config, reading


def _sections() -> dict[str, type[Section]]:
    return {
        name: section.annotation
        for name, section in Config.model_fields.items()
        if isinstance(section.annotation, type) and issubclass(section.annotation, Section)
    }


def _keys() -> dict[str, object]:
    """Every ``section.key`` with the type of its value."""
    return {
        f"{name}.{key}": info.annotation
        for name, section in _sections().items()
        for key, info in section.model_fields.items()
    }


def _read_file(path: Path, reading: _Reading) -> None:
    try:
        content = tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        return reading.fault(path.name, str(path), f"cannot be read: {error.strerror}")
    except UnicodeDecodeError as error:
        return reading.fault(path.name, str(path), f"is not UTF-8 (byte {error.start}): save it as UTF-8")
    except tomllib.TOMLDecodeError as error:
        return reading.fault(path.name, str(path), f"is not TOML: {error}; correct that line")
    for section, table in content.items():
        if section not in _sections():
            what = "section" if isinstance(table, dict) else "key outside a section"
            reading.fault(section, str(path), f"unknown {what}{_perhaps(section, _sections())}")
        elif not isinstance(table, dict):
            reading.fault(section, str(path), f"is a section: write [{section}] and its keys below it")
        else:
            for key, value in table.items():
                _enter(f"{section}.{key}", _Entry(value, str(path)), reading)
    return None


def _read_credentials(folder: Path, reading: _Reading) -> None:
    try:
        files = sorted(file for file in folder.iterdir() if file.is_file())
    except OSError as error:
        problem = f"{folder} cannot be listed ({error.strerror}): correct or unset the variable"
        return reading.fault("CREDENTIALS_DIRECTORY", "environment", problem)
    for file in files:
        # Other credentials of the unit may lie here too; what looks like one of ours has to be one.
        section = file.name.partition(".")[0]
        if section not in _sections() and not get_close_matches(file.name, _keys(), cutoff=0.8):
            continue
        try:
            text = file.read_bytes().decode()
        except (OSError, UnicodeDecodeError):
            reading.fault(file.name, f"credential {file}", "cannot be read as UTF-8 text: write it anew")
            continue
        _enter_text(file.name, text.rstrip("\r\n"), f"credential {file}", reading)
    return None


def _read_environment(environ: Mapping[str, str], reading: _Reading) -> None:
    names = {f"{PREFIX}{name.replace('.', '__').upper()}": name for name in _keys()}
    for variable in sorted(environ):
        if variable in names:
            _enter_text(names[variable], environ[variable], f"environment {variable}", reading)
        elif variable.startswith(PREFIX):
            reading.fault(variable, "environment", f"unknown variable{_perhaps(variable, names)}")


def _enter(name: str, entry: _Entry, reading: _Reading) -> None:
    if name in _keys():
        reading.entries[name] = entry
    else:
        section, _, key = name.partition(".")
        siblings = [known.removeprefix(f"{section}.") for known in _keys() if known.startswith(f"{section}.")]
        reading.fault(name, entry.source, f"unknown key{_perhaps(key, siblings, prefix=f'{section}.')}")


def _enter_text(name: str, text: str, source: str, reading: _Reading) -> None:
    _enter(name, _Entry(_from_text(_keys().get(name, str), text), source), reading)


def _perhaps(name: str, known: Iterable[str], *, prefix: str = "") -> str:
    close = get_close_matches(name, list(known), n=1)
    return (
        f": perhaps {prefix}{close[0]} is meant?"
        if close
        else ": remove it, or see the documented config.toml for the keys"
    )


def _from_text(kind: object, text: str) -> object:
    """What *text* would be in TOML; *text* itself if it is nothing of that kind, for the validation to refuse."""
    if kind is bool:
        return _BOOLEANS.get(text.strip().lower(), text)
    if get_origin(kind) is tuple:
        return _list_from_text(text)
    if get_origin(kind) is Mapping:
        return _table_from_text(text)
    if kind is int or kind is float:
        try:
            return int(text) if kind is int else float(text)
        except ValueError:
            return text
    return text


def _list_from_text(text: str) -> object:
    if not text.lstrip().startswith("["):
        return [item.strip() for item in text.split(",") if item.strip()]
    try:
        return json.loads(text)
    except ValueError:
        return text


def _table_from_text(text: str) -> object:
    if not text.lstrip().startswith("{"):
        pairs = [item.rpartition("=") for item in text.split(",") if item.strip()]
        return {key.strip(): value.strip() for key, sign, value in pairs} if all(pair[1] for pair in pairs) else text
    try:
        return json.loads(text)
    except ValueError:
        return text


def _validated(reading: _Reading) -> Config | None:
    """The configuration if every value is good; what is not is added to the faults."""
    sections: dict[str, dict[str, object]] = {name: {} for name in _sections()}
    for name, entry in reading.entries.items():
        section, _, key = name.partition(".")
        sections[section][key] = entry.value
    made: dict[str, Section] = {}
    for section, model in _sections().items():
        try:
            made[section] = model.model_validate(sections[section])
        except ValidationError as error:
            for detail in error.errors():
                name = f"{section}.{detail['loc'][0]}"
                reading.fault(name, reading.source(name), _problem(name, detail))
    return Config.model_validate(made) if len(made) == len(sections) else None


def _problem(name: str, detail: Mapping[str, Any]) -> str:
    if detail["type"] == "value_error":
        return str(detail["ctx"]["error"])
    what = str(detail["msg"]).replace("Input should be", "should be", 1)
    if detail["type"] == "string_too_short":
        what = "should not be empty"
    # What somebody wrote for a URL may hold a password in any place.
    return what if name.endswith(".url") else f"{what}, not {mask(repr(detail['input']))[:80]}"


def _check_sqlite(path: str) -> None:
    if not path or path.endswith("/"):
        raise ValueError("names no file: write sqlite://relative.db or sqlite:///absolute.db")
    if path == ":memory:":
        raise ValueError(
            "in memory nothing would outlive the daemon: write sqlite://relative.db or sqlite:///absolute.db"
        )
    if "?" in path or "#" in path:
        raise ValueError("takes no options for SQLite: remove all from the ? or # on")


def _check_postgres(url: str) -> None:
    parts = _url_parts(url)
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
class _UrlParts:
    host: str | None
    path: str
    query: str


def _url_parts(url: str) -> _UrlParts:
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
    return _UrlParts(parts.hostname, parts.path, parts.query)


def _resolved(config: Config, folder: Path) -> Config:
    """*config* with its relative paths seen from *folder*."""
    database, redis, egress = config.database, config.redis, config.egress
    if database.url.startswith(_SQLITE):
        path = folder / database.url.removeprefix(_SQLITE)
        database = database.model_copy(update={"url": f"{_SQLITE}{path}"})
    redis = redis.model_copy(update={"embedded_dir": folder / redis.embedded_dir})
    if egress.ca_file is not None:
        egress = egress.model_copy(update={"ca_file": folder / egress.ca_file})
    return config.model_copy(update={"database": database, "redis": redis, "egress": egress})


def _toml(value: object) -> str:
    if value is None:
        return '""'
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return f"{value:.15g}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, Mapping):
        pairs = ", ".join(f"{_toml(key)} = {_toml(item)}" for key, item in value.items())
        return f"{{ {pairs} }}" if pairs else "{}"
    return json.dumps(mask(str(value)), ensure_ascii=False)
