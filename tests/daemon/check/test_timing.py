"""Clocks that differ, by what another machine says of its own."""

import pytest

from daemon.check.timing import ahead_by_date, clock_difference


@pytest.mark.parametrize(
    ("offset", "took", "ahead"),
    [
        (0.0, 0.1, 0),
        # It was the same second, or the one before the answer came.
        (-0.999, 0.0, 0),
        (-1.05, 0.1, 0),
        (-3.5, 2.9, 0),
        (-1.2, 0.1, -1.2),
        (-7200.5, 0.1, -7200.5),
        (0.2, 3.0, 0.2),
    ],
)
def test_a_clock_is_off_only_where_its_whole_seconds_show_it(offset, took, ahead):
    assert ahead_by_date(offset, took) == ahead


@pytest.mark.parametrize(
    ("ahead", "words"),
    [
        (0, "agrees with ours"),
        (-1, "agrees with ours"),
        (2.5, "is 2 s ahead of ours"),
        (-7500, "is 2 h 5 min behind ours"),
    ],
)
def test_a_difference_is_said_in_words(ahead, words):
    assert clock_difference(ahead, "ours") == f"its clock {words}"
