from fractions import Fraction

import pytest

from daemon.demo.course import example_course
from daemon.demo.learners import write_script
from daemon.demo.lms.request import Fault, RequestRecord
from daemon.demo.tally import mismatches, tally


@pytest.fixture
def script():
    return write_script(example_course(), learners=5, seed=1)


def request(sourcedid, status, *faults):
    return RequestRecord(
        0, "/", {}, b"", ("", 0), began=0.0, sourcedid=sourcedid, score="1", status=status, faults=list(faults)
    )


def right_gradebook(script):
    return {sourcedid: f"{float(score):.6f}" for sourcedid, score in script.earned().items() if score is not None}


@pytest.mark.parametrize("text", ["0.3333", "0.33333", "0.333333"])
def test_a_grade_is_right_if_it_is_to_the_fourth_digit(text):
    assert mismatches({"s": Fraction(1, 3)}, {"s": text}) == []


@pytest.mark.parametrize("gradebook", [{"s": "0.33"}, {"s": "0.334"}, {}], ids=["rounded", "wrong", "missing"])
def test_a_grade_that_is_wrong_or_missing_is_a_mismatch(gradebook):
    assert mismatches({"s": Fraction(1, 3)}, gradebook) == ["s"]


def test_a_zero_for_somebody_who_tried_nothing_is_a_mismatch():
    assert mismatches({"s": None}, {"s": "0"}) == ["s"]
    assert mismatches({"s": None}, {}) == []


def test_a_grade_for_nobody_is_a_mismatch():
    assert mismatches({}, {"s": "1"}) == ["s"]


def test_a_right_gradebook_has_no_mismatches(script):
    result = tally(script, [], right_gradebook(script))
    assert result.mismatches == 0
    assert result.right == len(script.assignments)


def test_retries_are_told_from_requests_of_their_own(script):
    composite = next(a.sourcedid for a in script.assignments if a.composite)
    statuses = [503, 200, 200]
    result = tally(script, [request(composite, status) for status in statuses], {})
    assert (result.requests, result.answered_503, result.retried, result.most_per_composite) == (3, 1, 1, 2)


def test_refused_requests_are_not_counted(script):
    refused = request(script.assignments[0].sourcedid, 401, Fault(401, "a signature that is not valid"))
    assert tally(script, [refused], {}).requests == 0


def test_changes_without_a_request_of_their_own_are_saved(script):
    composites = [a.sourcedid for a in script.assignments if a.composite]
    changes = sum(script.changes_under()[sourcedid] for sourcedid in composites)
    received = [request(sourcedid, 200) for sourcedid in composites]
    assert tally(script, received, {}).saved == changes - len(composites)
