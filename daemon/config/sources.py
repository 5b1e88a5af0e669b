"""Where settings come from: the file, credentials, the environment. Each source lists its own errors."""

import json
import re
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_origin

from pydantic import TypeAdapter, ValidationError

from daemon.config.errors import ConfigFault, unknown
from daemon.config.sections import keys, sections

#: An environment variable is this, the section, two underscores and the key, all in capitals.
PREFIX = "PASSBACKD_"
#: Names the config file; no key is called so.
CONFIG_VARIABLE = f"{PREFIX}CONFIG"
#: How systemd names the files of a folder that the unit loads as the credential ``passbackd``.
FOLDER_PREFIX = "passbackd_"


class FileSource:
    """The file, if there is one. *values*: what it holds, a dictionary a section."""

    def __init__(self, path: Path | None) -> None:
        self.faults: list[ConfigFault] = []
        self._path = path
        self.values = {} if path is None else self._tables(path)

    def origin(self, _name: str) -> str:
        return str(self._path)

    def _tables(self, path: Path) -> dict[str, Any]:
        """What is in sections. The rest is refused here, since a section of another source would hide it."""
        content = self._content(path)
        for name in [name for name, table in content.items() if not isinstance(table, dict)]:
            problem = unknown("key outside a section", name, sections())
            if name in sections():
                problem = f"is a section: write [{name}] and its keys below it"
            self.faults.append(ConfigFault(name, str(path), problem))
            del content[name]
        return content

    def _content(self, path: Path) -> dict[str, Any]:
        try:
            content = tomllib.loads(path.read_bytes().decode("utf-8-sig"))
            str(content)  # fails where it holds a number that no message could show
        except OSError as error:
            problem = f"cannot be read: {error.strerror}"
        except UnicodeDecodeError as error:
            problem = f"is not UTF-8 (byte {error.start}): save it as UTF-8"
        except tomllib.TOMLDecodeError as error:
            problem = f"is not TOML: {error}; correct that line"
        except RecursionError:
            problem = "is nested too deeply: write it anew"
        except ValueError:
            problem = "holds a number of thousands of digits: write a smaller one"
        else:
            return content
        self.faults.append(ConfigFault(path.name, str(path), problem))
        return {}


class CredentialsSource:
    """The files of *folder*, named ``section.key``, or that behind :data:`FOLDER_PREFIX`; the former wins."""

    def __init__(self, folder: Path | None) -> None:
        self.faults: list[ConfigFault] = []
        self._origins: dict[str, Path] = {}
        self.values = _values({} if folder is None else self._texts(folder))

    def origin(self, name: str) -> str:
        return f"credential {self._origins[name]}"

    def _texts(self, folder: Path) -> dict[str, str]:
        try:
            files = sorted(file for file in folder.iterdir() if file.is_file())
        except OSError as error:
            problem = f"{folder} cannot be listed ({error.strerror}): correct or unset the variable"
            self.faults.append(ConfigFault("CREDENTIALS_DIRECTORY", "environment", problem))
            return {}
        texts = {}
        for file in sorted(files, key=lambda file: not file.name.startswith(FOLDER_PREFIX)):
            name = file.name.removeprefix(FOLDER_PREFIX)
            self._origins[name] = file
            if name in keys():
                try:
                    texts[name] = file.read_bytes().decode().rstrip("\r\n")
                except (OSError, UnicodeDecodeError):
                    problem = "cannot be read as UTF-8 text: write it anew"
                    self.faults.append(ConfigFault(name, self.origin(name), problem))
            # Other credentials of the unit may be here too; one that resembles a key has to be one.
            elif name.partition(".")[0] in sections() or get_close_matches(name, keys(), cutoff=0.8):
                self.faults.append(ConfigFault(name, self.origin(name), unknown("key", name, keys())))
        return texts


class EnvironmentSource:
    """The variables of *environ* that begin with :data:`PREFIX`."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        names = {_variable(name): name for name in keys()}
        self.faults = [
            ConfigFault(variable, "environment", unknown("variable", variable, names))
            for variable in sorted(environ)
            if variable.startswith(PREFIX) and variable not in names and variable != CONFIG_VARIABLE
        ]
        self.values = _values({name: environ[variable] for variable, name in names.items() if variable in environ})

    def origin(self, name: str) -> str:
        return f"environment {_variable(name)}"


def _variable(name: str) -> str:
    return PREFIX + name.replace(".", "__").upper()


def _values(texts: Mapping[str, str]) -> dict[str, dict[str, object]]:
    """What the texts by ``section.key`` say, a dictionary a section."""
    found: dict[str, dict[str, object]] = {}
    for name, text in texts.items():
        section, _, key = name.partition(".")
        found.setdefault(section, {})[key] = _from_text(keys()[name].annotation, text)
    return found


def _from_text(kind: object, text: str) -> object:
    """What *text* would be in TOML; *text* itself if it is nothing of that kind, for the validation to refuse."""
    try:
        if kind in (bool, int, float):
            return TypeAdapter[Any](kind).validate_python(text.strip())
        if get_origin(kind) is tuple:
            return json.loads(text) if text.lstrip().startswith("[") else _items(text)
        if get_origin(kind) is Mapping:
            return json.loads(text) if text.lstrip().startswith("{") else dict(map(_pair, _items(text)))
    except (ValidationError, ValueError, RecursionError):
        pass
    return text


def _items(text: str) -> list[str]:
    return [item.strip() for item in re.split("[,\n]", text) if item.strip()]


def _pair(text: str) -> tuple[str, str]:
    key, sign, value = text.rpartition("=")
    if not sign:
        raise ValueError
    return key.strip(), value.strip()
