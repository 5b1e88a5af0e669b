"""Real processes, as the black-box tests have them; and a machine with systemd, where one can be had."""

import os
from pathlib import Path

import pytest

from tests.blackbox.conftest import make_world
from tests.deploy.distribution import built_in
from tests.deploy.machine import missing

__all__ = ["make_world"]

#: The tests that want a machine with systemd.
ON_A_MACHINE = ("test_with_systemd.py", "test_debian_package.py")


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leave the tests of the machine out where none can be had; ``tests/conftest.py`` says so at the end."""
    return True if collection_path.name in ON_A_MACHINE and missing() else None


@pytest.fixture(scope="session")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with what `make dist` builds; tests leave it as it is."""
    own = tmp_path_factory.getbasetemp()
    # Each worker of xdist has a folder of its own in that of the run.
    return built_in(own.parent if "PYTEST_XDIST_WORKER" in os.environ else own)
