"""The documented file: every default, every key, a comment to each."""

import re
import tomllib
from itertools import pairwise
from pathlib import Path

from daemon.config import Config, load

ROOT = Path(__file__).parents[3]


def test_the_documented_file_says_the_defaults():
    assert load(ROOT / "config.toml", {}) == load(ROOT / "config.toml", {"CREDENTIALS_DIRECTORY": ""})
    assert load(ROOT / "config.toml", {}) == load(None, {}, cwd=ROOT)


def test_the_documented_file_names_every_key():
    content = tomllib.loads((ROOT / "config.toml").read_text())
    assert {name: list(table) for name, table in content.items()} == {
        name: list(table) for name, table in Config().model_dump().items()
    }


def test_every_key_of_the_documented_file_has_a_comment_above():
    lines = (ROOT / "config.toml").read_text().splitlines()
    bare = [line for before, line in pairwise(lines) if re.match(r"\w+ = ", line) and not before.startswith("#")]
    assert bare == []
