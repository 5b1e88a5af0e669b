"""`make install` under a prefix: it runs as the unit says, outlives a wrong configuration, and goes without a trace."""

import os
import re
import shlex
import signal
import subprocess
from pathlib import Path

import pytest

from tests.blackbox.supervisor import listening_supervisor
from tests.deploy.debian import systemd_analyze
from tests.docs.docs_runner import ROOT
from tests.docs.test_docs_runner import free_ports


@pytest.fixture
def place(tmp_path):
    return {name: str(tmp_path / name) for name in ("PREFIX", "UNITDIR", "STATEDIR")}


def make(target: str, place: dict[str, str]) -> str:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PASSBACKD_", "MAKE"))}
    words = ["make", target, *(f"{name}={value}" for name, value in place.items())]
    done = subprocess.run(words, cwd=ROOT, env=clean, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def command(unit: Path) -> list[str]:
    (line,) = re.findall(r"^ExecStart=(.*)$", unit.read_text(), re.MULTILINE)
    return shlex.split(line)


def broken_links(folder: Path) -> list[str]:
    """The links of its pages to files that are not there."""
    return [
        f"{page.name}: {target}"
        for page in folder.rglob("*.md")
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text())
        if not (page.parent / target).exists()
    ]


@pytest.mark.timeout(300)
def test_it_is_installed_runs_reloads_upgrades_and_goes(place, tmp_path):
    make("install", place)
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

    assert f"kept {config}" in make("install", place), "an upgrade leaves the configuration as it is"
    assert config.read_text().endswith("[nonsense]\n")
    said = make("uninstall", place)
    assert "kept your configuration" in said
    assert not Path(place["PREFIX"]).exists()
    assert not unit.exists()
    assert {file.name for file in Path(place["STATEDIR"]).iterdir()} >= {"passbackd.db", "config.toml"}


def test_what_was_not_changed_leaves_no_trace_at_all_and_what_is_of_others_stays(place):
    prefix = Path(place["PREFIX"])
    for other in ("share/doc/other", "etc/other", "lib/other"):
        (prefix / other).mkdir(parents=True)
    before = set(prefix.rglob("*"))
    make("install", place)
    make("uninstall", place)
    assert set(prefix.rglob("*")) == before
    assert list(Path(place["UNITDIR"]).iterdir()) == []
    assert not Path(place["STATEDIR"]).exists()
