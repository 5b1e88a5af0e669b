"""What a campus holds, beside what it should hold."""

from __future__ import annotations

import pytest

from actors.reading import compare


@pytest.mark.parametrize(
    ("held", "finding"),
    [
        ("0.8333", "equal"),
        ("0.83330", "equal"),
        ("0.83335", "equal"),
        ("0.83325", "equal"),
        ("0.833351", "ours"),
        ("0.83336", "ours"),
        ("0.5", "ours"),
        ("0.50005", "ours"),
        ("0.500051", "foreign"),
        ("1", "foreign"),
        ("0", "foreign"),
        ("83.33", "foreign"),
        ("-1", "foreign"),
        ("1e400000", "foreign"),
        ("1e9999999", "foreign"),
        ("-1e9999999", "foreign"),
        ("1e-9999999", "foreign"),
        ("", "empty"),
        ("A+", "unreadable"),
        ("0,83", "unreadable"),
        ("NaN", "unreadable"),
        ("Infinity", "unreadable"),
    ],
)
def test_what_a_campus_holds_is_judged(held, finding):
    assert compare(held, "0.8333", ["0.5", "0.8334"]) == finding


def test_a_grade_that_was_sent_twice_is_equal_and_not_old():
    assert compare("0.5", "0.5", ["0.5", "0.5"]) == "equal"


def test_what_the_ledger_has_forgotten_was_never_sent():
    assert compare("0.4", "0.5", []) == "foreign"
