"""What must hold whatever arrives, for a moment; `python -m tests.fuzz` looks for longer."""

import pytest
from hypothesis import settings

from tests.fuzz.targets import TARGETS


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.__name__)
def test_it_holds_whatever_arrives(target):
    settings(max_examples=150, deadline=None, derandomize=True)(target)()
