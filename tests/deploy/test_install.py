"""`make install` under a prefix: it runs as the unit says, outlives a wrong configuration, and goes without a trace."""

import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.blackbox.supervisor import listening_supervisor
from tests.deploy.debian import systemd_analyze
from tests.docs.docs_runner import ROOT
from tests.docs.test_docs_runner import free_ports

#: Seconds: each installs packages, and the first may wait for a build.
pytestmark = pytest.mark.timeout(700)


@pytest.fixture
def place(tmp_path):
    return {name: str(tmp_path / name) for name in ("PREFIX", "UNITDIR", "STATEDIR", "BINDIR")}


def make(target: str, place: dict[str, str], umask: int = 0o022, code: int = 0) -> str:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PASSBACKD_", "MAKE"))}
    words = ["make", target, *(f"{name}={value}" for name, value in place.items())]
    done = subprocess.run(words, cwd=ROOT, env=clean, capture_output=True, text=True, check=False, umask=umask)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def command(unit: Path) -> list[str]:
    (line,) = re.findall(r"^ExecStart=(.*)$", unit.read_text(), re.MULTILINE)
    return shlex.split(line)


def readable_by_all(file: Path) -> bool:
    return file.is_symlink() or file.stat().st_mode & 0o004 != 0


def broken_links(folder: Path) -> list[str]:
    """The links of its pages to files that are not there."""
    return [
        f"{page.name}: {target}"
        for page in folder.rglob("*.md")
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text())
        if not (page.parent / target).exists()
    ]


def test_it_is_installed_without_an_index_runs_reloads_upgrades_and_goes(place, tmp_path, dist):
    pex = str(dist / "passbackd.pex")
    make("install", {**place, "PEX": pex})
    unit, config = Path(place["UNITDIR"], "passbackd.service"), Path(place["PREFIX"], "etc", "passbackd", "config.toml")
    said = systemd_analyze().run("verify", unit)
    assert (said.returncode, said.stdout) == (0, "")
    (page,) = re.findall(r"^Documentation=file:(.*)$", unit.read_text(), re.MULTILINE)
    assert Path(page).exists()
    assert broken_links(Path(place["PREFIX"], "share", "doc", "passbackd")) == []

    web, embedded = free_ports(2)
    with listening_supervisor(tmp_path) as supervisor:
        process = subprocess.Popen(
            command(unit),
            cwd=tmp_path,
            env={
                "PATH": os.environ["PATH"],
                "NOTIFY_SOCKET": supervisor.address,
                "WATCHDOG_USEC": "60000000",
                "PASSBACKD_WEB__PORT": str(web),
                "PASSBACKD_REDIS__EMBEDDED_PORT": str(embedded),
            },
            stderr=subprocess.DEVNULL,
        )
        try:
            supervisor.wait_for("READY=1")
            supervisor.wait_for("WATCHDOG=1")
            config.write_text(config.read_text() + "[nonsense]\n")
            process.send_signal(signal.SIGHUP)
            supervisor.wait_for("READY=1", 2)
            assert process.poll() is None, "a wrong configuration ended it"
        finally:
            process.terminate()
            code = process.wait(60)
        assert code == 0
        assert "STOPPING=1" in supervisor.heard()
    assert Path(place["STATEDIR"], "passbackd.db").exists()

    credential = config.parent / "credentials" / "secrets.keys"
    credential.write_text("a key")
    assert f"kept {config}" in make("install", {**place, "PEX": pex}), "an upgrade leaves the configuration as it is"
    assert Path(command(unit)[0]).exists()
    assert config.read_text().endswith("[nonsense]\n")
    said = make("uninstall", place)
    for left in (config, credential.parent, place["STATEDIR"]):
        assert re.search(rf"^left: .* {left}( |$)", said, re.MULTILINE)
    assert {file for file in Path(place["PREFIX"]).rglob("*") if file.is_file()} == {config, credential}
    assert not unit.exists()
    assert Path(place["STATEDIR"], "passbackd.db").exists()


def test_what_was_not_changed_leaves_no_trace_at_all_and_what_is_of_others_stays(place):
    prefix = Path(place["PREFIX"])
    for other in ("share/doc/other", "etc/other", "lib/other"):
        (prefix / other).mkdir(parents=True)
    before = set(prefix.rglob("*"))
    # An environment without pip, as the one file makes it, is replaced.
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", prefix / "lib" / "passbackd"], check=True)
    said = make("install", place, umask=0o077)
    assert f"\n  {place['BINDIR']}/passbackd status\n" in said, "the way that works without it on the PATH"
    assert {file for file in prefix.rglob("*") if not readable_by_all(file)} == {prefix / "etc/passbackd/credentials"}
    assert [file for file in prefix.rglob("*") if file.lstat().st_mode & 0o022 and not file.is_symlink()] == []
    assert Path(place["BINDIR"], "passbackd").readlink() == prefix / "bin" / "passbackd"
    assert list(prefix.rglob("valkey-server")) == [], "only with EMBEDDED=yes"
    make("uninstall", place)
    assert list(Path(place["BINDIR"]).iterdir()) == []
    assert set(prefix.rglob("*")) == before
    assert list(Path(place["UNITDIR"]).iterdir()) == []
    assert not Path(place["STATEDIR"]).exists()


@pytest.mark.parametrize(
    "link",
    ["PREFIX/lib", "PREFIX/share/doc/passbackd", "PREFIX/etc/passbackd/config.toml", "UNITDIR/passbackd.service"],
)
def test_a_link_that_leads_elsewhere_is_not_followed(place, tmp_path, link):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    name, _, below = link.partition("/")
    file = Path(place[name], below)
    file.parent.mkdir(parents=True)
    file.symlink_to(elsewhere)
    assert f"{file} is a symbolic link" in make("install", place, code=2)
    assert list(elsewhere.iterdir()) == []


def test_a_command_of_another_program_is_not_replaced(place):
    command = Path(place["BINDIR"], "passbackd")
    command.parent.mkdir()
    command.write_text("another program")
    assert "another program's" in make("install", place, code=2)
    make("uninstall", place)
    assert command.read_text() == "another program"


def test_a_python_that_the_service_could_not_see_is_refused(place, tmp_path):
    """The service sees no home: it would end at each start, with no word of why."""
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\ncase $2 in *realpath*) echo /home/operator/.pyenv/bin/python;; esac\n")
    python.chmod(0o755)
    said = make("install", {**place, "STATEDIR": "/var/lib/passbackd", "PYTHON": str(python)}, code=2)
    assert "the service sees no home" in said
    assert not Path(place["PREFIX"]).exists()
