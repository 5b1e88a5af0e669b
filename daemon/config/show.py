"""The configuration in force, shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from daemon.config.load import UNQUOTED, read
from daemon.config.sections import sections
from daemon.config.values import toml

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from daemon.config.faults import Fault


def effective(path: Path | None, environ: Mapping[str, str], *, cwd: Path | None = None) -> tuple[str, list[Fault]]:
    """
    The configuration in force as TOML, each key with its source and secrets masked, and its faults.

    What cannot be used is shown as it was written.
    """
    config, reading = read(path, environ, cwd)
    wrong = {fault.key for fault in reading.faults}
    lines = [f"# {path}" if path else "# no config file"]
    for section, model in sections().items():
        lines += ["", f"[{section}]"]
        for key, info in model.model_fields.items():
            name = f"{section}.{key}"
            if config is not None:
                value = getattr(getattr(config, section), key)
            else:
                default = info.get_default(call_default_factory=True)
                value = reading.entries[name].value if name in reading.entries else default
            if name in wrong and name in UNQUOTED:
                # Where its password begins is anybody's guess.
                value = "***"
            lines.append(f"{key} = {toml(value)}  # {'WRONG, ' if name in wrong else ''}{reading.source(name)}")
    return "\n".join(lines) + "\n", reading.faults
