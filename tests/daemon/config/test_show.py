"""The effective configuration can be read again and shows no secret; the documented file has every key."""

import re
import tomllib
from itertools import pairwise
from pathlib import Path

import pytest

from daemon.config import Config, effective, load
from tests.daemon.config.files import written

ROOT = Path(__file__).parents[3]


def test_the_documented_file_has_every_key_with_its_default_below_a_comment():
    text = (ROOT / "config.toml").read_text()
    assert load(ROOT / "config.toml", {}) == load(None, {}, cwd=ROOT)
    assert {name: list(table) for name, table in tomllib.loads(text).items()} == {
        name: list(table) for name, table in Config().model_dump().items()
    }
    lines = text.splitlines()
    assert not [line for before, line in pairwise(lines) if re.match(r"\w+ = ", line) and not before.startswith("#")]


def test_the_effective_configuration_can_be_read_again(tmp_path):
    environ = {
        "PASSBACKD_EGRESS__ALLOW_NETWORKS": "10.0.0.0/8",
        "PASSBACKD_OUTCOMES__TIMEOUT_SECONDS": "2.5",
        "PASSBACKD_OUTCOMES__PROFILES": '{"a \\"b\\"": "moodle", "c.d": "canvas"}',
    }
    text, wrong = effective(written(tmp_path, "[web]\nport = 1"), environ)
    assert wrong == []
    assert "port = 1  # " in text
    assert r'profiles = { "a \"b\"" = "moodle", "c.d" = "canvas" }  # environment' in text
    assert "timeout_seconds = 2.5  # environment PASSBACKD_OUTCOMES__TIMEOUT_SECONDS\n" in text
    assert load(written(tmp_path, text), {}) == load(written(tmp_path, "[web]\nport = 1"), environ)


@pytest.mark.parametrize("wrong", [{}, {"PASSBACKD_WEB__PORT": "x"}])
@pytest.mark.parametrize(
    ("variable", "value", "shown"),
    [
        ("DATABASE__URL", "postgresql://me:sesame@host/db", 'url = "postgresql://me:***@host/db"'),
        ("REDIS__URL", "redis://:sesame@host:6379/0", 'url = "redis://:***@host:6379/0"'),
        ("REDIS__URL", "rediss://host/0?password=sesame", 'url = "rediss://host/0?password=***"'),
        ("SECRETS__KEYS", f"{'sesame' * 7}k=", "***"),
    ],
)
def test_the_effective_configuration_shows_no_secret(variable, value, shown, wrong):
    text, found = effective(None, {f"PASSBACKD_{variable}": value, **wrong})
    assert shown in text
    assert "sesame" not in text + str(found)
    assert len(found) == len(wrong)


def test_the_effective_configuration_is_shown_although_it_is_wrong(tmp_path):
    text, found = effective(
        written(tmp_path, '[web]\nport = "x"\nhost = "::"\nmystery = 1\n[egress]\nca_file = "redis://u:sesame@h"'),
        {"PASSBACKD_DATABASE__URL": "postgresql://user:sesame"},
    )
    assert {fault.key for fault in found} == {"web.mystery", "web.port", "database.url"}
    assert 'host = "::"' in text
    assert "profiles = {}  # default" in text
    assert 'port = "x"  # WRONG, ' in text
    assert 'url = "***"  # WRONG, environment PASSBACKD_DATABASE__URL' in text
    assert "sesame" not in text + str(found)


def test_only_what_differs_from_the_defaults_is_shown(tmp_path):
    given = """
        [database]
        url = "sqlite://state/passbackd.db"
        [web]
        port = 9871
        host = "::"
        [egress]
        allow_networks = ["10.0.0.0/8"]"""
    file = written(tmp_path, given)
    environ = {"PASSBACKD_LOG__LEVEL": "info", "PASSBACKD_RETENTION__LEDGER_DAYS": "30"}
    text, faults = effective(file, environ, changed=True)
    assert faults == []
    assert text.splitlines() == [
        f"# {file}",
        "",
        "[egress]",
        f'allow_networks = ["10.0.0.0/8"]  # {file}',
        "",
        "[web]",
        f'host = "::"  # {file}',
        "",
        "[retention]",
        "ledger_days = 30  # environment PASSBACKD_RETENTION__LEDGER_DAYS",
    ]
    assert load(written(tmp_path, text), {}) == load(written(tmp_path, given), environ)


def test_without_changes_there_is_nothing_to_show_but_that(tmp_path):
    assert effective(None, {}, cwd=tmp_path, changed=True)[0] == (
        "# no config file\n# every setting is as by default\n"
    )


def test_what_is_wrong_is_shown_among_the_changes_and_secrets_are_masked():
    environ = {"PASSBACKD_WEB__PORT": "many", "PASSBACKD_LOG__LEVEL": "info", "PASSBACKD_SECRETS__KEYS": "sesame"}
    text, faults = effective(None, environ, changed=True)
    assert len(faults) == 2
    assert [line.partition(" = ")[0] for line in text.splitlines() if " = " in line] == ["keys", "port"]
    assert "sesame" not in text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"[web]\nport = {'9' * 400}", f"port = {'9' * 400}  # WRONG, "),
        ("[outcomes]\nmax_attempts = 9999999999999999", "max_attempts = 9999999999999999  # WRONG, "),
        (f"[outcomes]\ntimeout_seconds = -{'9' * 400}", f"timeout_seconds = -{'9' * 400}  # WRONG, "),
    ],
)
def test_a_number_of_any_length_is_shown_as_it_was_written(tmp_path, text, shown):
    seen, found = effective(written(tmp_path, text), {})
    assert shown in seen
    assert len(found) == 1


@pytest.mark.parametrize(
    "text",
    [
        f"[web]\nport = {'9' * 5_000}",
        f"[web]\nport = 0x{'f' * 5_000}",
        f"[egress]\nallow_networks = [0x{'f' * 5_000}]",
        f"[outcomes]\nprofiles = {{ a = {'9' * 5_000} }}",
    ],
)
def test_a_number_that_is_too_long_to_be_shown_is_a_fault_of_the_file(tmp_path, text):
    _, (fault,) = effective(written(tmp_path, text), {})
    assert str(fault).endswith("config.toml): holds a number of thousands of digits: write a smaller one")


def test_a_file_that_is_nested_too_deeply_is_a_fault(tmp_path):
    _, (fault,) = effective(written(tmp_path, f"[web]\nnames = {'[' * 10_000}"), {})
    assert str(fault).endswith("config.toml): is nested too deeply: write it anew")
    _, (fault,) = effective(None, {"PASSBACKD_EGRESS__CAMPUSES": f'{{"a": {"[" * 10_000}'})
    assert str(fault).startswith("egress.campuses (environment")


def test_numbers_of_any_length_in_the_environment_are_faults():
    for value in ("9" * 400, "9" * 5_000):
        for name in ("web.port", "worker.drain_seconds", "retention.stream_days", "outcomes.max_attempts"):
            shown, (fault,) = effective(None, {f"PASSBACKD_{name.upper().replace('.', '__')}": value})
            assert "# WRONG, environment" in shown
            assert str(fault).startswith(f"{name} (environment")
            assert len(str(fault)) < 300
