"""The effective configuration, and how its values are written in TOML."""

import json
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, SecretStr

from daemon.config.errors import ConfigFault
from daemon.config.load import SECRET_SETTINGS, UNQUOTED, Sources, read_sources
from daemon.config.sections import keys
from daemon.config.urls import mask


def effective(
    path: Path | None, environ: Mapping[str, str], *, cwd: Path | None = None, changed: bool = False
) -> tuple[str, list[ConfigFault]]:
    """
    The effective configuration as TOML, each key with its source and secrets masked, and its errors.

    If it is invalid, values are shown as they were written.

    Args:
        changed: Leave out what is as by default.
    """
    read = read_sources(path, environ, cwd)
    wrong = {fault.key for fault in read.faults}
    hidden = wrong & UNQUOTED
    if read.config is None:
        hidden |= SECRET_SETTINGS & read.values.keys()  # as they were written, which shows them
    folder = cwd or Path.cwd()
    # Relative paths among the defaults start where those of the file do.
    defaults = read_sources(None, {}, (folder / path).parent if path else folder)
    lines = [f"# {path}" if path else "# no config file"]
    for name, info in keys().items():
        section, _, key = name.partition(".")
        if changed and name not in wrong and not _differs(name, read, defaults):
            continue
        if f"[{section}]" not in lines:
            lines += ["", f"[{section}]"]
        if name in hidden:
            value: object = "***"
        elif read.config is not None:
            value = getattr(getattr(read.config, section), key)
        else:
            value = read.values.get(name, info.get_default(call_default_factory=True))
        origin = read.origins.get(name, "default")
        lines.append(f"{key} = {toml(value)}  # {'WRONG, ' if name in wrong else ''}{origin}")
    if len(lines) == 1:
        lines.append("# every setting is as by default")
    return "\n".join(lines) + "\n", read.faults


def _differs(name: str, read: Sources, defaults: Sources) -> bool:
    if read.config is None or defaults.config is None:
        return name in read.values and read.values[name] != keys()[name].get_default(call_default_factory=True)
    section, _, key = name.partition(".")
    return bool(getattr(getattr(read.config, section), key) != getattr(getattr(defaults.config, section), key))


def toml(value: object) -> str:
    """*value* in TOML, its secrets masked; None, for which TOML has no word, as an empty text."""
    if value is None:
        return '""'
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(value) if isinstance(value, int) else f"{value:.15g}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml, value))}]"
    if isinstance(value, BaseModel):
        value = value.model_dump(exclude_defaults=True)
    if isinstance(value, Mapping):
        pairs = ", ".join(f"{toml(key)} = {toml(item)}" for key, item in value.items())
        return f"{{ {pairs} }}" if pairs else "{}"
    text = "***" if isinstance(value, SecretStr) else mask(str(value))
    return json.dumps(text, ensure_ascii=False)
