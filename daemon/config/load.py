"""Finding, reading and validating the configuration."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from daemon.config.errors import ConfigError, ConfigFault, unknown
from daemon.config.sections import Config, DatabaseSection, keys, sections
from daemon.config.sources import CredentialsSource, EnvironmentSource, FileSource
from daemon.config.urls import SQLITE, mask

#: The name of the file in the current folder, if none is given.
FILE_NAME = "config.toml"
SYSTEM_FILE = Path("/etc/passbackd/config.toml")

#: Keys whose values are secrets as a whole.
SECRET_SETTINGS = frozenset({"secrets.keys", "intake.tokens", "web.proxy_secret"})
#: Keys whose values are never quoted: any part of one may be a secret.
UNQUOTED = SECRET_SETTINGS | {"database.url", "redis.url"}


@dataclass(frozen=True, slots=True)
class Sources:
    """The values and origins of all sources by ``section.key``; *config*, what they make, is None if one is wrong."""

    config: Config | None
    faults: list[ConfigFault]
    values: dict[str, object]
    origins: dict[str, str]


def find_config_file(given: Path | None, cwd: Path, *, system: Path = SYSTEM_FILE) -> Path | None:
    """The file to read: *given* (ConfigError if it is absent), else that in *cwd*, else *system*; None without any."""
    # A file that cannot be examined is chosen: reading it says why not, where another in its place would surprise.
    if given is None:
        return next((file for file in (cwd / FILE_NAME, system) if _is_file(file, if_unknown=True)), None)
    if not _is_file(cwd / given, if_unknown=True):
        raise ConfigError([ConfigFault("--config", str(given), "there is no such file: check the path")])
    return cwd / given


def load(path: Path | None, environ: Mapping[str, str], *, cwd: Path | None = None) -> Config:
    """
    Read the configuration: environment before credentials before the file *path* before the defaults.

    Relative paths become absolute: they start at the folder of the file, or at *cwd* if there is no file.

    Raises:
        ConfigError: With every error that there is.
    """
    read = read_sources(path, environ, cwd)
    if read.config is None or read.faults:
        raise ConfigError(read.faults)
    return read.config


def read_sources(path: Path | None, environ: Mapping[str, str], cwd: Path | None) -> Sources:
    """Read all sources. The result has every error, and whatever else can be shown."""
    credentials = environ.get("CREDENTIALS_DIRECTORY")
    sources = (
        FileSource(path),
        CredentialsSource(Path(credentials) if credentials else None),
        EnvironmentSource(environ),
    )
    faults = [fault for source in sources for fault in source.faults]
    values: dict[str, object] = {}
    origins: dict[str, str] = {}
    tables: dict[str, dict[str, object]] = {}
    for source in sources:
        for section, table in source.values.items():
            tables.setdefault(section, {}).update(table)
            for key, value in table.items():
                name = f"{section}.{key}"
                values[name], origins[name] = value, source.origin(name)
    config = None
    try:
        config = Config.model_validate(tables)
    except ValidationError as error:
        for detail in error.errors():
            name = ".".join(map(str, detail["loc"][:2]))
            # Only the file can have what is no key.
            origin = origins.get(name, "default" if name in keys() else str(path))
            faults.append(ConfigFault(name, origin, _problem(name, detail)))
    else:
        folder = cwd or Path.cwd()
        config = _absolute(config, (folder / path).parent if path else folder)
        faults += _missing_ca_files(config, origins)
    return Sources(config, faults, values, origins)


def _problem(name: str, detail: ErrorDetails) -> str:
    section, _, key = name.partition(".")
    match detail["type"]:
        case "extra_forbidden" if not key:
            return unknown("section", section, sections())
        case "extra_forbidden" if name not in keys():
            return unknown("key", key, sections()[section].model_fields, prefix=f"{section}.")
        case "value_error":
            return str(detail["ctx"]["error"])
        case "string_too_short":
            what = "should not be empty"
        case _:
            what = detail["msg"].replace("Input should be", "should be", 1)
    return what if name in UNQUOTED else f"{what}, not {mask(repr(detail['input']))[:80]}"


def _absolute(value: Any, folder: Path) -> Any:
    """*value* with every relative path in it below *folder*."""
    if isinstance(value, DatabaseSection) and value.url.startswith(SQLITE):
        return value.model_copy(update={"url": f"{SQLITE}{folder / value.url.removeprefix(SQLITE)}"})
    if isinstance(value, BaseModel):
        return value.model_copy(update={name: _absolute(item, folder) for name, item in value})
    if isinstance(value, dict):
        return {key: _absolute(item, folder) for key, item in value.items()}
    return folder / value if isinstance(value, Path) else value


def _missing_ca_files(config: Config, origins: Mapping[str, str]) -> Iterator[ConfigFault]:
    files = {"egress.ca_file": config.egress.ca_file}
    files |= {f"egress.campuses.{key}.ca_file": own.ca_file for key, own in config.egress.campuses.items()}
    for name, file in files.items():
        if file is not None and not _is_file(file, if_unknown=False):
            origin = origins[".".join(name.split(".")[:2])]
            yield ConfigFault(name, origin, f"there is no file {mask(str(file))}: check the path, or leave it empty")


def _is_file(file: Path, *, if_unknown: bool) -> bool:
    """Whether *file* is one; *if_unknown* if its name is too long, or its folder may not be read."""
    try:
        return file.is_file()
    except OSError:
        return if_unknown
