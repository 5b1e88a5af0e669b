"""Where settings come from: the file, credentials, the environment."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, get_origin

from daemon.config.faults import Fault
from daemon.config.sections import keys, sections

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

#: An environment variable is this, the section, two underscores and the key, all in capitals.
PREFIX = "PASSBACKD_"

_BOOLEANS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


@dataclass(frozen=True, slots=True)
class Entry:
    value: object
    source: str


@dataclass(slots=True)
class Reading:
    """What was found, by ``section.key``, and what was wrong with it."""

    entries: dict[str, Entry] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def source(self, name: str) -> str:
        return self.entries[name].source if name in self.entries else "default"

    def fault(self, key: str, source: str, problem: str) -> None:
        self.faults.append(Fault(key, source, problem))


def read_file(path: Path, reading: Reading) -> None:
    try:
        content = tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        return reading.fault(path.name, str(path), f"cannot be read: {error.strerror}")
    except UnicodeDecodeError as error:
        return reading.fault(path.name, str(path), f"is not UTF-8 (byte {error.start}): save it as UTF-8")
    except tomllib.TOMLDecodeError as error:
        return reading.fault(path.name, str(path), f"is not TOML: {error}; correct that line")
    for section, table in content.items():
        if section not in sections():
            what = "section" if isinstance(table, dict) else "key outside a section"
            reading.fault(section, str(path), f"unknown {what}{_perhaps(section, sections())}")
        elif not isinstance(table, dict):
            reading.fault(section, str(path), f"is a section: write [{section}] and its keys below it")
        else:
            for key, value in table.items():
                _enter(f"{section}.{key}", Entry(value, str(path)), reading)
    return None


def read_credentials(folder: Path, reading: Reading) -> None:
    try:
        files = sorted(file for file in folder.iterdir() if file.is_file())
    except OSError as error:
        problem = f"{folder} cannot be listed ({error.strerror}): correct or unset the variable"
        return reading.fault("CREDENTIALS_DIRECTORY", "environment", problem)
    for file in files:
        # Other credentials of the unit may lie here too; what looks like one of ours has to be one.
        section = file.name.partition(".")[0]
        if section not in sections() and not get_close_matches(file.name, keys(), cutoff=0.8):
            continue
        try:
            text = file.read_bytes().decode()
        except (OSError, UnicodeDecodeError):
            reading.fault(file.name, f"credential {file}", "cannot be read as UTF-8 text: write it anew")
            continue
        _enter_text(file.name, text.rstrip("\r\n"), f"credential {file}", reading)
    return None


def read_environment(environ: Mapping[str, str], reading: Reading) -> None:
    names = {f"{PREFIX}{name.replace('.', '__').upper()}": name for name in keys()}
    for variable in sorted(environ):
        if variable in names:
            _enter_text(names[variable], environ[variable], f"environment {variable}", reading)
        elif variable.startswith(PREFIX):
            reading.fault(variable, "environment", f"unknown variable{_perhaps(variable, names)}")


def _enter(name: str, entry: Entry, reading: Reading) -> None:
    if name in keys():
        reading.entries[name] = entry
    else:
        section, _, key = name.partition(".")
        siblings = [known.removeprefix(f"{section}.") for known in keys() if known.startswith(f"{section}.")]
        reading.fault(name, entry.source, f"unknown key{_perhaps(key, siblings, prefix=f'{section}.')}")


def _enter_text(name: str, text: str, source: str, reading: Reading) -> None:
    _enter(name, Entry(_from_text(keys().get(name, str), text), source), reading)


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
        return [item.strip() for item in text.replace("\n", ",").split(",") if item.strip()]
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
