from fractions import Fraction

import pytest

from daemon.demo.course import example_course
from daemon.demo.learners import CAMPUSES, write_script
from daemon.demo.tally import Arrival, CampusHolds, mismatches, tally

COURSE = example_course()
SCRIPT = write_script(COURSE, learners=5, seed=1)
COMPOSITE = next(one.sourcedid for one in SCRIPT.assignments if one.composite)


NOTHING = dict.fromkeys(CAMPUSES, CampusHolds((), {}))


@pytest.mark.parametrize("text", ["0.3333", "0.33333", "0.333333"])
def test_a_grade_is_right_if_it_is_to_the_fourth_digit(text):
    assert mismatches({"s": Fraction(1, 3)}, {"s": text}) == []


@pytest.mark.parametrize(
    ("expected", "gradebook"),
    [
        ({"s": Fraction(1, 3)}, {"s": "0.33"}),
        ({"s": Fraction(1, 3)}, {"s": "0.334"}),
        ({"s": Fraction(1, 3)}, {}),
        ({"s": None}, {"s": "0"}),
        ({}, {"s": "1"}),
    ],
    ids=["rounded", "wrong", "missing", "a zero for nothing attempted", "of an unknown learner"],
)
def test_a_grade_that_is_wrong_missing_or_without_reason_is_a_mismatch(expected, gradebook):
    assert mismatches(expected, gradebook) == ["s"]


def test_requests_are_counted_unless_the_campus_refused_them():
    refused = Arrival(COMPOSITE, 401, "a signature that is not valid")
    first = CampusHolds([refused, Arrival(COMPOSITE, 503), Arrival(COMPOSITE, 200)], {})
    found = tally(SCRIPT, COURSE, NOTHING | {CAMPUSES[0]: first})
    assert found.rows["Requests at the campuses"] == 2
    assert found.rows["  answered 503, and retried"] == 1
    assert found.rows["  most for one composite"] == 2
    assert [campus.requests for campus in found.campuses] == [2, 0, 0]


def test_each_campus_is_compared_with_what_its_own_learners_earned():
    earned = {name: str(float(score)) for name, score in SCRIPT.expected(COURSE).items() if score is not None}
    own = {one.sourcedid for one in SCRIPT.assignments if one.campus == CAMPUSES[1]}
    at = {name: score for name, score in earned.items() if name in own}
    found = tally(SCRIPT, COURSE, NOTHING | {CAMPUSES[1]: CampusHolds((), at)})
    assert found.campuses[1].mismatches == 0
    assert found.campuses[1].grades == len(at) > 0
    elsewhere = tally(SCRIPT, COURSE, NOTHING | {CAMPUSES[1]: CampusHolds((), earned)})
    assert elsewhere.campuses[1].mismatches == len(earned) - len(at) > 0


def test_the_demo_has_no_mismatch_only_if_no_campus_has_one():
    nothing = tally(SCRIPT, COURSE, NOTHING)
    assert nothing.mismatches == sum(campus.mismatches for campus in nothing.campuses) > 0
    assert nothing.right == nothing.assignments - nothing.mismatches
