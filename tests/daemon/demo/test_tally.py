from fractions import Fraction

import pytest

from daemon.demo.course import example_course
from daemon.demo.learners import write_script
from daemon.demo.lms.request import RequestFault, RequestRecord
from daemon.demo.tally import mismatches, tally

COURSE = example_course()
SCRIPT = write_script(COURSE, learners=5, seed=1)
COMPOSITE = next(one.sourcedid for one in SCRIPT.assignments if one.composite)


def request(sourcedid, status, *faults):
    return RequestRecord(
        0, "/", {}, b"", ("", 0), began=0.0, sourcedid=sourcedid, score="1", status=status, faults=list(faults)
    )


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
    refused = request(COMPOSITE, 401, RequestFault(401, "a signature that is not valid"))
    rows = tally(SCRIPT, COURSE, [refused, request(COMPOSITE, 503), request(COMPOSITE, 200)], {}).rows
    assert rows["Requests at the campus"] == 2
    assert rows["  answered 503, and retried"] == 1
    assert rows["  most for one composite"] == 2
