import pytest

from actors.comparison import compare

HELD = {
    "equal": ["0.8333", "0.83330", "0.83335", "0.83325"],
    "outdated": ["0.833351", "0.83336", "0.5", "0.50005"],
    "modified": ["0.500051", "1", "0", "83.33", "-1", "1e400000", "1e9999999", "-1e9999999", "1e-9999999"],
    "empty": [""],
    "unreadable": ["A+", "0,83", "NaN", "Infinity"],
}


@pytest.mark.parametrize(("held", "expected"), [(text, name) for name, texts in HELD.items() for text in texts])
def test_what_a_campus_holds_is_compared(held, expected):
    assert compare(held, "0.8333", ["0.5", "0.8334"]) == expected


def test_a_grade_that_was_sent_twice_is_equal_and_one_without_a_record_was_never_sent():
    assert compare("0.5", "0.5", ["0.5", "0.5"]) == "equal"
    assert compare("0.4", "0.5", []) == "modified"
