"""A score as platforms get it."""

import json
from decimal import Decimal

import pytest

from actors.protocols.interface import CLEARED, WireScore
from actors.protocols.lti13.score import score_json

STAMP = 1_795_342_530


def test_a_score_is_one_json_object():
    assert score_json("the-sub", WireScore("0.5", stamp=STAMP), of_canvas=False) == (
        b'{"userId": "the-sub", "scoreGiven": 0.5, "scoreMaximum": 1, "timestamp": "2026-11-22T10:15:30.000Z", '
        b'"activityProgress": "Completed", "gradingProgress": "FullyGraded"}'
    )


@pytest.mark.parametrize(
    "text", ["0", "1", "0.5", "0.10", "0.333333", "0.1000000000000000055511151231257827", "1.0", "0." + "3" * 60]
)
def test_a_score_is_the_number_that_its_text_is(text):
    body = score_json("7", WireScore(text, stamp=STAMP), of_canvas=False)
    assert f'"scoreGiven": {text},'.encode() in body
    assert json.loads(body, parse_float=Decimal, parse_int=Decimal)["scoreGiven"] == Decimal(text)


@pytest.mark.parametrize(
    "text", ["NaN", "Infinity", "1e5", "-0.1", ".5", "1.", "0,5", "01", "0x1", "\u0661", " 1", "1 "]
)
def test_what_is_no_decimal_number_is_no_score(text):
    with pytest.raises(ValueError, match="no decimal number"):
        score_json("7", WireScore(text, stamp=STAMP), of_canvas=False)


@pytest.mark.parametrize("of_canvas", [False, True])
def test_a_cleared_score_has_no_score_and_no_submission(of_canvas):
    score = WireScore(CLEARED, stamp=STAMP, submitted_at=STAMP * 1000, new_submission=True)
    assert json.loads(score_json("7", score, of_canvas=of_canvas)) == {
        "userId": "7",
        "timestamp": "2026-11-22T10:15:30.000Z",
        "activityProgress": "Initialized",
        "gradingProgress": "NotReady",
    }


@pytest.mark.parametrize("new", [True, False])
def test_canvas_gets_the_submission(new):
    score = WireScore("0.5", stamp=STAMP, submitted_at=STAMP * 1000 - 877, new_submission=new)
    members = json.loads(score_json("7", score, of_canvas=True))
    assert members["submission"] == {"submittedAt": "2026-11-22T10:15:29.123Z"}
    assert members["https://canvas.instructure.com/lti/submission"] == {"new_submission": new}
    assert "prioritize_non_tool_grade" not in json.dumps(members)


def test_canvas_gets_nothing_that_is_not_known():
    members = json.loads(score_json("7", WireScore("0.5", stamp=STAMP, prioritized=True), of_canvas=True))
    assert set(members) == {"userId", "scoreGiven", "scoreMaximum", "timestamp", "activityProgress", "gradingProgress"}


def test_other_platforms_get_nothing_of_canvass():
    score = WireScore("0.5", stamp=STAMP, submitted_at=STAMP * 1000, new_submission=True)
    assert score_json("7", score, of_canvas=False) == score_json("7", WireScore("0.5", stamp=STAMP), of_canvas=False)


@pytest.mark.parametrize("user_id", ['a"b\\c', "ä\u2028", "", "7", "\ud800", "\0", "urn:x:{}%s"])
def test_a_user_id_is_text_whatever_it_is(user_id):
    assert json.loads(score_json(user_id, WireScore("1", stamp=STAMP), of_canvas=False))["userId"] == user_id


def test_a_stamp_beyond_the_calendar_cannot_be_written():
    with pytest.raises(ValueError, match="no calendar date"):
        score_json("7", WireScore("1", stamp=10**15), of_canvas=False)
