"""An environment that the real Tutor rendered with the plugin."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.blackbox.conftest import make_world

__all__ = ["make_world"]

#: Of the environment that ``make test`` installs Tutor into.
BIN = Path(sys.prefix) / "tutor/bin"

_AS_JSON = "import json, sys, yaml; json.dump(list(yaml.safe_load_all(sys.stdin)), sys.stdout, default=str)"


class Tutor:
    """Tutor with its plugin enabled, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self._environment = os.environ | {"TUTOR_ROOT": str(folder), "TUTOR_PLUGINS_ROOT": str(folder / "plugins")}
        self._rendered = folder / "env"
        self.run("plugins", "enable", "passbackd")

    def run(self, *arguments: str) -> str:
        command = [str(BIN / "tutor"), *arguments]
        done = subprocess.run(command, env=self._environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def save(self, **settings: object) -> None:
        """Render everything, with *settings*."""
        self.run("config", "save", *(f"--set={name}={json.dumps(value)}" for name, value in settings.items()))

    def file(self, path: str) -> Path:
        return self._rendered / path

    def yaml(self, path: str) -> list[dict[str, Any]]:
        """The documents of a file, as Tutor's own YAML reads them."""
        text = self.file(path).read_bytes()
        read = subprocess.run([str(BIN / "python"), "-c", _AS_JSON], input=text, capture_output=True, check=True)
        return [document for document in json.loads(read.stdout) if document]


@pytest.fixture(scope="module")
def tutor(tmp_path_factory: pytest.TempPathFactory) -> Tutor:
    made = Tutor(tmp_path_factory.mktemp("tutor"))
    made.save()
    return made
