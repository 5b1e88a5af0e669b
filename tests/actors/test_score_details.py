"""What is said of a score beside the score."""

from dataclasses import replace

import pytest

from actors.protocols.interface import CLEARED, WireScore
from actors.score_details import cleared, with_details
from tests.actors.resolving import ADDRESS, CLAIM, NOW

PLATFORM = replace(ADDRESS, issuer="https://platform.example")


def details(text="0.5", *, product=None, prioritizes=False, address=PLATFORM, **claim) -> WireScore:
    values = replace(CLAIM, address=address, stamp=7, changed_at=NOW, **claim)
    return with_details(text, values, product=product, prioritizes=prioritizes)


def test_a_score_has_its_timestamp_and_nothing_more():
    assert details() == details(product="moodle") == WireScore("0.5", stamp=7)


def test_canvas_gets_the_time_of_a_first_score_as_a_new_submission():
    assert details(product="canvas") == WireScore("0.5", stamp=7, submitted_at=NOW, new_submission=True)


def test_canvas_gets_later_scores_as_no_new_submission():
    assert details(product="canvas", sent_at=NOW).new_submission is False


@pytest.mark.parametrize(
    ("omitted", "submitted_at", "new"),
    [("new_submission", NOW, False), ("submitted_at", None, True), ("submitted_at new_submission", None, False)],
)
def test_what_the_lms_did_not_take_is_left_out(omitted, submitted_at, new):
    found = details(product="canvas", omitted=omitted)
    assert (found.submitted_at, found.new_submission) == (submitted_at, new)


def test_a_cleared_score_says_nothing_of_a_submission():
    assert details(CLEARED, product="canvas") == WireScore(CLEARED, stamp=7)


def test_where_the_lms_cannot_clear_a_grade_it_becomes_nought():
    assert cleared(CLAIM) == CLEARED
    assert cleared(replace(CLAIM, omitted="token clear")) == "0"


def test_lti_11_gets_what_its_launch_offered():
    assert details(address=ADDRESS, product="canvas", prioritizes=True) == WireScore("0.5", stamp=7)
    offered = replace(ADDRESS, offered="submitted_at prioritize_non_tool_grade")
    assert details(address=offered, prioritizes=True) == WireScore("0.5", stamp=7, submitted_at=NOW, prioritized=True)
    assert not details(address=offered).prioritized
