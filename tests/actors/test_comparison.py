import pytest

from actors.comparison import Scale, compare, is_the_same

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


def test_an_earlier_score_is_known_though_the_campus_rounds_it_but_not_by_a_single_digit():
    assert compare("0.67", "0.5", ["0.666667", "0.5"]) == "outdated"
    assert compare("0.66", "0.5", ["0.666667", "0.5"]) == "outdated"
    assert compare("0.7", "0.5", ["0.666667", "0.5"]) == "modified"
    # What it acknowledged last rounds to it, too.
    assert compare("0.33", "0.333333", ["0.334444", "0.333333"]) == "modified"


@pytest.mark.parametrize(
    ("held", "before", "same"),
    [
        ("0.8", "0.8", True),
        ("0.80000", "0.8", True),
        ("0.8", "0.81", False),
        ("", "", True),
        ("", "0", False),
        ("0", "", False),
        ("1e9999999", "1e9999998", False),
        ("A+", "A+", True),
    ],
)
def test_whether_a_campus_shows_the_same_as_before(held, before, same):
    assert is_the_same(held, before) is same


#: What a campus shows and what it acknowledged, in pairs, of one activity; and whether all explain the first pair.
SCALES = {
    "rounded": ([("0.33", "0.333333")], True),
    "rounded up": ([("0.67", "0.666667")], True),
    "cut": ([("0.66", "0.666667")], True),
    "filled up": ([("0.33000", "0.333333")], True),
    "one digit": ([("0.3", "0.333333")], True),
    "more than rounded": ([("0.34", "0.333333")], False),
    "another grade": ([("0.55", "0.5")], False),
    "two digits though the second is a zero": ([("0.50", "0.45")], False),
    "the others have more digits": ([("0.3", "0.333333"), ("0.4567", "0.4567")], False),
    "the others have two": ([("1", "0.996"), ("0.33", "0.333333")], True),
    "passed": ([("1", "0.7")], True),
    "passed, as a float": ([("1.0", "0.7"), ("0.0", "0.2")], True),
    "hardly passed": ([("1", "0.2")], False),
    "hardly passed, and others failed": ([("1", "0.2"), ("0", "0.1")], True),
    "failed, and others passed": ([("0", "0.3"), ("1", "0.7")], True),
    "failed alone": ([("0", "0.3")], False),
    "lost": ([("0", "0.7"), ("0", "0.9"), ("0", "0.2")], False),
    "passed with less than one who failed": ([("1", "0.3"), ("0", "0.7")], False),
    "full marks beside others' parts": ([("1", "0.7"), ("0.45", "0.45")], False),
    "no points": ([("1", "0")], False),
    "taken away": ([("0", "1")], False),
    "per cent": ([("70", "0.7")], False),
    "too large": ([("1e9999999", "0.7")], False),
    "too small": ([("1e-9999999", "0.7")], False),
    "below": ([("-1", "0.7")], False),
}


@pytest.mark.parametrize(("shown", "explained"), SCALES.values(), ids=SCALES)
def test_the_grades_of_an_activity_show_whether_its_scale_rounds_them(shown, explained):
    scale = Scale()
    for pair in shown:
        scale = scale.with_grade(*pair)
    assert scale.explains(*shown[0]) is explained


def test_what_is_no_number_says_nothing_of_a_scale():
    assert Scale().with_grade("A+", "0.5") == Scale().with_grade("", "0.5") == Scale()
    assert not Scale().explains("A+", "0.5")
