"""Real processes, as the black-box tests have them."""

from tests.blackbox.conftest import make_world

__all__ = ["make_world"]
