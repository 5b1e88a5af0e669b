"""
The Debian package, as docs/install.md says, and the commands of the Containerfile, on a machine without a network.

Collected where such a machine can be had: see conftest.py.
"""

import json
import re
import shlex
import shutil

import pytest

from tests.deploy.machine import booted
from tests.deploy.test_install import broken_links
from tests.docs.blocks import SAYS, steps
from tests.docs.docs_runner import ROOT

pytestmark = pytest.mark.timeout(700)

CONFIG = "/etc/passbackd/config.toml"
VENV = "/opt/passbackd/lib/passbackd"


@pytest.fixture(scope="module")
def machine(dist, tmp_path_factory):
    with booted(tmp_path_factory.mktemp("machine"), tmp_path_factory.mktemp("log") / "boot.log", bare=True) as one:
        one.path("/srv/dist").mkdir(parents=True)
        for file in [*dist.glob("*.deb"), dist / "passbackd.pex"]:
            shutil.copy(file, one.path("/srv/dist"))
        yield one


def type_in(machine, block):
    """A block of the page, as root; without a network that it could install anything else from."""
    said = machine.run("sh", "-euc", "cd /srv\n" + re.sub(r"\bsudo ", "", block.text))
    for text in block.wishes.get(SAYS, ()):
        assert text in said
    return said


def left_of_it(machine):
    """What the machine's own layer has of passbackd."""
    layer = machine.layer()
    found = (path for top in ("etc", "opt", "usr", "var", "root") for path in (layer / top).rglob("*passbackd*"))
    # An overlay's mark for a file that was removed is no file; dpkg keeps its lists.
    kept = [path.relative_to(layer) for path in found if path.is_dir() or path.is_file() or path.is_symlink()]
    return {f"/{path}" for path in kept if "dpkg" not in path.parts and "log" not in path.parts}


def test_it_is_installed_started_upgraded_removed_and_purged_as_the_page_says(machine):
    install, start, purge = steps((ROOT / "docs" / "install.md").read_text())["Debian package"]
    before = left_of_it(machine)
    made = machine.path("/etc/systemd/system/passbackd.service")
    made.touch()
    said = machine.run("sh", "-c", "dpkg --install /srv/dist/passbackd_*.deb", code=1)
    assert "sudo make uninstall" in said, "it goes nowhere beside a `make install`"
    made.unlink()
    said = type_in(machine, install)
    assert "passbackd is not started yet" in said
    assert machine.property("ActiveState") == "inactive"
    assert machine.run("systemctl", "is-enabled", "passbackd", code=1).strip() == "disabled"
    assert machine.run("dpkg", "--verify", "passbackd") == ""
    assert broken_links(machine.path("/usr/share/doc/passbackd")) == []
    (page,) = re.findall(r"^Documentation=file:(.*)$", machine.run("systemctl", "cat", "passbackd"), re.MULTILINE)
    assert machine.path(page).exists()
    type_in(machine, start)
    machine.run("passbackd", "consumer", "add", "Example University", "--key", "example", "--secret-stdin", stdin="s\n")
    account = machine.run("id", "-u", "passbackd").strip()
    assert machine.path(f"/proc/{machine.property('MainPID')}").stat().st_uid == int(account)
    assert machine.path("/etc/passbackd/credentials").stat().st_mode & 0o777 == 0o700

    config, before_upgrade = machine.path(CONFIG), machine.property("MainPID")
    config.write_text(config.read_text() + "# changed\n")
    machine.path("/etc/passbackd/credentials/web.port").write_text("9873\n")
    # What apt calls for a new file; of the same release it would leave it at that.
    assert "not started yet" not in machine.run("sh", "-c", "dpkg --install /srv/dist/passbackd_*.deb")
    machine.wait_until("restarted", lambda: machine.property("MainPID") not in ("0", before_upgrade))
    machine.wait_until("ready", lambda: machine.property("ActiveState") == "active")
    assert config.read_text().endswith("# changed\n")
    assert "Example University" in machine.run("passbackd", "consumer", "list")

    machine.run("dpkg", "--remove", "passbackd")
    assert not machine.path("/opt/passbackd").exists()
    assert not machine.run("pgrep", "-u", account, code=1)
    assert config.exists()
    assert machine.path("/var/lib/private/passbackd/passbackd.db").exists()
    type_in(machine, purge)
    assert left_of_it(machine) == before


def test_the_commands_of_the_containerfile_make_what_its_entry_point_runs(machine):
    """As a script, since no image can be built here: what they need of python:3.12-slim is what Debian has too."""
    text = (ROOT / "deploy" / "Containerfile").read_text()
    # Should the package still be there.
    machine.run("sh", "-c", "systemctl stop passbackd; userdel passbackd", code=None)
    machine.run("sh", "-c", "mkdir -p /build && cp /srv/dist/passbackd.pex /build/")
    machine.run("sh", "-euc", "\n".join(re.findall(r"^RUN (.*)$", text, re.MULTILINE)))
    (entry,) = re.findall(r'^ENTRYPOINT \["(.*)"\]$', text, re.MULTILINE)
    (folder,) = re.findall(r"^WORKDIR (.*)$", text, re.MULTILINE)
    (environment,) = re.findall(r"^ENV (.*)$", text, re.MULTILINE)
    as_user = (
        f"cd {folder} && exec setpriv --reuid=passbackd --regid=passbackd --clear-groups env {environment} {entry}"
    )
    assert 'host = "0.0.0.0"' in machine.run("sh", "-euc", f"{as_user} config")
    assert "applied" in machine.run("sh", "-euc", f"{as_user} migrate")
    assert "no daemon" in machine.run("sh", "-euc", f"{as_user} status")
    (health,) = re.findall(r"^HEALTHCHECK .* CMD (\[.*\])$", text, re.MULTILINE)
    machine.run("sh", "-euc", f"cd {folder} && env {environment} {shlex.join(json.loads(health))}", code=1)
