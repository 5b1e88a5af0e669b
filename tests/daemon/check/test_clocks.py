"""How far clocks are apart, in words."""

import pytest

from daemon.check.clocks import apart


@pytest.mark.parametrize(
    ("ahead", "words"),
    [
        (0, "its clock agrees with ours"),
        (-1, "its clock agrees with ours"),
        (3.21, "its clock is 3.2 s ahead of ours"),
        (-59.9, "its clock is 59.9 s behind ours"),
        (300, "its clock is 5 min ahead of ours"),
        (-7500, "its clock is 2 h 5 min behind ours"),
    ],
)
def test_a_difference_is_told_with_its_direction(ahead, words):
    assert apart(ahead, "ours") == words
