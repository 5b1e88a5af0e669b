"""Real processes, as the black-box tests have them; and a machine with systemd, where one can be had."""

from pathlib import Path

from tests.blackbox.conftest import make_world
from tests.deploy.machine import missing

__all__ = ["make_world"]


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leave the tests of the machine out where it cannot be had; ``tests/conftest.py`` says so at the end."""
    return True if collection_path.name == "test_with_systemd.py" and missing() else None
