"""The documented file: every default, every key, a comment to each."""

import re
import tomllib
from itertools import pairwise
from pathlib import Path

from daemon.config import Config, load

ROOT = Path(__file__).parents[3]


def test_the_documented_file_has_every_key_with_its_default_below_a_comment():
    text = (ROOT / "config.toml").read_text()
    assert load(ROOT / "config.toml", {}) == load(None, {}, cwd=ROOT)
    assert {name: list(table) for name, table in tomllib.loads(text).items()} == {
        name: list(table) for name, table in Config().model_dump().items()
    }
    lines = text.splitlines()
    assert not [line for before, line in pairwise(lines) if re.match(r"\w+ = ", line) and not before.startswith("#")]
