"""How kinds of LMS are recognised, and that their tables are sound."""

import re

import pytest
from multidict import CIMultiDict

from actors.profiles import PROFILE_NAMES
from actors.protocols.lti11.basic_outcome import read_reply
from actors.protocols.lti11.platforms import CANVAS, DEFAULT, MOODLE, PLATFORMS, recognise
from actors.response import Response
from tests.fakes.lms import canvas_pox, pox

HTML = {"Content-Type": "text/html; charset=utf-8"}
LIMITS = {"X-Rate-Limit-Remaining": "588.2", "X-Request-Cost": "0.1"}


RECOGNISED = {
    CANVAS: [
        (422, canvas_pox("user_not_in_course"), {}),
        (422, canvas_pox("never_heard_of"), {}),
        (200, pox("success").replace(b"imsx_severity", b"ext_canvas_severity"), {}),
        (401, b"{}", {"X-Canvas-Meta": ""}),
        (403, b"", {**LIMITS, "X-Request-Context-Id": "5e6c"}),
    ],
    MOODLE: [
        (200, pox("success"), {"Set-Cookie": "MoodleSession=abc; path=/"}),
        (404, b"", {"set-cookie": "MoodleSessioncampus=abc; path=/"}),
        (200, b"", [("Set-Cookie", "lb=1"), ("Set-Cookie", "MoodleSession=abc")]),
        (200, pox("failure", "Tool does not accept grades"), HTML),
        (200, pox("failure", "Message signature not valid"), HTML),
    ],
}
COULD_BE_ANY = [
    (200, pox("success"), {}),
    (200, pox("success"), LIMITS),
    (200, pox("success"), {"X-Request-Context-Id": "5e6c"}),
    (200, pox("success", "ext_canvas_error_code"), {}),
    (200, pox("failure", "Tool does not accept grades"), {"Content-Type": "application/xml"}),
    (200, pox("failure", "User not found"), HTML),
    (500, pox("failure", "Tool does not accept grades"), HTML),
    (200, pox("success", "Tool does not accept grades"), HTML),
    (200, b"Tool does not accept grades", HTML),
    (200, b"", {"Set-Cookie": "session=MoodleSession"}),
]


def recognised(status, body, headers):
    return recognise(Response(status, CIMultiDict(headers), body, 0.1), read_reply(body))


@pytest.mark.parametrize(
    ("platform", "answer"),
    [
        pytest.param(platform, answer, id=f"{platform.name}-{number}")
        for platform, answers in RECOGNISED.items()
        for number, answer in enumerate(answers)
    ],
)
def test_a_platform_is_recognised_by_what_only_it_says(platform, answer):
    assert recognised(*answer) is platform


@pytest.mark.parametrize("answer", COULD_BE_ANY)
def test_an_answer_that_any_lms_might_give_is_of_none_in_particular(answer):
    assert recognised(*answer) is DEFAULT


def test_each_profile_is_found_by_its_name():
    assert [PLATFORMS[name].name for name in PROFILE_NAMES] == list(PROFILE_NAMES)


@pytest.mark.parametrize("profile", PLATFORMS.values(), ids=PROFILE_NAMES)
def test_a_profile_lays_its_own_rows_over_those_that_hold_for_every_lms(profile):
    assert profile.phrases[-len(DEFAULT.phrases) :] == DEFAULT.phrases
    assert (profile.statuses, profile.stored_when_empty) == (DEFAULT.statuses, frozenset({204}))


@pytest.mark.parametrize("profile", PLATFORMS.values(), ids=PROFILE_NAMES)
def test_what_answers_are_compared_with_is_in_lower_case(profile):
    assert all(known.code == known.code.lower() for known in profile.error_codes)
    assert all(re.sub(r"\\\w", "", phrase.pattern).islower() for phrase in profile.phrases)


@pytest.mark.parametrize("status", range(200, 600))
def test_every_status_code_has_a_row(status):
    assert any(status in row.codes for row in DEFAULT.statuses if not row.if_limited)
