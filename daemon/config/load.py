"""Finding, reading and validating the configuration."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from daemon.config.faults import ConfigError, Fault
from daemon.config.sections import Config, Section, sections
from daemon.config.sources import Reading, read_credentials, read_environment, read_file
from daemon.config.values import SQLITE, mask

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Looked for in the current folder, if no file is named.
FILE_NAME = "config.toml"
SYSTEM_FILE = Path("/etc/passbackd/config.toml")

#: Keys of which nothing is quoted: what somebody wrote for them may hold a secret in any place.
UNQUOTED = frozenset({"database.url", "redis.url", "secrets.keys"})


@dataclass(frozen=True, slots=True)
class Loaded:
    """A valid configuration, its relative paths made absolute."""

    config: Config
    #: None: there is no file, and what nobody set has its default.
    file: Path | None


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
    config, reading = read(path, environ, cwd)
    if config is None or reading.faults:
        raise ConfigError(reading.faults)
    return Loaded(config, path)


def read(path: Path | None, environ: Mapping[str, str], cwd: Path | None) -> tuple[Config | None, Reading]:
    reading = Reading()
    if path is not None:
        read_file(path, reading)
    if folder := environ.get("CREDENTIALS_DIRECTORY"):
        read_credentials(Path(folder), reading)
    read_environment(environ, reading)
    config = _validated(reading)
    if config is not None:
        config = _resolved(config, ((cwd or Path.cwd()) / path).parent if path else cwd or Path.cwd())
        _check_ca_files(config, reading)
    return config, reading


def _check_ca_files(config: Config, reading: Reading) -> None:
    named = {"egress.ca_file": config.egress.ca_file}
    named |= {f"egress.campuses.{key}.ca_file": own.ca_file for key, own in config.egress.campuses.items()}
    for name, file in named.items():
        if file is not None and not _is_file(file):
            source = reading.source(".".join(name.split(".")[:2]))
            reading.fault(name, source, f"there is no file {mask(str(file))}: check the path, or leave it empty")


def _is_file(file: Path) -> bool:
    try:
        return file.is_file()
    except OSError:  # its name is too long, or it lies where we may not look
        return False


def _is_there(file: Path) -> bool:
    try:
        return file.is_file()
    except OSError:
        # Reading it will say why not, where passing over it would surprise.
        return True


def _validated(reading: Reading) -> Config | None:
    """The configuration if every value is good; what is not is added to the faults."""
    found: dict[str, dict[str, object]] = {name: {} for name in sections()}
    for name, entry in reading.entries.items():
        section, _, key = name.partition(".")
        found[section][key] = entry.value
    made: dict[str, Section] = {}
    for section, model in sections().items():
        try:
            made[section] = model.model_validate(found[section])
        except ValidationError as error:
            for detail in error.errors():
                name = f"{section}.{detail['loc'][0]}"
                reading.fault(name, reading.source(name), _problem(name, detail))
    return Config.model_validate(made) if len(made) == len(found) else None


def _problem(name: str, detail: Mapping[str, Any]) -> str:
    if detail["type"] == "value_error":
        return str(detail["ctx"]["error"])
    what = str(detail["msg"]).replace("Input should be", "should be", 1)
    if detail["type"] == "string_too_short":
        what = "should not be empty"
    return what if name in UNQUOTED else f"{what}, not {mask(repr(detail['input']))[:80]}"


def _resolved(config: Config, folder: Path) -> Config:
    """*config* with its relative paths seen from *folder*."""
    database, redis, egress = config.database, config.redis, config.egress
    if database.url.startswith(SQLITE):
        path = folder / database.url.removeprefix(SQLITE)
        database = database.model_copy(update={"url": f"{SQLITE}{path}"})
    redis = redis.model_copy(update={"embedded_dir": folder / redis.embedded_dir})
    if egress.ca_file is not None:
        egress = egress.model_copy(update={"ca_file": folder / egress.ca_file})
    campuses = {
        key: own if own.ca_file is None else own.model_copy(update={"ca_file": folder / own.ca_file})
        for key, own in egress.campuses.items()
    }
    egress = egress.model_copy(update={"campuses": campuses})
    return config.model_copy(update={"database": database, "redis": redis, "egress": egress})
