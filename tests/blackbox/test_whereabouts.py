"""Commands that only read make no database, and say of which configuration and database they speak."""

import json
import os
import subprocess
from urllib.parse import urlsplit

import pytest

from tests.blackbox.daemon import PATIENCE
from tests.blackbox.world import COMMAND
from tests.docs.docs_runner import ROOT


def said(folder, *arguments, **environment):
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


READING = ["status", "why --user 42", "parked", "quarantine list", "consumer list", "reconcile", "migrate --dry-run"]
CHANGING = ["resend --all", "quarantine drop --all", "quarantine replay --all", "consumer pause k", "secrets rotate"]


@pytest.mark.parametrize("call", [*READING, *CHANGING])
def test_a_command_makes_no_database_and_names_the_one_that_is_missing(tmp_path, call):
    answer = said(tmp_path, *call.split(), PASSBACKD_SECRETS__KEYS='["MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="]')
    assert answer.returncode in (1, 2), answer.stdout
    assert f"there is no database {tmp_path / 'state' / 'passbackd.db'}" in answer.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("more", [[], ["--deep"]], ids=["", "deep"])
def test_check_makes_no_database_and_warns_of_the_one_that_is_missing(tmp_path, valkey_url, more):
    answer = said(tmp_path, "check", *more, PASSBACKD_REDIS__URL=valkey_url)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert f"there is no database {tmp_path / 'state' / 'passbackd.db'}" in answer.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_variable_names_the_config_file_and_an_option_comes_before_it(tmp_path):
    for name in ("one", "two"):
        (tmp_path / f"{name}.toml").write_text(f'[database]\nurl = "sqlite://{name}.db"\n')
    answer = said(tmp_path, "parked", PASSBACKD_CONFIG="one.toml")
    assert f"there is no database {tmp_path / 'one.db'}" in answer.stderr
    answer = said(tmp_path, "parked", "--config", "two.toml", PASSBACKD_CONFIG="one.toml")
    assert f"there is no database {tmp_path / 'two.db'}" in answer.stderr


def test_the_help_groups_the_commands(tmp_path):
    shown = said(tmp_path, "--help").stdout
    places = [shown.index(word) for word in ("The daemon", "Campuses", "Events", "Grades")]
    assert places == sorted(places)
    assert "Commands" not in shown


@pytest.mark.parametrize("call", ["status", "check", "why --user 42"])
def test_the_first_two_lines_say_which_configuration_and_which_database(pair, call):
    daemon = pair.begin()
    daemon.stop()
    configuration, database, *_ = pair.call(*call.split()).out.splitlines()
    url = pair.settings["database"]["url"]
    assert configuration == f"configuration: {pair.config}"
    if url.startswith("sqlite://"):
        assert database == f"database: SQLite, {url.removeprefix('sqlite://')}"
    else:
        parts = urlsplit(url)
        assert database == f"database: PostgreSQL, {parts.path.lstrip('/')} on {parts.hostname}:{parts.port}"
        assert "@" not in database
    as_json = pair.call(*call.split(), "--json").out
    assert isinstance(json.loads(as_json), list if call.startswith("why") else dict)
