"""The clients that `make dist` builds are what a tool installs: whole, and with nothing of the checkout."""

import json
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email.parser import Parser

import pytest

from tests.deploy.test_dist import VERSION
from tests.docs.docs_runner import ROOT

pytestmark = pytest.mark.timeout(700)

#: Of each client in Python: its folder, its name in those of files, what is imported, a file that is no module.
CLIENTS = [
    ("python", "passbackd_client", "passbackd_client", "passbackd_client/py.typed"),
    ("openedx", "openedx_passbackd", "openedx_passbackd", "openedx_passbackd/settings/production.py"),
    ("tutor", "tutor_contrib_passbackd", "tutorpassbackd", "tutorpassbackd/patches/openedx-common-settings"),
]


@pytest.mark.parametrize(("folder", "name", "package", "inside"), CLIENTS)
def test_a_wheel_holds_its_package_whole_and_nothing_else(dist, folder, name, package, inside):
    with zipfile.ZipFile(dist / f"{name}-{VERSION}-py3-none-any.whl") as wheel:
        names = set(wheel.namelist())
        about = Parser().parsestr(wheel.read(f"{name}-{VERSION}.dist-info/METADATA").decode())
    project = tomllib.loads((ROOT / "clients" / folder / "pyproject.toml").read_text())["project"]
    assert (about["Name"], about["Version"]) == (project["name"], VERSION)
    home = ROOT / "clients" / folder
    files = {
        path.relative_to(home).as_posix()
        for path in (home / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert inside in files
    assert {file for file in names if ".dist-info/" not in file} == files
    assert f"{name}-{VERSION}.dist-info/licenses/LICENSE" in names


@pytest.mark.parametrize(("folder", "name", "package", "inside"), CLIENTS)
def test_a_source_builds_the_same_wheel_without_the_project(dist, tmp_path, folder, name, package, inside):
    with tarfile.open(dist / f"{name}-{VERSION}.tar.gz") as source:
        epoch = source.getmembers()[0].mtime
        source.extractall(tmp_path, filter="data")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", tmp_path],
        cwd=tmp_path / f"{name}-{VERSION}",
        env={"SOURCE_DATE_EPOCH": str(epoch)},
        capture_output=True,
        check=True,
    )
    wheel = f"{name}-{VERSION}-py3-none-any.whl"
    assert (tmp_path / wheel).read_bytes() == (dist / wheel).read_bytes()


def test_the_client_for_python_is_installed_from_the_file_alone_and_makes_an_event(dist, tmp_path):
    wheel = dist / f"passbackd_client-{VERSION}-py3-none-any.whl"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--disable-pip-version-check"]
    subprocess.run([*pip, "--target", tmp_path, wheel], check=True)
    event = "from passbackd_client import UserRetired; print(UserRetired(user_id='42').json_object())"
    said = subprocess.run([sys.executable, "-c", event], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "user.retired" in said.stdout
    assert (tmp_path / "passbackd_client" / "py.typed").exists()


def test_the_package_for_node_is_installed_from_the_file_alone_and_has_its_types(dist, tmp_path):
    packed = dist / f"passbackd-client-{VERSION}.tgz"
    npm = ["npm", "install", "--offline", "--no-audit", "--no-fund", "--silent", "--prefix", tmp_path, packed]
    subprocess.run(npm, cwd=tmp_path, check=True)
    installed = tmp_path / "node_modules" / "passbackd-client"
    about = json.loads((installed / "package.json").read_text())
    assert about["version"] == VERSION
    # The sources in TypeScript are not in it, and each module has its types.
    files = {path.name for path in (installed / "dist").iterdir()}
    modules = {path.stem for path in (ROOT / "clients/typescript/src").glob("*.ts")}
    assert files == {f"{module}{end}" for module in modules for end in (".js", ".d.ts")}
    assert {path.name for path in installed.iterdir()} == {"LICENSE", "README.md", "dist", "package.json"}
    script = "import { HttpFeed } from 'passbackd-client'; console.log(typeof HttpFeed)"
    node = ["node", "--input-type=module", "--eval", script]
    said = subprocess.run(node, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert said.stdout == "function\n"
