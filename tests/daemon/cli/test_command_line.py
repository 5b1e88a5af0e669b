"""The command line: help, wrong use and wrong configuration, all of which end before a server is opened."""

import asyncio
import json
import os
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from daemon.cli.app import app
from daemon.cli.lazy import SUBCOMMANDS
from models.db.database import open_database
from models.db.migrate import migrate
from tests.daemon.cli.commands import commands
from tests.models.rows import make_assignment

BEYOND = "9" * 30


def call(*arguments, **environment):
    return CliRunner().invoke(app, arguments, env=environment, prog_name="passbackd")


@pytest.mark.parametrize("command", sorted(commands()))
def test_each_command_has_help_with_an_example(command):
    said = call(*command.split(), "--help")
    words = " ".join(said.stdout.split())
    assert said.exit_code == 0
    assert f"passbackd {command}" in words.partition("Example:")[2]
    assert "--config" in words


@pytest.mark.parametrize("command", ["", "consumer", "quarantine", *sorted(commands())])
def test_the_help_names_what_an_option_takes_and_no_type_of_python(command):
    shown = call(*command.split(), "--help", TERMINAL_WIDTH="200").stdout
    for word in ("<", ">", "9223372036854775807", "TEXT", "INTEGER", "STR"):
        assert word not in shown


def test_the_release_is_shown_without_a_config_file():
    said = call("--version")
    assert (said.exit_code, said.stdout.split()[0]) == (0, "passbackd")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["frobnicate"], "frobnicate"),
        (["run", "--confg", "x"], "--confg"),
        (["resend"], "which grades? give --assignment"),
        (["resend", "--since", "yesterday"], "--since: 'yesterday' is no time"),
        (["resend", "--since", "2026-03-02T14:00:00"], "has no time zone"),
        (["resend", "--since", "9999-12-31T24:00:00Z"], "--since: '9999-12-31T24:00:00Z' is no time"),
        (["actions", "--since", "9999-12-31T23:59:60Z"], "--since: '9999-12-31T23:59:60Z' is no time"),
        (["baseline", "--before", "2026-03-02T14:00:00Z"], "which grades? give --consumer or --course"),
        (["baseline", "--all", "--before", "2026-03-02T14:00:00"], "--before: '2026-03-02T14:00:00' has no time zone"),
        (["baseline", "--all"], "--before"),
        (["resend", "--assignment", BEYOND], "--assignment"),
        (["resend", "--assignment", "0"], "--assignment"),
        (["quarantine", "show", BEYOND], "ID"),
        (["quarantine", "list", "--limit", BEYOND], "--limit"),
        (["quarantine", "drop"], "which events? give their ids"),
        (["quarantine", "replay"], "which events? give their ids"),
        (["why"], "whose grades? give --user ID"),
        (["why", "--json", "--usage", "u"], "--usage needs --course, or a learner"),
        (["why", "--json"], "--lti-user ID"),
        (["why", "--course", "c", "--usage", "u", "--ask-campus"], "--ask-campus: whose grade?"),
        (["why", "--user", ""], "--user: give an id"),
        (["why", "--course", "c", "--consumer", "example"], "--consumer: whose grades?"),
    ],
)
def test_wrong_use_ends_with_2_and_says_what_to_give(arguments, words):
    said = call(*arguments)
    assert said.exit_code == 2, said.output
    assert words in said.stderr


def test_without_a_command_the_help_is_shown():
    said = call()
    assert said.exit_code == 2
    assert "Usage: passbackd" in said.output


def test_a_config_with_faults_is_shown_without_secrets_and_ends_with_2():
    wrong = {"DATABASE__URL": "oracle://scott:tiger@host", "WEB__PORT": "many", "SECRETS__KEYS": "no key at all"}
    said = call("config", **{f"PASSBACKD_{name}": value for name, value in wrong.items()})
    assert said.exit_code == 2
    assert {line.partition(" (")[0] for line in said.stderr.splitlines()} == {
        "database.url",
        "web.port",
        "secrets.keys",
    }
    assert "WRONG" in said.stdout
    assert "tiger" not in said.output
    assert "no key at all" not in said.output


def test_a_wrong_configuration_is_a_json_document_of_check():
    said = call("check", "--json", PASSBACKD_WEB__PORT="ninety")
    (finding,) = json.loads(said.stdout)["findings"]
    assert (said.exit_code, said.stderr, finding["about"]) == (2, "", "web.port")


#: What takes a part of a second to import, in this project and in others.
HEAVY = (
    "aiohttp asyncio asyncpg cryptography dramatiq lxml models oauthlib prometheus_client pydantic redis rich "
    "structlog tortoise"
)


def imported(*arguments: str, **environment: str) -> set[str]:
    """The packages that are imported when the command has ended."""
    shown = "; ".join(
        [
            "import atexit, sys",
            "atexit.register(lambda: print(*{name.partition('.')[0] for name in sys.modules}, file=sys.stderr))",
            f"sys.argv[1:] = {list(arguments)!r}",
            "from daemon.cli import main",
            "main()",
        ]
    )
    said = subprocess.run(
        [sys.executable, "-c", shown],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    return set(said.stderr.splitlines()[-1].split())


def test_the_release_is_shown_without_any_library():
    assert imported("--version") & {*HEAVY.split(), "typer"} == set()
    assert "daemon" in imported("--version"), "it is looked at the right process"


def test_other_commands_do_not_wait_for_the_libraries_that_only_some_need():
    found = imported("parked", "--help")
    assert found & {"aiohttp", "dramatiq", "prometheus_client", "uvloop"} == set()
    assert "tortoise" in found


@pytest.fixture
def with_data(tmp_path):
    """The settings of an SQLite database that has a campus with grades."""
    url = f"sqlite://{tmp_path}/status.db"

    async def fill() -> None:
        await migrate(url)
        async with open_database(url):
            await make_assignment()
            await make_assignment(sent_version=1, sent_at=5, sent_score="1")

    asyncio.run(fill())
    return {"PASSBACKD_DATABASE__URL": url}


#: Of what takes a part of a second to import, what the status does with.
_OF_STATUS = {"asyncio", "models", "pydantic", "rich"}


def test_the_status_of_a_database_is_shown_without_most_libraries(with_data, valkey_url):
    for redis_url, more in (("redis://127.0.0.1:1/0", set()), (valkey_url, {"redis", "cryptography"})):
        found = imported("status", **with_data, PASSBACKD_REDIS__URL=redis_url)
        assert found & set(HEAVY.split()) == _OF_STATUS | more


def test_a_status_that_finds_something_wrong_says_so_with_the_libraries(tmp_path):
    found = imported("status", PASSBACKD_DATABASE__URL=f"sqlite://{tmp_path}/none.db")
    assert "tortoise" in found


def test_each_subcommand_is_in_the_help_in_the_order_in_which_a_newcomer_needs_them():
    words = [line.split()[1:2] for line in call("--help").stdout.splitlines()]
    listed = [word for line in words for word in line if word in SUBCOMMANDS]
    assert listed == list(SUBCOMMANDS)
