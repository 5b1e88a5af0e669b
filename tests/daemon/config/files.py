"""Configuration files for tests, and the faults that they have."""

from pathlib import Path

import pytest

from daemon.config import ConfigError, load


def written(folder: Path, text: str) -> Path:
    file = folder / "config.toml"
    file.write_text(text)
    return file


def faults(folder: Path, text: str = "", environ: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(written(folder, text), environ or {})
    assert str(caught.value) == "\n".join(map(str, caught.value.faults))
    assert all("\n" not in str(fault) for fault in caught.value.faults)
    return [str(fault) for fault in caught.value.faults]
