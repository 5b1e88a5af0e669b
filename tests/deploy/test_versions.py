"""The version is that of one place, in every file that has one."""

import json
import shutil
from pathlib import Path

import pytest

from deploy.release.versions import PLACES, numbers, project_version, set_version, version_faults
from tests.docs.docs_runner import ROOT


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The files that have a version, as they are."""
    for name in PLACES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def test_all_files_of_the_project_agree():
    assert list(version_faults(ROOT)) == []


def test_every_distribution_of_the_project_is_among_the_places():
    found = [*ROOT.glob("clients/*/pyproject.toml"), *ROOT.glob("clients/*/package*.json"), ROOT / "pyproject.toml"]
    assert {path.relative_to(ROOT).as_posix() for path in found} == set(PLACES)


@pytest.mark.parametrize("name", [name for name in PLACES if name != "pyproject.toml"])
def test_a_file_that_differs_is_named(project, name):
    path = project / name
    before = project_version(project)
    path.write_text(path.read_text().replace(f'"{before}"', '"7.7.7"', 1))
    (fault,) = version_faults(project)
    assert fault.startswith(f"{name}: version ")
    assert "7.7.7" in fault
    assert f"pyproject.toml has {before}: `make version" in fault


def test_a_file_without_a_version_is_named(project):
    path = project / "clients/tutor/pyproject.toml"
    path.write_text(path.read_text().replace("\nversion = ", "\nedition = "))
    assert list(version_faults(project)) == ["clients/tutor/pyproject.toml: no version where one is expected"]


def test_setting_it_changes_each_file_in_that_place_alone(project):
    before = {name: (project / name).read_text() for name in PLACES}
    old = project_version(project)
    set_version(project, "12.0.34")
    assert list(version_faults(project)) == []
    lock = json.loads((project / "clients/typescript/package-lock.json").read_text())
    assert (lock["version"], lock["packages"][""]["version"]) == ("12.0.34", "12.0.34")
    for name, text in before.items():
        after = (project / name).read_text()
        changed = [pair for pair in zip(text.split("\n"), after.split("\n"), strict=True) if pair[0] != pair[1]]
        assert len(changed) == (2 if name.endswith("lock.json") else 1)
        assert all(line.replace(old, "12.0.34") == new for line, new in changed)


@pytest.mark.parametrize(
    "version", ["1.2", "1.2.3.4", "v1.2.3", "1.02.3", "1.2.3rc1", "1.2.3-rc.1", "", "1.2.٣", "1.2.3\n"]
)
def test_what_the_registries_would_read_differently_is_no_version(project, version):
    with pytest.raises(ValueError, match="write three numbers, as in"):
        set_version(project, version)
    assert list(version_faults(project)) == []


def test_versions_are_compared_by_their_numbers():
    assert numbers("1.10.0") > numbers("1.9.12")
